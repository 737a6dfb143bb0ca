"""dlib's recogniser: its input, its crop and its distance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from palsynth.encoders.published import dlib as judge
from palsynth.encoders.published.dlib import DlibRecogniser, check_same_person
from palsynth.errors import InputError
from palsynth.face.face import Face


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[tuple[np.ndarray, tuple[int, ...], str]]:
    """Records the input of dlib's networks: the picture, the box of the face, and the points."""
    seen: list[Any] = []

    class Network:
        def compute_face_descriptor(self, picture: np.ndarray, points: str) -> list[float]:
            seen.append((picture.copy(), *boxes.pop(), points))
            return picture.reshape(-1, 3)[0].astype(float).tolist() + [0.0] * 125

    boxes: list[Any] = []

    def shape(picture: np.ndarray, box: Any) -> str:
        boxes.append(((box.left(), box.top(), box.right(), box.bottom()),))
        return f"five points of {picture[0, 0].tolist()}"

    monkeypatch.setattr(judge, "_models", lambda: (shape, Network()))
    return seen


def test_it_receives_rgb_and_a_box_around_the_face(shown: list[Any]) -> None:
    images = torch.zeros(2, 3, 192, 192)
    images[0, 0], images[0, 1], images[1, 2] = 1.0, 0.2, 1.0
    found = DlibRecogniser()(images)
    assert [picture[9, 9].tolist() for picture, _, _ in shown] == [[255, 51, 0], [0, 0, 255]]
    assert {picture.dtype for picture, _, _ in shown} == {np.dtype(np.uint8)}
    assert [box for _, box, _ in shown] == [(42, 50, 150, 177)] * 2
    assert shown[0][2] == "five points of [255, 51, 0]"
    assert found.vector[:, :3].tolist() == [[255, 51, 0], [0, 0, 255]]
    assert found.map.shape == (2, 0, 7, 7)


def test_rows_and_columns_are_not_swapped(shown: list[Any]) -> None:
    images = torch.zeros(1, 3, 192, 192)
    images[0, :, 30, 40] = 1.0
    DlibRecogniser()(images)
    assert np.argwhere(shown[0][0][..., 0]).tolist() == [[30, 40]]


def test_its_crop_is_loose(face: Face) -> None:
    crop = DlibRecogniser().crop(face)
    right, left = crop.landmarks[33], crop.landmarks[263]
    assert crop.image.shape == (192, 192, 3)
    assert left[0] - right[0] == pytest.approx(0.36 * 192, abs=0.01)
    assert (left[:2] + right[:2]) / 2 == pytest.approx([95.5, 0.42 * 192 - 0.5], abs=0.01)


def test_it_recognises_people(face: Face, astronaut: Face) -> None:
    """With its own weights; swapped colours change the vector without making it meaningless."""
    network = DlibRecogniser()
    crop = network.crop(astronaut).image
    distance = np.linalg.norm(network.describe(crop) - network.describe(crop[..., ::-1].copy()))
    assert distance > 0.1, "colours matter"
    assert network.distance(face, face) == 0
    assert network.distance(face, astronaut) > 0.6


def test_below_a_distance_of_0_6_it_is_one_person(
    monkeypatch: pytest.MonkeyPatch, face: Face
) -> None:
    monkeypatch.setattr(DlibRecogniser, "distance", lambda self, one, other: 0.59)
    check_same_person(face, face, "a.png", "b.png")
    monkeypatch.setattr(DlibRecogniser, "distance", lambda self, one, other: 0.6)
    with pytest.raises(InputError, match=r"^b\.png: shows somebody else than a\.png \(dlib dist"):
        check_same_person(face, face, "a.png", "b.png")


def test_distances_are_euclidean(shown: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def grey(level: int) -> Face:
        return Face(np.full((192, 192, 3), level, np.uint8), np.zeros((478, 3), np.float32))

    monkeypatch.setattr(DlibRecogniser, "crop", lambda self, face: face)
    assert DlibRecogniser().distance(grey(10), grey(14)) == pytest.approx(4 * 3**0.5, rel=1e-5)
