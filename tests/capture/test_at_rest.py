"""Photos at rest that are not, and small faces, are said; others are not."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from palsynth.capture.at_rest import is_smiling, mouth_is_open, not_at_rest, note_unless_at_rest
from palsynth.capture.seen import read_expression
from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.face import topology
from palsynth.face.detect import SMALL, detect_face, small_face
from palsynth.face.face import Face
from palsynth.face.images import write_png
from palsynth.subjects import View, render, sample


def _shown(movement: Movement, palsy: Palsy | None, intensity: float = 1.0) -> Face:
    picture = render(sample(31), movement, palsy, intensity=intensity, view=View(256))
    return detect_face(picture.image)


@pytest.mark.parametrize("grade", [None, Grade.III, Grade.VI])
def test_a_face_at_rest(grade: Grade | None) -> None:
    palsy = None if grade is None else Palsy.peripheral(Side.RIGHT, grade)
    assert not_at_rest(_shown(Movement.REST, palsy)) is None


@pytest.mark.parametrize("side", list(Side))
def test_a_smile_of_one_side(side: Side) -> None:
    face = _shown(Movement.GRIN, Palsy.peripheral(side, Grade.V))
    assert is_smiling(face)
    assert not_at_rest(face) in ("the mouth is open", "the face smiles")


def test_a_smile_with_closed_lips() -> None:
    face = _shown(Movement.GRIN, None)
    landmarks = face.landmarks.copy()
    for upper, lower in zip(topology.INNER_UPPER_LIP, topology.INNER_LOWER_LIP, strict=True):
        landmarks[lower, 1] = landmarks[upper, 1]
    face = Face(face.image, landmarks)
    assert not mouth_is_open(face)
    assert not_at_rest(face) == "the face smiles"


def test_notes(astronaut: Face, face: Face, capsys: pytest.CaptureFixture[str]) -> None:
    note_unless_at_rest(face, "a.png")
    assert capsys.readouterr().err == ""
    note_unless_at_rest(astronaut, "b.png")
    note_unless_at_rest(astronaut, "b.png")
    assert capsys.readouterr().err == (
        "note: b.png: the mouth is open in this photo; a photo at rest gives more accurate "
        "movements\n"
    )


def test_small_faces(
    neutral: np.ndarray, face: Face, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert small_face(face) is None
    heights = {}
    for height in (SMALL - 8, SMALL + 8):
        scale = height / face.height
        small = cv2.resize(neutral, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        write_png(tmp_path / f"{height}.png", small)
        heights[height] = read_expression(tmp_path / f"{height}.png").height
    assert all(abs(found - height) < 4 for height, found in heights.items())
    assert capsys.readouterr().err == (
        f"note: {tmp_path / '52.png'}: the face is only {heights[52]:.0f} px high; below 60 px "
        "measures and captured expressions are rough; use a larger photo\n"
    )
