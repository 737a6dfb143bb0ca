"""Draws captured movements as arrows on the face."""

from __future__ import annotations

import cv2
import numpy as np

from palsynth.capture.basis import basis
from palsynth.capture.coefficients import ExpressionCoefficients
from palsynth.capture.reading import MOVES, strengths
from palsynth.clinical import Side
from palsynth.face import topology
from palsynth.face.face import Face
from palsynth.face.framing import PORTRAIT

COLOURS = {Side.LEFT: (11, 95, 230), Side.RIGHT: (230, 95, 0)}
"""RGB of the arrows of the patient's sides: blue and orange, which all readers can tell apart."""

FACTOR = 2.0
"""Length of an arrow, relative to the movement that it shows."""

CLOSES = 0.1
"""Change of a lid's closure from which it has an arrow."""

LID = 0.09
"""Length of the arrow of a lid that shuts, in outer-eye distances."""

_LIPS = {Side.LEFT: (269, 405), Side.RIGHT: (39, 181)}


def draw_arrows(face: Face, coefficients: ExpressionCoefficients, size: int = 480) -> np.ndarray:
    """Draws how far each side has moved from rest: brows, lids, mouth corners and lips.

    Args:
        face: the face.
        coefficients: its expression. What moves less than a face at rest seems to has no arrow.
        size: side of the picture, pixels.

    Returns:
        (size, size, 3) uint8 RGB, the face with arrows, each from the place at rest and
        :data:`FACTOR` times as long as the movement.
    """
    crop = face.aligned(PORTRAIT, size)
    moved = np.tensordot(strengths(coefficients), basis().columns, 1)[:, :2]
    image = crop.image.copy()
    for side in Side:
        for point in _points(side):
            if np.linalg.norm(moved[point]) >= MOVES:
                step = moved[point] * crop.outer_eyes
                _arrow(image, crop.landmarks[point, :2] - step, FACTOR * step, COLOURS[side])
        closure = coefficients.of(side).closure
        if abs(closure) >= CLOSES:
            lid = topology.UPPER_LID[side.value]
            start = crop.landmarks[lid[len(lid) // 2], :2]
            step = np.array([0.0, np.clip(closure, -1, 1) * LID * crop.outer_eyes])
            _arrow(image, start - max(closure, 0) * step, step, COLOURS[side])
    return image


def _points(side: Side) -> tuple[int, ...]:
    """The landmarks of a side that have an arrow."""
    brow = topology.BROW_UPPER[side.value]
    return (brow[0], brow[len(brow) // 2], brow[-1], topology.COMMISSURE[side.value], *_LIPS[side])


def _arrow(
    image: np.ndarray, start: np.ndarray, step: np.ndarray, colour: tuple[int, int, int]
) -> None:
    """An arrow with a light edge, which shows on any skin."""
    tip = 0.3 if np.linalg.norm(step) > 20 else 0.5
    first, last = (np.rint(16 * point).astype(int).tolist() for point in (start, start + step))
    for line, thickness in (((255, 255, 255), 5), (colour, 2)):
        cv2.arrowedLine(image, first, last, line, thickness, cv2.LINE_AA, shift=4, tipLength=tip)
