"""A patient's ten movements as a method shows them on somebody else; the patient is not shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from palsynth.clinical import YANAGIHARA, Movement, Palsy
from palsynth.data.manifest import FILE_NAME, read_manifest
from palsynth.errors import InputError
from palsynth.face.detect import read_face
from palsynth.face.framing import PORTRAIT
from palsynth.face.images import SUFFIXES
from palsynth.generation.measured import AskedMeasured, asked_and_measured
from palsynth.generation.sheet import Sheet, drawn_sheet
from palsynth.methods.base import Identity, Method, Picture, Request


def pictures_by_movement(folder: Path) -> dict[Movement, Path]:
    """The first picture of each movement in a folder: by its manifest, else by file names that
    begin with a movement (``grin.jpg``, ``close-eyes-lightly-02.png``).

    Raises InputError naming the movements that are missing.
    """
    found: dict[Movement, Path] = {}
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give one with a patient's ten movements")
    if (folder / FILE_NAME).is_file():
        rows = read_manifest(folder)
        subjects = sorted({row.subject_id for row in rows})
        if len(subjects) > 1:
            raise InputError(
                f"{folder}: holds pictures of {len(subjects)} subjects; give one patient's folder"
            )
        for row in rows:
            if row.movement:
                found.setdefault(Movement(row.movement), folder / row.file_name)
    else:
        every = sorted(p for p in folder.glob("*") if p.suffix.lower() in SUFFIXES)
        by_length = sorted(Movement, key=lambda m: -len(m.value))  # "wink" begins no other name
        for path in every:
            movement = next((m for m in by_length if path.stem.startswith(m.value)), None)
            if movement is not None:
                found.setdefault(movement, path)
    missing = [m.value for m in YANAGIHARA if m not in found]
    if missing:
        raise InputError(
            f"{folder}: has no picture of {', '.join(missing)}; name files by movement "
            f"({YANAGIHARA[1].value}.jpg) or give a dataset's folder"
        )
    return {m: found[m] for m in YANAGIHARA}


def patient_sheet(folder: Path, identity: Identity, method: Method, *, size: int = 320) -> Sheet:
    """The ten movements of a folder's patient on the identity, the patient's and the picture's
    estimated item score under each."""
    paths = pictures_by_movement(folder)
    faces = {m: read_face(path) for m, path in paths.items()}
    requests = [Request(identity, Picture(face), 0, size, PORTRAIT) for face in faces.values()]
    images = method(requests)
    rows = [_row(m, faces[m].image, image) for m, image in zip(faces, images, strict=True)]
    return drawn_sheet(images, rows, "A patient's ten movements on somebody else", "patient")


def _row(movement: Movement, patient: np.ndarray, made: np.ndarray) -> AskedMeasured:
    """What is measured in a picture, the patient's own measure in place of what was asked."""
    theirs, ours = (asked_and_measured(i, movement, Palsy.none()) for i in (patient, made))
    return replace(ours, asked_side=theirs.measured_side, asked_score=theirs.measured_score)
