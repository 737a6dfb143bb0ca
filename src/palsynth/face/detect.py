"""The faces of a picture, ready to be worked with, or one line that says why there is none."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from palsynth.errors import InputError
from palsynth.face import topology
from palsynth.face.face import Face
from palsynth.face.images import read_image
from palsynth.face.landmarker import BLENDSHAPES, Reading, find_faces

SMALLEST = 16
"""Pixels between the outer eye corners below which landmarks mean nothing."""

MOST_YAW = 33.0
"""Degrees. A face turned further shows one side only."""

MOST_ROLL = 50.0
"""Degrees. A face tilted further lies in a photo that was not turned upright."""

_LOOK_AGAIN_SIDE = 1280
"""Pixels a side of the picture that is searched for a face that is not upright."""

_TURNS = {
    cv2.ROTATE_90_CLOCKWISE: "lies on its side; turn the photo by 90° clockwise",
    cv2.ROTATE_90_COUNTERCLOCKWISE: "lies on its side; turn the photo by 90° counterclockwise",
    cv2.ROTATE_180: "is upside down; turn the photo by 180°",
}


def detect_faces(image: np.ndarray) -> list[Face]:
    """All faces of a picture (H, W, 3) uint8 RGB, largest first; none gives an empty list.

    Beside faces that are large in the picture, small ones in the background do not count
    (:func:`palsynth.face.landmarker.find_faces`).
    """
    return [_face(image, reading) for reading in find_faces(image)]


def detect_batch(images: Sequence[np.ndarray], threads: int = 1) -> list[list[Face]]:
    """The faces of each of several pictures, the same as one by one, on several threads."""
    if threads == 1 or len(images) < 2:
        return [detect_faces(image) for image in images]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(detect_faces, images))


def _face(image: np.ndarray, reading: Reading) -> Face:
    named = dict(zip(BLENDSHAPES, reading.blendshapes.tolist(), strict=True))
    return Face(image, reading.landmarks.astype(np.float32), blendshapes=named)


def detect_face(image: np.ndarray, where: str = "picture") -> Face:
    """The one face of a picture.

    Args:
        image: (H, W, 3) uint8 RGB.
        where: the picture's name, for the message.

    Raises:
        InputError: no face, more than one, or one that is too small, in profile or not upright.
    """
    faces = detect_faces(image)
    if not faces:
        turned = _turned(image)
        raise InputError(
            f"{where}: the face {turned}"
            if turned
            else f"{where}: no face found; use a frontal photo in which the whole face shows"
        )
    if len(faces) > 1:
        raise InputError(f"{where}: {len(faces)} faces found; crop the photo to one of them")
    check_usable(faces[0], where)
    return faces[0]


def check_usable(face: Face, where: str) -> None:
    """Raises InputError where a face is too small or turned too far to be worked with."""
    if face.outer_eyes < SMALLEST:
        raise InputError(
            f"{where}: the face is too small ({face.outer_eyes:.0f} px between the eye corners); "
            f"at least {SMALLEST} px are needed"
        )
    roll = _roll(face.landmarks)
    if abs(roll) > MOST_ROLL:
        upright = (
            cv2.ROTATE_180
            if abs(roll) > 135
            else cv2.ROTATE_90_COUNTERCLOCKWISE
            if roll > 0
            else cv2.ROTATE_90_CLOCKWISE
        )
        raise InputError(f"{where}: the face {_TURNS[upright]}")
    yaw = abs(_yaw(face.landmarks))
    if yaw > MOST_YAW:
        raise InputError(f"{where}: the face is turned by {yaw:.0f}°; use a frontal photo")


def _turned(image: np.ndarray) -> str | None:
    """What is said of a face that shows once the picture is turned, if there is one."""
    shrink = min(1.0, _LOOK_AGAIN_SIDE / max(image.shape[:2]))
    small = cv2.resize(image, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    for turn, text in _TURNS.items():
        if any(abs(_roll(r.landmarks)) < MOST_ROLL for r in find_faces(cv2.rotate(small, turn))):
            return text
    return None


def _roll(landmarks: np.ndarray) -> float:
    """How far a face is tilted, degrees, positive clockwise as seen in the picture."""
    across = landmarks[topology.OUTER_CANTHUS["left"]] - landmarks[topology.OUTER_CANTHUS["right"]]
    return float(np.degrees(np.arctan2(across[1], across[0])))


def _yaw(landmarks: np.ndarray) -> float:
    """How far a face is turned to the side, degrees, from the depth of its cheeks."""
    across = landmarks[454] - landmarks[234]
    return float(np.degrees(np.arctan2(across[2], np.hypot(across[0], across[1]))))


def read_face(path: Path) -> Face:
    """Reads a photo and finds its one face (see :func:`detect_face`)."""
    return detect_face(read_image(path), str(path))
