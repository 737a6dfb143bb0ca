"""Half-smiles from two photographs: which half smiles, and how much."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from palsynth.clinical import Side
from palsynth.data.half_smiles import (
    _MIDLINE,
    _STABLE,
    Smiler,
    _side_weight,
    half_smile,
    pair_up,
    read_smilers,
)
from palsynth.face import topology
from palsynth.face.face import Face
from palsynth.face.framing import Framing


@pytest.fixture
def black_to_white(face: Face) -> Smiler:
    """Black at rest, white smiling, without any movement: brightness is the share of the smile."""
    rest = face.aligned(Framing("here", 0.4, 0.42), 96)
    still = Face(np.zeros_like(rest.image), rest.landmarks)
    return Smiler("x", still, Face(np.full_like(rest.image, 255), rest.landmarks))


@pytest.mark.parametrize(("weak", "column"), [(Side.LEFT, 85), (Side.RIGHT, 10)])
def test_the_weak_side_lacks_its_share_of_the_smile(
    black_to_white: Smiler, weak: Side, column: int
) -> None:
    """The patient's left lies on the right of the picture."""
    other = 95 - column
    for share, expected in ((1.0, 0), (0.6, 102), (0.25, 191), (0.0, 255)):
        image = half_smile(black_to_white, weak, share)
        assert image.shape == (96, 96, 3)
        assert np.abs(image[30:70, column].astype(int) - expected).max() <= 1
        assert (image[30:70, other] == 255).all()


def test_corners_are_displaced_as_between_the_two_pictures(black_to_white: Smiler) -> None:
    rest = black_to_white.rest
    moved = rest.landmarks.copy()
    moved[291, :2] += np.array([0.3, -0.4]) * rest.outer_eyes
    moved[61, 1] += 0.1 * rest.outer_eyes
    corners = Smiler("x", rest, Face(rest.image, moved)).corners
    assert corners[Side.LEFT] == pytest.approx(0.5, abs=1e-3)
    assert corners[Side.RIGHT] == pytest.approx(0.1, abs=1e-3)


def test_the_smile_is_aligned_with_the_face_at_rest(face: Face) -> None:
    """A smile photographed larger and elsewhere is aligned with the same person at rest."""
    enlarged = face.warped(np.eye(2) * 1.2, np.array([9.0, -4.0]), (320, 320))
    moved = enlarged.landmarks.copy()
    moved[[61, 291], 1] -= 12
    subject = pair_up("x", face, Face(enlarged.image, moved), 128)
    stable = [33, 263, 168, 10]
    assert np.allclose(
        subject.smile.landmarks[stable, :2], subject.rest.landmarks[stable, :2], atol=0.3
    )
    up = subject.rest.landmarks[[61, 291], 1] - subject.smile.landmarks[[61, 291], 1]
    assert up == pytest.approx([10 * subject.rest.outer_eyes / face.outer_eyes] * 2, rel=0.05)
    assert (subject.gender, subject.ethnicity, subject.split) == ("", "", "")


def test_each_person_has_its_own_attributes(
    tmp_path: Path, face: Face, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []

    def read_face(path: Path) -> Face:
        read.append(path.relative_to(tmp_path).as_posix())
        return face

    monkeypatch.setattr("palsynth.data.half_smiles.read_face", read_face)
    for kind, names in (("neutral", "12"), ("smiling", "123")):
        (tmp_path / kind).mkdir()
        for name in names:
            (tmp_path / kind / f"{name}.jpg").touch()
    (tmp_path / "info.csv").write_text("face_id,gender,ethnicity\n2,male,asian\n1,female,black\n")
    (tmp_path / "split.csv").write_text("face_id,split\n1,test\n2,train\n")
    found = dict(read_smilers(tmp_path, 64))
    assert read == ["neutral/1.jpg", "smiling/1.jpg", "neutral/2.jpg", "smiling/2.jpg"]
    about = {
        name: (smiler.name, smiler.gender, smiler.ethnicity, smiler.split)
        for name, smiler in found.items()
        if isinstance(smiler, Smiler)
    }
    assert about == {"1": ("1", "female", "black", "test"), "2": ("2", "male", "asian", "train")}


@pytest.mark.parametrize(("side", "towards"), [(Side.LEFT, 1), (Side.RIGHT, -1)])
def test_the_halves_meet_at_the_midline(side: Side, towards: int) -> None:
    """The midline leans: from x = 40 at the forehead to 60 at the chin."""
    points = np.zeros((468, 2))
    points[list(_MIDLINE)] = np.linspace([40, 0], [60, 100], len(_MIDLINE))
    y = np.array([0.0, 50.0, 100.0])
    line = np.array([40.0, 50.0, 60.0])
    assert _side_weight(side, line, y, points, 6.0) == pytest.approx(0.5)
    assert _side_weight(side, line + 6 * towards, y, points, 6.0) == pytest.approx(1)
    assert _side_weight(side, line - 6 * towards, y, points, 6.0) == pytest.approx(0)
    assert (_side_weight(side, line + 2 * towards, y, points, 6.0) > 0.6).all()


def test_midline_and_stable_landmarks_are_symmetric() -> None:
    """Landmarks on the midline are their own mirror images; those that align two faces are
    symmetric and none belongs to brows, cheeks or mouth."""
    assert [int(topology.MIRROR[p]) for p in _MIDLINE] == list(_MIDLINE)
    assert {int(topology.MIRROR[p]) for p in _STABLE} == set(_STABLE)
    moved = {*topology.OUTER_UPPER_LIP, *topology.OUTER_LOWER_LIP, *topology.BROW_UPPER["left"]}
    assert not set(_STABLE) & moved
