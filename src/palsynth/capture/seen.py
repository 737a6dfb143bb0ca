"""Whether the mouth shows: landmarks are found on masks and hands as surely as on lips."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from palsynth.errors import InputError
from palsynth.face import topology
from palsynth.face.detect import read_face
from palsynth.face.face import Face
from palsynth.face.framing import RECOGNISER

SIZE = 160
"""Pixels a side of the crop that is looked at; small photos are enlarged to it."""

LEAST_EDGE = 0.3
"""Strength of the edge between the lips, in that of the brows. Of 164 photographs none lies below
0.54, small, grey and blurred ones neither; of 112 with a mask or a hand painted over the mouth none
above 0.14. Folds or fingers along the lips can pass for them."""


def lip_edge(face: Face) -> float:
    """How strong the edge between the lips is, in that of the brows' upper edges."""
    cut = face.aligned(RECOGNISER, SIZE)
    grey = cv2.cvtColor(cut.image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    grey = cv2.GaussianBlur(grey, (0, 0), 0.8)
    strength = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    near = cv2.dilate(strength, np.ones((5, 5), np.uint8))
    points = np.clip(cut.landmarks[:, :2].round().astype(int), 0, SIZE - 1)
    along = near[points[:, 1], points[:, 0]]
    lips = np.median(along[[*topology.INNER_UPPER_LIP, *topology.INNER_LOWER_LIP]])
    brows = np.mean(along[[*topology.BROW_UPPER["left"], *topology.BROW_UPPER["right"]]])
    return float(lips / max(brows, 1.0))


def read_expression(path: Path) -> Face:
    """Reads a photo whose expression is to be captured: one frontal face with its mouth in sight.
    Raises InputError with one line for any other."""
    face = read_face(path)
    check_mouth_seen(face, str(path))
    return face


def check_mouth_seen(face: Face, where: str) -> None:
    """Raises InputError where something covers the mouth."""
    if lip_edge(face) < LEAST_EDGE:
        raise InputError(
            f"{where}: the mouth is covered or cannot be seen; use a photo with the whole face free"
        )
