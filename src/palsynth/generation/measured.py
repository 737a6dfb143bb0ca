"""Requested and measured: the expression requested of a picture, and that of its landmarks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from palsynth.clinical import Movement, Palsy, Side, item_score
from palsynth.face import topology
from palsynth.face.detect import detect_faces
from palsynth.face.face import Face
from palsynth.face.measures import Measures, measure
from palsynth.face.scoring import ANSWERS, asymmetry, estimate, is_calibrated


@dataclass(frozen=True)
class RequestedMeasured:
    """The requested and the measured expression of one picture.

    Sides are the weak sides, scores Yanagihara item scores (0, 2, 4). A score is None if no single
    face is found in its picture or the measures are not calibrated for the movement. ``asymmetry``
    is in per cent of the outer-eye distance, positive if the left side looks weaker.
    """

    movement: Movement
    requested_side: Side | None
    requested_score: int | None
    measured_side: Side | None = None
    measured_score: int | None = None
    asymmetry: float | None = None

    @property
    def side_text(self) -> str:
        """ "left", "right" or "–"."""
        return self.measured_side.value if self.measured_side else "–"


def outline(landmarks: np.ndarray) -> dict[str, list[list[float]]]:
    """The column of a manifest that holds exact landmarks.

    Args:
        landmarks: (478, 3) float32 in pixels.

    Returns:
        ``multipie60`` -> points (x, y), one per key of ``face.topology.MULTIPIE_60``.
    """
    points = landmarks[list(topology.MULTIPIE_60.values()), :2]
    return {"multipie60": [[round(float(x), 2), round(float(y), 2)] for x, y in points]}


def requested_and_measured(
    image: np.ndarray, movement: Movement, palsy: Palsy, rest: Measures | None = None
) -> RequestedMeasured:
    """Measures a picture and pairs the result with what was requested.

    Args:
        image: the picture, (H, W, 3) uint8 RGB.
        movement: the requested movement.
        palsy: the requested palsy.
        rest: measures of the same face at rest, which are subtracted; None if unknown.

    Returns:
        The requested and the measured side and score.
    """
    faces = detect_faces(image)
    return measured_in(faces[0] if len(faces) == 1 else None, movement, palsy, rest)


def measured_in(
    face: Face | None, movement: Movement, palsy: Palsy, rest: Measures | None = None
) -> RequestedMeasured:
    """Measures a face that has been detected, as :func:`requested_and_measured` does.

    Args:
        face: the one face of a picture; None if it does not show exactly one.
        movement: the requested movement.
        palsy: the requested palsy.
        rest: measures of the same face at rest, which are subtracted; None if unknown.

    Returns:
        The requested and the measured side and score.
    """
    requested = RequestedMeasured(movement, palsy.weak_side, item_score(palsy, movement))
    if face is None or not is_calibrated(movement):
        return requested
    measures = measure(face.landmarks)
    estimated = estimate(measures, movement, rest)
    difference = None
    if movement in ANSWERS:
        difference = asymmetry(measures, movement) - (asymmetry(rest, movement) if rest else 0.0)
    return RequestedMeasured(
        movement,
        requested.requested_side,
        requested.requested_score,
        estimated.weak_side,
        estimated.score,
        None if difference is None else 100 * difference,
    )
