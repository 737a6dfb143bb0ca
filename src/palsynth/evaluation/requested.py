"""Asked and measured: does the picture show the weakness that was asked for, on the right side?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from palsynth.clinical import Movement, Palsy, Side, item_score
from palsynth.evaluation.agreement import spearman
from palsynth.face.measures import measure
from palsynth.face.scoring import ANSWERS, asymmetry, estimate

REGIONS = ("brow", "eye", "mouth")

CLEAR = 0.3
"""Difference of the sides' functions from which a side is asked for clearly enough to count."""

UNANSWERED = ""
"""Region of a movement that no asymmetry answers (WINK, where one eye only is asked)."""


@dataclass(frozen=True)
class RequestedMeasures:
    """Of N pictures: ``requested`` how much weaker the patient's left was to be, -1 … 1;
    ``measured`` how much weaker it looks than in the identity image, as a fraction of the
    outer-eye distance, NaN where no face is found; ``region`` that answers; asked and estimated
    item scores (estimated -1 without a face)."""

    requested: np.ndarray
    measured: np.ndarray
    region: np.ndarray
    requested_score: np.ndarray
    measured_score: np.ndarray

    def clear(self) -> np.ndarray:
        """(N,) bool, where a side was clearly asked for and an asymmetry answers."""
        return (np.abs(self.requested) >= CLEAR) & (self.region != UNANSWERED)

    def side_accuracy(self) -> np.ndarray:
        """(N,) bool, whether the measured side is the asked one; without a face it is not."""
        return np.sign(self.measured) == np.sign(self.requested)


def requested_measures(
    requested: list[tuple[Movement, Palsy]], landmarks: np.ndarray, identity: np.ndarray
) -> RequestedMeasures:
    """Measures pictures by their landmarks (N, 478, 3) against what was asked, relative to the
    landmarks of their identity images (N, 478, 3), which may be lopsided at rest. NaN: no face."""
    signed, measured, region, scores, found = [], [], [], [], []
    for (movement, palsy), points, rest in zip(requested, landmarks, identity, strict=True):
        left, right = (palsy.movement_function(movement, s) for s in (Side.LEFT, Side.RIGHT))
        signed.append(right - left)
        scores.append(item_score(palsy, movement))
        answer = ANSWERS.get(movement)
        region.append(answer.region if answer else UNANSWERED)
        if np.isnan(points).any():
            measured.append(np.nan)
            found.append(-1)
            continue
        measures = measure(points)
        found.append(estimate(measures, movement).score)
        shown = np.nan
        if answer is not None and not np.isnan(rest).any():
            shown = asymmetry(measures, movement) - asymmetry(measure(rest), movement)
        measured.append(shown)
    return RequestedMeasures(
        np.array(signed), np.array(measured), np.array(region), np.array(scores), np.array(found)
    )


def rank_agreement(region: np.ndarray, movement: np.ndarray, requested: np.ndarray,
                   measured: np.ndarray, which: str) -> float:  # fmt: skip
    """Spearman of asked and measured over a region, each movement in units of its own spread
    (a brow moves less than a mouth's corner)."""
    chosen = (region == which) & ~np.isnan(measured)
    scaled = measured.astype(np.float64).copy()
    for name in np.unique(movement[chosen]):
        rows = chosen & (movement == name)
        spread = scaled[rows].std()
        scaled[rows] = scaled[rows] / spread if spread > 0 else 0.0
    return spearman(requested[chosen], scaled[chosen])
