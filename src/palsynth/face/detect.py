"""Finding faces and their 478 landmarks in a picture, with MediaPipe."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from palsynth.errors import InputError
from palsynth.face.face import Face
from palsynth.face.images import read_image

MOST_FACES = 4
_WORKING_SIDE = 1280
"""Larger pictures are reduced for detection: MediaPipe looks at 192 px anyway."""

SMALLEST = 16
"""Pixels between the outer eye corners below which landmarks mean nothing."""

MOST_TURN = 33.0
"""Degrees. A face turned further shows one side only."""


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps MediaPipe's C++ log off the terminal."""
    try:
        saved = os.dup(2)
    except OSError:  # there is no standard error to keep quiet
        yield
        return
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)


@lru_cache(maxsize=2)
def _mesh(most: int) -> Any:
    os.environ.setdefault("GLOG_minloglevel", "3")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with _quiet():
            import mediapipe
    except ImportError as error:
        raise InputError(f"mediapipe cannot be loaded ({error}); run 'palsynth doctor'") from None
    with _quiet():
        mesh = mediapipe.solutions.face_mesh.FaceMesh(
            static_image_mode=True,
            max_num_faces=most,
            refine_landmarks=True,
            min_detection_confidence=0.4,
        )
        mesh.process(np.zeros((64, 64, 3), np.uint8))
    return mesh


def detect_faces(image: np.ndarray, most: int = MOST_FACES) -> list[Face]:
    """All faces of a picture (H, W, 3) uint8 RGB, largest first; none gives an empty list."""
    height, width = image.shape[:2]
    shrink = min(1.0, _WORKING_SIDE / max(height, width))
    small = image
    if shrink < 1:
        small = cv2.resize(image, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    found = _landmarks(small, most)
    if not found:  # a face that fills the picture is found once there is some room around it
        pad = max(small.shape[:2]) // 3
        padded = cv2.copyMakeBorder(small, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
        found = [points - [pad, pad, 0] for points in _landmarks(padded, most)]
    scale = np.array([width / small.shape[1], height / small.shape[0], width / small.shape[1]])
    faces = [Face(image, (points * scale).astype(np.float32)) for points in found]
    return sorted(
        faces, key=lambda f: -float(np.ptp(f.landmarks[:, 0]) * np.ptp(f.landmarks[:, 1]))
    )


def _landmarks(image: np.ndarray, most: int) -> list[np.ndarray]:
    """Landmarks (478, 3) in pixels of each face."""
    height, width = image.shape[:2]
    mesh = _mesh(most)
    with _quiet():  # it warns about non-square pictures, which are fine
        result = mesh.process(np.ascontiguousarray(image))
    size = np.array([width, height, width], np.float64)
    return [
        np.array([[p.x, p.y, p.z] for p in face.landmark]) * size - [0.5, 0.5, 0]
        for face in result.multi_face_landmarks or []
    ]


def detect_face(image: np.ndarray, where: str = "picture") -> Face:
    """The one face of a picture.

    Raises InputError where there is none, more than one, or one in profile; ``where``
    names the picture in the message.
    """
    faces = detect_faces(image)
    if not faces:
        raise InputError(f"{where}: no face found; use a frontal photo with the whole face in it")
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
    turn = abs(_yaw(face.landmarks))
    if turn > MOST_TURN:
        raise InputError(f"{where}: the face is turned by {turn:.0f}°; use a frontal photo")


def _yaw(landmarks: np.ndarray) -> float:
    """How far a face is turned to the side, degrees, from the depth of its cheeks."""
    across = landmarks[454] - landmarks[234]
    return float(np.degrees(np.arctan2(across[2], np.hypot(across[0], across[1]))))


def read_face(path: Path) -> Face:
    """Reads a photo and finds its one face (see :func:`detect_face`)."""
    return detect_face(read_image(path), str(path))
