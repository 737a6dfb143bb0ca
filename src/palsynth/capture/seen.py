"""Checks that the mouth is visible: the detector finds landmarks on masks and hands, too."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from palsynth.errors import InputError
from palsynth.face import topology
from palsynth.face.detect import note_if_small, read_face
from palsynth.face.face import Face
from palsynth.face.framing import RECOGNISER

SIZE = 160
"""Side of the analysed crop in pixels; small photos are enlarged to it."""

MIN_EDGE = 0.3
"""Minimum strength of the edge between the lips, relative to that of the brows. Of 164 photographs,
small, grey and blurred ones included, none lies below 0.54; of 112 with a mask or a hand painted
over the mouth none lies above 0.14. Folds or fingers along the lips can pass for lips."""


def lip_edge(face: Face) -> float:
    """Measures the strength of the edge between the lips.

    Args:
        face: the face.

    Returns:
        The median gradient along the lips, relative to the mean along the brows.
    """
    crop = face.aligned(RECOGNISER, SIZE)
    grey = cv2.cvtColor(crop.image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    grey = cv2.GaussianBlur(grey, (0, 0), 0.8)
    strength = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    near = cv2.dilate(strength, np.ones((5, 5), np.uint8))
    points = np.clip(crop.landmarks[:, :2].round().astype(int), 0, SIZE - 1)
    along = near[points[:, 1], points[:, 0]]
    lips = np.median(along[[*topology.INNER_UPPER_LIP, *topology.INNER_LOWER_LIP]])
    brows = np.mean(along[[*topology.BROW_UPPER["left"], *topology.BROW_UPPER["right"]]])
    return float(lips / max(brows, 1.0))


def read_expression(path: Path) -> Face:
    """Reads a photo whose expression is to be captured: one frontal face with a visible mouth.

    A face that is small is noted on standard error.

    Args:
        path: the photo.

    Returns:
        The face.

    Raises:
        InputError: the photo cannot be read, does not show exactly one frontal face, or the mouth
            is covered.
    """
    face = read_face(path)
    check_mouth_seen(face, str(path))
    note_if_small(face, str(path))
    return face


def check_mouth_seen(face: Face, where: str) -> None:
    """Checks that nothing covers the mouth.

    Args:
        face: the face.
        where: name of the photo, for the message.

    Raises:
        InputError: something covers the mouth.
    """
    if lip_edge(face) < MIN_EDGE:
        raise InputError(
            f"{where}: the mouth is covered or cannot be seen; use a photo of the uncovered face"
        )
