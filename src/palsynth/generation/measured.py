"""Asked and measured: what was asked of a picture, and what its landmarks say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from palsynth.clinical import Movement, Palsy, Side, item_score
from palsynth.face.detect import detect_faces
from palsynth.face.measures import Measures, measure
from palsynth.face.scoring import ANSWERS, asymmetry, estimate, is_calibrated


@dataclass(frozen=True)
class RequestedMeasured:
    """One picture's two truths. A score is None where no single face is found in its picture, or
    the measures are not calibrated for its movement;
    ``asymmetry`` in per cent of the outer-eye distance, positive where the left looks weaker."""

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


def requested_and_measured(
    image: np.ndarray, movement: Movement, palsy: Palsy, rest: Measures | None = None
) -> RequestedMeasured:
    """Measures a finished picture (H, W, 3), against the same person's measures at ``rest`` where
    they are known, and sets it beside what was asked."""
    requested = RequestedMeasured(movement, palsy.weak_side, item_score(palsy, movement))
    faces = detect_faces(image)
    if len(faces) != 1 or not is_calibrated(movement):
        return requested
    measures = measure(faces[0].landmarks)
    found = estimate(measures, movement, rest)
    signed = None
    if movement in ANSWERS:
        signed = asymmetry(measures, movement) - (asymmetry(rest, movement) if rest else 0.0)
    return RequestedMeasured(
        movement,
        requested.requested_side,
        requested.requested_score,
        found.weak_side,
        found.score,
        None if signed is None else 100 * signed,
    )
