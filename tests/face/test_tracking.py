"""Whose face is meant in consecutive pictures, and where it is looked for next."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from palsynth.face import tracking
from palsynth.face.detect import detect_faces
from palsynth.face.tracking import FaceTracker
from palsynth.subjects import View, render, sample

WHITE = 225


@pytest.fixture(scope="module")
def people() -> list[np.ndarray]:
    return [render(sample(seed), view=View(192)).image for seed in (5, 11)]


def _scene(
    large: np.ndarray | None,
    small: np.ndarray | None,
    size: int = 110,
    at: tuple[int, int] = (4, 4),
) -> np.ndarray:
    """A picture of two people, the second of whom stands on the right and is smaller."""
    image = np.full((200, 360, 3), WHITE, np.uint8)
    if large is not None:
        image[at[1] : at[1] + 192, at[0] : at[0] + 192] = large
    if small is not None:
        reduced = cv2.resize(small, (size, size), interpolation=cv2.INTER_AREA)
        image[40 : 40 + size, 210 : 210 + size] = reduced[:, : 360 - 210]
    return image


def test_followed_faces_are_those_of_the_whole_picture(
    people: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker = FaceTracker()
    frames = [_scene(people[0], None, at=(4 + 3 * k, 4)) for k in range(6)]
    assert tracker.update(frames[0]) is not None
    searched: list[int] = []
    monkeypatch.setattr(tracking, "detect_faces", lambda _: searched.append(1) or [])
    for frame in frames[1:]:
        face, whole = tracker.update(frame), detect_faces(frame)[0]
        assert face is not None
        assert face.blendshapes is not None
        gap = np.linalg.norm((face.landmarks - whole.landmarks)[:468, :2], axis=1)
        assert np.sqrt(np.square(gap).mean()) < 0.005 * whole.outer_eyes
    assert searched == [], "while it is followed, nobody is searched for"


def test_the_largest_is_meant_and_stays_meant(people: list[np.ndarray]) -> None:
    tracker = FaceTracker()
    assert tracker.update(_scene(*people)) is not None
    for k in range(3):
        face = tracker.update(_scene(people[0], people[1], at=(4 + 2 * k, 4)))
        assert face is not None
        assert face.landmarks[:, 0].mean() < 180
    elsewhere = _scene(None, people[1], size=160)
    assert tracker.update(elsewhere) is None, "of the same size, but not near"
    assert tracker.fault == "the face is not near its last place"
    far = np.full((200, 360, 3), WHITE, np.uint8)
    far[52:148, 52:148] = cv2.resize(people[1], (96, 96), interpolation=cv2.INTER_AREA)
    assert tracker.update(far) is None, "in the same place, but half the size"
    face = tracker.update(_scene(*people))
    assert face is not None
    assert face.landmarks[:, 0].mean() < 180


def test_who_is_gone_for_long_is_forgotten(people: list[np.ndarray]) -> None:
    tracker = FaceTracker()
    tracker.update(_scene(*people))
    for _ in range(tracking.FORGOTTEN + 1):
        assert tracker.update(_scene(None, people[1], size=160)) is None
    assert tracker.update(_scene(None, people[1], size=160)) is not None


def test_faces_of_similar_size_are_unclear(people: list[np.ndarray]) -> None:
    tracker = FaceTracker()
    image = np.hstack([_scene(people[0], None)[:, :200], _scene(people[1], None)[:, :200]])
    assert tracker.update(image) is None
    assert tracker.fault == "2 faces of similar size: unclear which is meant"
    assert tracker.update(np.full((200, 200, 3), WHITE, np.uint8)) is None
    assert tracker.fault == "no face found"
    tiny = cv2.resize(people[0], (40, 40), interpolation=cv2.INTER_AREA)
    assert tracker.update(tiny) is None
    assert tracker.fault.startswith("the face is too small (")
