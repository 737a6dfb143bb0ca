"""Reads a patient's pictures: one photo, or a folder of photos at rest and in movement."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from palsynth.capture.at_rest import note_unless_at_rest
from palsynth.capture.seen import read_expression
from palsynth.clinical import YANAGIHARA, Movement
from palsynth.data.manifest import FILE_NAME, read_manifest
from palsynth.encoders.published.dlib import check_same_person
from palsynth.errors import InputError
from palsynth.face.face import Face
from palsynth.face.images import SUFFIXES
from palsynth.folders import note_left_out, walk
from palsynth.methods.base import ExpressionImage


@dataclass(frozen=True)
class PatientPicture:
    """One picture of a patient. ``name`` is that of its movement, numbered if there are several,
    and does not identify the patient; ``movement`` is None if unknown."""

    name: str
    movement: Movement | None
    face: Face


@dataclass(frozen=True)
class Patient:
    """A patient's ``pictures`` in the order of movements, the face at ``rest`` (None without one),
    and in ``left_out`` one line per file that was left out."""

    pictures: tuple[PatientPicture, ...]
    rest: Face | None
    left_out: tuple[str, ...] = ()

    def expression(self, picture: PatientPicture) -> ExpressionImage:
        """The expression image of a picture.

        A picture at rest has no reference, because its expression is the asymmetry at rest itself.

        Args:
            picture: one of ``pictures``.

        Returns:
            The face, with the face at rest as its reference.
        """
        at_rest = picture.movement is Movement.REST
        return ExpressionImage(picture.face, None if at_rest else self.rest)


def read_photo(path: Path, rest: Path | None, movement: Movement | None) -> Patient:
    """Reads a single photo of a patient.

    Args:
        path: the photo.
        rest: a photo of the same patient at rest; None if there is none.
        movement: the movement that the photo shows; None if unknown.

    Returns:
        The patient, with one picture.

    Raises:
        InputError: a photo cannot be used, or ``rest`` shows another person.
    """
    face = read_expression(path)
    rest_face, rest_path = (face, path) if movement is Movement.REST else (None, rest)
    if rest is not None:
        rest_face, rest_path = read_expression(rest), rest
        check_same_person(face, rest_face, str(path), str(rest))
    if rest_face is not None:
        note_unless_at_rest(rest_face, str(rest_path))
    name = "picture" if movement is None else movement.value
    return Patient((PatientPicture(name, movement, face),), rest_face)


def read_folder(folder: Path) -> Patient:
    """Reads a folder of a patient's photos.

    Movements come from the folder's manifest, or else from file names that start with a movement
    (``grin.jpg``, ``Close_Eyes_Lightly-02.png``). The first photo at rest is the reference of all
    others.

    Args:
        folder: the folder.

    Returns:
        The patient, pictures in the order of the Yanagihara movements.

    Raises:
        InputError: there is no picture of a movement, one cannot be used, or the pictures show more
            than one person.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give one with a patient's movements")
    placed, left_out = _by_manifest(folder) if (folder / FILE_NAME).is_file() else _by_name(folder)
    if not placed:
        raise InputError(
            f"{folder}: has no picture of a movement; name files by movement ({Movement.REST.value}"
            f".jpg, {Movement.GRIN.value}.jpg) or give the folder of a dataset"
        )
    return read_pictures(placed, left_out)


def read_pictures(
    placed: Sequence[tuple[Movement | None, Path]], left_out: Sequence[str] = ()
) -> Patient:
    """Reads pictures of one patient whose movements are known, or of one whose movement is not.

    The first picture at rest is the reference of all others.

    Args:
        placed: the movement and path of each picture, at least one; the movement is None where it
            is not known.
        left_out: one line per file that was left out before.

    Returns:
        The patient, pictures in the order of the Yanagihara movements.

    Raises:
        InputError: a picture cannot be used, or the pictures show more than one person.
    """
    order = [*YANAGIHARA, *(m for m in Movement if m not in YANAGIHARA), None]
    pictures: list[PatientPicture] = []
    counts: dict[Movement | None, int] = dict.fromkeys(order, 0)
    first: tuple[Face, Path] | None = None
    for movement, path in sorted(placed, key=lambda pair: (order.index(pair[0]), str(pair[1]))):
        face = read_expression(path)
        if first is None:
            first = face, path
        else:
            check_same_person(first[0], face, str(first[1]), str(path))
        if movement is Movement.REST:
            note_unless_at_rest(face, str(path))
        counts[movement] += 1
        number = "" if counts[movement] == 1 else f"-{counts[movement]}"
        name = "picture" if movement is None else movement.value
        pictures.append(PatientPicture(f"{name}{number}", movement, face))
    rest = next((p.face for p in pictures if p.movement is Movement.REST), None)
    return Patient(tuple(pictures), rest, tuple(left_out))


def movement_in_name(name: str) -> Movement | None:
    """The movement that the name of a file starts with.

    Args:
        name: the name, without folders and suffix.

    Returns:
        The movement, by the longest name that fits; None if there is none.

    Example:
        >>> movement_in_name("Close_Eyes_Lightly-02").value
        'close-eyes-lightly'
    """
    words = re.sub(r"[\s_]+", "-", name.lower())
    by_length = sorted(Movement, key=lambda m: -len(m.value))
    return next((m for m in by_length if re.match(rf"{m.value}(?![a-z])", words)), None)


Placed = tuple[list[tuple[Movement, Path]], list[str]]
"""Movement and path of each picture, and one line per file that was left out."""


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
    placed: list[tuple[Movement, Path]] = []
    left_out: list[str] = []
    found = walk(folder, recursive=False)
    note_left_out(folder, found.left_out)
    left_out += [f"{skipped.path}: {skipped.rule}" for skipped in found.faulty]
    for path in found.files:
        movement = movement_in_name(path.stem)
        if path.suffix.lower() not in SUFFIXES:
            left_out.append(f"{path}: not a picture")
        elif movement is None:
            left_out.append(f"{path}: its name does not start with a movement")
        else:
            placed.append((movement, path))
    return placed, left_out
