"""The faces of a picture, ready to be worked with, or one line that says why there is none."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np

from palsynth.errors import InputError
from palsynth.face import topology
from palsynth.face.face import Face
from palsynth.face.images import read_image
from palsynth.face.landmarker import BLENDSHAPES, FaceLandmarks, find_faces
from palsynth.face.landmarker.detector import detect
from palsynth.face.landmarker.region import CropRegion

SMALLEST = 16
"""Pixels between the outer eye corners below which landmarks mean nothing."""

MOST_YAW = 33.0
"""Degrees. A face turned further shows one side only."""

MOST_ROLL = 50.0
"""Degrees. A face tilted further lies in a photo that was not turned upright."""

_TURNS = {
    90: "lies on its side; turn the photo by 90° counterclockwise",
    -90: "lies on its side; turn the photo by 90° clockwise",
    180: "is upside down; turn the photo by 180°",
}
"""Degrees clockwise by which a face is turned, and what is to be done."""

_SURER = 0.12
"""How much surer the detector must be of a face that is turned than of the upright one that it
seems to be: enough that no upright photograph is refused, nor in bad light; of turned ones, over
which the landmark network may put an upright face, 471 of 492 are (docs/measurements.md)."""

_ROOM = (1.6, 2.0, 2.6)
"""Sides of the squares around a face in which the detector is asked, in sides of the face."""


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


def _face(image: np.ndarray, reading: FaceLandmarks) -> Face:
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
    if len(faces) > 1:
        raise InputError(f"{where}: {len(faces)} faces found; crop the photo to one of them")
    turned = _turned(image, faces[0] if faces else None)
    if turned:
        raise InputError(f"{where}: the face {turned}")
    if not faces:
        raise InputError(
            f"{where}: no face found; use a frontal photo in which the whole face shows"
        )
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
        turn = 180 if abs(roll) > 135 else 90 if roll > 0 else -90
        raise InputError(f"{where}: the face {_TURNS[turn]}")
    yaw = abs(_yaw(face.landmarks))
    if yaw > MOST_YAW:
        raise InputError(f"{where}: the face is turned by {yaw:.0f}°; use a frontal photo")


def _turned(image: np.ndarray, face: Face | None) -> str | None:
    """What is said of a face that is not upright, although the landmark network, which knows no
    other faces, may have put an upright one over it; None where it is upright."""
    if face is None:
        looks = [CropRegion.whole(image, 1.6)]
    else:
        low, high = face.landmarks[:, :2].min(0), face.landmarks[:, :2].max(0)
        side = float((high - low).max())
        looks = [CropRegion((low + high) / 2, room * side) for room in _ROOM]
    surest = {
        turn: max(
            (
                found.score
                for look in looks
                for found in detect(image, replace(look, turn=np.radians(turn)))
            ),
            default=0.0,
        )
        for turn in (0, *_TURNS)
    }
    best = max(surest, key=lambda turn: surest[turn])
    surer = surest[best] - surest[0]
    return _TURNS[best] if best and (face is None or surer > _SURER) else None


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
