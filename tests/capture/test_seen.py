"""Visible and covered mouths."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from palsynth.capture.seen import MIN_EDGE, check_mouth_seen, lip_edge
from palsynth.errors import InputError
from palsynth.face.detect import detect_face
from palsynth.face.face import Face


def _covered(face: Face, colour: tuple[int, int, int]) -> Face:
    image = face.image.copy()
    middle = face.landmarks[[13, 14], :2].mean(0)
    width = 0.45 * face.outer_eyes
    cv2.ellipse(
        image,
        middle.round().astype(int).tolist(),
        (int(width), int(0.7 * width)),
        0,
        0,
        360,
        colour,
        -1,
    )
    return detect_face(cv2.GaussianBlur(image, (0, 0), 0.8))


def test_visible_lips_are_accepted(face: Face, astronaut: Face, half_grin: np.ndarray) -> None:
    for seen in (face, astronaut, detect_face(half_grin)):
        assert lip_edge(seen) > 1.5 * MIN_EDGE
        check_mouth_seen(seen, "x.jpg")


@pytest.mark.parametrize(
    "colour", [(130, 170, 205), (225, 225, 222), (190, 150, 130), (40, 40, 44)]
)
def test_a_mask_or_a_hand_is_refused(colour: tuple[int, int, int], astronaut: Face) -> None:
    covered = _covered(astronaut, colour)
    assert lip_edge(covered) < MIN_EDGE
    with pytest.raises(InputError, match=r"x\.jpg: the mouth is covered or cannot be seen"):
        check_mouth_seen(covered, "x.jpg")


def test_lips_are_found_in_small_and_blurred_photos(astronaut: Face) -> None:
    small = cv2.resize(astronaut.image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    assert lip_edge(detect_face(small)) > MIN_EDGE
    soft = cv2.GaussianBlur(astronaut.image, (0, 0), 2)
    assert lip_edge(detect_face(soft)) > MIN_EDGE
