"""Detection of the usable faces of a picture, with one-line errors where there is none."""

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
from palsynth.notes import note

MIN_OUTER_EYES = 16
"""Smallest distance of the outer eye corners, pixels, at which landmarks are meaningful."""

SMALL = 60
"""Height of a face, pixels, from the top of the forehead to the chin, below which what is measured
or captured of it is rough."""

MAX_YAW = 33.0
"""Largest usable yaw, degrees. A face turned further shows only one side."""

MAX_ROLL = 50.0
"""Largest usable roll, degrees. Beyond it the photo itself is taken not to be upright."""

_ROTATION_ADVICE = {
    90: "lies on its side; turn the photo by 90° counterclockwise",
    -90: "lies on its side; turn the photo by 90° clockwise",
    180: "is upside down; turn the photo by 180°",
}
"""Rotation of a face, degrees clockwise -> the fault and its correction, for the message."""

_QUARTER_TURNS = {90: 1, 180: 2, -90: 3}
"""The same rotation -> how many times ``np.rot90`` turns the photo to correct it."""

_ROTATION_MARGIN = 0.12
"""How much higher the detector must score a rotated face than the apparently upright one before
the photo is rejected. At this margin no upright photograph is rejected, even in bad light, and
471 of 492 rotated ones are, on which the landmark network may place an upright face
(docs/measurements.md)."""

_REGION_SCALES = (1.6, 2.0, 2.6)
"""Sides of the squares around a face in which its rotation is checked, in sides of the face."""


def detect_faces(image: np.ndarray) -> list[Face]:
    """Finds all faces of a picture.

    Small faces in the background are ignored where larger faces are found
    (:func:`palsynth.face.landmarker.find_faces`).

    Args:
        image: (H, W, 3) uint8 RGB.

    Returns:
        The faces, largest first; an empty list where there is none.
    """
    return [_to_face(image, found) for found in find_faces(image)]


def detect_batch(images: Sequence[np.ndarray], threads: int = 1) -> list[list[Face]]:
    """Finds the faces of several pictures, with the same results as :func:`detect_faces`.

    Args:
        images: pictures (H, W, 3) uint8 RGB, of any sizes.
        threads: number of threads to work on.

    Returns:
        The faces of each picture, largest first.
    """
    if threads == 1 or len(images) < 2:
        return [detect_faces(image) for image in images]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(detect_faces, images))


def _to_face(image: np.ndarray, found: FaceLandmarks) -> Face:
    blendshapes = dict(zip(BLENDSHAPES, found.blendshapes.tolist(), strict=True))
    return Face(image, found.landmarks.astype(np.float32), blendshapes=blendshapes)


def detect_face(image: np.ndarray, where: str = "picture") -> Face:
    """Finds the face of a picture that has exactly one.

    Args:
        image: (H, W, 3) uint8 RGB.
        where: name of the picture, for error messages.

    Returns:
        The one face.

    Raises:
        InputError: there is no face, more than one, or one that is too small, in profile or not
            upright.
    """
    faces = detect_faces(image)
    if len(faces) > 1:
        raise InputError(f"{where}: {len(faces)} faces found; crop the photo to one of them")
    advice = _rotation_advice(image, faces[0] if faces else None)
    if advice:
        raise InputError(f"{where}: the face {advice}")
    if not faces:
        raise InputError(
            f"{where}: no face found; use a frontal photo in which the whole face is visible"
        )
    check_usable(faces[0], where)
    return faces[0]


def check_usable(face: Face, where: str) -> None:
    """Checks that a face is large, upright and frontal enough to be used.

    Args:
        face: the face, with landmarks in the pixels of the picture.
        where: name of the picture, for error messages.

    Raises:
        InputError: the outer eye corners are less than ``MIN_OUTER_EYES`` px apart, the face is
            tilted by more than ``MAX_ROLL`` or turned by more than ``MAX_YAW`` degrees.
    """
    if face.outer_eyes < MIN_OUTER_EYES:
        raise InputError(
            f"{where}: the face is too small ({face.outer_eyes:.0f} px between the eye corners); "
            f"at least {MIN_OUTER_EYES} px are needed"
        )
    roll = _roll(face.landmarks)
    if abs(roll) > MAX_ROLL:
        rotation = 180 if abs(roll) > 135 else 90 if roll > 0 else -90
        raise InputError(f"{where}: the face {_ROTATION_ADVICE[rotation]}")
    yaw = abs(_yaw(face.landmarks))
    if yaw > MAX_YAW:
        raise InputError(f"{where}: the face is turned by {yaw:.0f}°; use a frontal photo")


def small_face(face: Face) -> str | None:
    """What to say of a face that is used, but small.

    Args:
        face: the face, in the pixels of the picture.

    Returns:
        Text for a message; None for a face of at least ``SMALL`` px.
    """
    if face.height >= SMALL:
        return None
    return (
        f"the face is only {face.height:.0f} px high; below {SMALL} px measures and captured "
        "expressions are rough"
    )


def note_if_small(face: Face, where: str) -> None:
    """Notes on standard error that a face is small.

    Args:
        face: the face, in the pixels of the picture.
        where: name of the picture.
    """
    if (fault := small_face(face)) is not None:
        note(f"{where}: {fault}; use a larger photo")


def _rotation_advice(image: np.ndarray, face: Face | None) -> str | None:
    """Message about a face that is not upright; None where it is.

    The landmarks alone do not show it: the network is trained on upright faces only and may place
    an upright face on a rotated one.
    """
    if face is None:
        regions = [CropRegion.whole(image, 1.6)]
    else:
        low, high = face.landmarks[:, :2].min(0), face.landmarks[:, :2].max(0)
        side = float((high - low).max())
        regions = [CropRegion((low + high) / 2, scale * side) for scale in _REGION_SCALES]
    scores = {
        rotation: max(
            (
                found.score
                for region in regions
                for found in detect(image, replace(region, turn=np.radians(rotation)))
            ),
            default=0.0,
        )
        for rotation in (0, *_ROTATION_ADVICE)
    }
    best = max(scores, key=lambda rotation: scores[rotation])
    if best == 0:
        return None
    if face is None:  # the detector alone also takes a cup or a galaxy for a rotated face
        confirmed = bool(find_faces(np.rot90(image, _QUARTER_TURNS[best])))
    else:
        confirmed = scores[best] - scores[0] > _ROTATION_MARGIN
    return _ROTATION_ADVICE[best] if confirmed else None


def _roll(landmarks: np.ndarray) -> float:
    """Roll of a face, degrees, positive clockwise in the picture."""
    across = landmarks[topology.OUTER_CANTHUS["left"]] - landmarks[topology.OUTER_CANTHUS["right"]]
    return float(np.degrees(np.arctan2(across[1], across[0])))


def _yaw(landmarks: np.ndarray) -> float:
    """Yaw of a face, degrees, from the depth of its cheeks."""
    across = landmarks[454] - landmarks[234]
    return float(np.degrees(np.arctan2(across[2], np.hypot(across[0], across[1]))))


def read_face(path: Path) -> Face:
    """Reads a photo and finds its one face.

    Args:
        path: the photo.

    Returns:
        The one face, in the pixels of the picture as it was read.

    Raises:
        InputError: the file is not a usable photo (:func:`read_image`), or it does not have one
            usable face (:func:`detect_face`).
    """
    return detect_face(read_image(path), str(path))
