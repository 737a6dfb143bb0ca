"""A patient's pictures: one photo, or a folder of movements with the rest."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from palsynth.capture.seen import read_expression
from palsynth.clinical import YANAGIHARA, Movement
from palsynth.data.manifest import FILE_NAME, read_manifest
from palsynth.encoders.published.dlib import check_same_person
from palsynth.errors import InputError
from palsynth.face.face import Face
from palsynth.face.images import SUFFIXES
from palsynth.methods.base import ExpressionImage


@dataclass(frozen=True)
class PatientPicture:
    """One picture. ``name`` says what it shows and nothing of the patient: the movement, numbered
    where there are several; ``movement`` is None where nobody said it."""

    name: str
    movement: Movement | None
    face: Face


@dataclass(frozen=True)
class Patient:
    """Everything that is known of a patient: pictures in order, the face at rest where there is
    one, and one line a file that was left out."""

    pictures: tuple[PatientPicture, ...]
    rest: Face | None
    left_out: tuple[str, ...] = ()

    def expression(self, picture: PatientPicture) -> ExpressionImage:
        """What a picture shows, against the rest; a picture at rest is read by itself, because what
        hangs at rest is what it shows."""
        at_rest = picture.movement is Movement.REST
        return ExpressionImage(picture.face, None if at_rest else self.rest)


def read_photo(path: Path, rest: Path | None, movement: Movement | None) -> Patient:
    """A patient of one photo. Raises InputError where it cannot be used, or where ``rest`` shows
    somebody else."""
    face = read_expression(path)
    still = face if movement is Movement.REST else None
    if rest is not None:
        still = read_expression(rest)
        check_same_person(face, still, str(path), str(rest))
    name = "picture" if movement is None else movement.value
    return Patient((PatientPicture(name, movement, face),), still)


def read_folder(folder: Path) -> Patient:
    """A patient of a folder: by its manifest, else by file names that begin with a movement
    (``grin.jpg``, ``Close_Eyes_Lightly-02.png``); the first at rest is what all are read against.

    Raises InputError where no picture is found, one cannot be used, or two show two people.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give one with a patient's movements")
    placed, left_out = _by_manifest(folder) if (folder / FILE_NAME).is_file() else _by_name(folder)
    if not placed:
        raise InputError(
            f"{folder}: has no picture of a movement; name files by movement ({Movement.REST.value}"
            f".jpg, {Movement.GRIN.value}.jpg) or give a dataset's folder"
        )
    order = [*YANAGIHARA, *(m for m in Movement if m not in YANAGIHARA)]
    placed.sort(key=lambda pair: (order.index(pair[0]), str(pair[1])))
    pictures, counts = [], dict.fromkeys(Movement, 0)
    first_face, first_path = None, folder
    for movement, path in placed:
        face = read_expression(path)
        if first_face is None:
            first_face, first_path = face, path
        else:
            check_same_person(first_face, face, str(first_path), str(path))
        counts[movement] += 1
        number = "" if counts[movement] == 1 else f"-{counts[movement]}"
        pictures.append(PatientPicture(f"{movement.value}{number}", movement, face))
    rest = next((p.face for p in pictures if p.movement is Movement.REST), None)
    return Patient(tuple(pictures), rest, tuple(left_out))


Placed = tuple[list[tuple[Movement, Path]], list[str]]


def _by_manifest(folder: Path) -> Placed:
    rows = read_manifest(folder)
    subjects = sorted({row.subject_id for row in rows})
    if len(subjects) > 1:
        raise InputError(
            f"{folder}: holds pictures of {len(subjects)} subjects; give one patient's folder"
        )
    placed = [(Movement(row.movement), folder / row.file_name) for row in rows if row.movement]
    return placed, [
        f"{folder / row.file_name}: the manifest names no movement"
        for row in rows
        if not row.movement
    ]


def _by_name(folder: Path) -> Placed:
    placed, left_out = [], []
    by_length = sorted(Movement, key=lambda m: -len(m.value))  # "wink" begins no other name
    for path in _files(folder):
        words = re.sub(r"[\s_]+", "-", path.stem.lower())
        movement = next((m for m in by_length if re.match(rf"{m.value}(?![a-z])", words)), None)
        if path.suffix.lower() not in SUFFIXES:
            left_out.append(f"{path}: not a picture")
        elif movement is None:
            left_out.append(f"{path}: its name begins with no movement")
        else:
            placed.append((movement, path))
    return placed, left_out


def _files(folder: Path) -> Iterator[Path]:
    """All files of a folder, sorted, hidden ones left out."""
    yield from sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith("."))
