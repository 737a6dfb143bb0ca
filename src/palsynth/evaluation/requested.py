"""Agreement of the requested with the measured expression: weakness, side and item score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from palsynth.clinical import Movement, Palsy, Side, item_score
from palsynth.evaluation import checks
from palsynth.evaluation.agreement import spearman
from palsynth.face import topology
from palsynth.face.measures import measure
from palsynth.face.scoring import ANSWERS, asymmetry, estimate

REGIONS = ("brow", "eye", "mouth")
"""Regions whose asymmetry is measured."""

CLEAR = 0.3
"""Difference of the sides' functions from which a request counts for side accuracy."""

UNANSWERED = ""
"""Region of a movement for which no asymmetry is measured (WINK, which moves one eye only)."""


@dataclass(frozen=True)
class RequestedMeasures:
    """Requested and measured expressions of N pictures.

    Attributes:
        requested: (N,) requested weakness of the patient's left minus that of the right, -1 to 1.
        measured: (N,) measured asymmetry minus that of the identity image, as a fraction of the
            outer-eye distance, positive if the left is weaker; NaN without a face.
        region: (N,) region that is measured, one of REGIONS or UNANSWERED.
        requested_score: (N,) requested item score, 0, 2 or 4.
        measured_score: (N,) estimated item score, -1 without a face.
    """

    requested: np.ndarray
    measured: np.ndarray
    region: np.ndarray
    requested_score: np.ndarray
    measured_score: np.ndarray

    def clear(self) -> np.ndarray:
        """(N,) bool, whether the requested side is clear and an asymmetry is measured."""
        return (np.abs(self.requested) >= CLEAR) & (self.region != UNANSWERED)

    def side_accuracy(self) -> np.ndarray:
        """(N,) bool, whether the measured side is the requested one; False without a face."""
        return np.sign(self.measured) == np.sign(self.requested)


def requested_measures(
    requested: list[tuple[Movement, Palsy]], landmarks: np.ndarray, identity: np.ndarray
) -> RequestedMeasures:
    """Measures the expressions of pictures by their landmarks.

    Asymmetries are relative to those of the identity image, which may be asymmetric at rest.

    Args:
        requested: the N requested movements and palsies.
        landmarks: (N, 478, 3) landmarks of the pictures; NaN without a face.
        identity: (N, 478, 3) landmarks of their identity images; NaN without a face.

    Returns:
        The measures.

    Raises:
        InputError: there are not as many landmarks as requests, or they are no numbers.
    """
    for name, faces in (("landmarks", landmarks), ("identity", identity)):
        checks.dimensions(name, faces, (len(requested), topology.POINTS, 3))
        checks.finite(name, faces, missing=True)
    weakness, measured, region, requested_scores, measured_scores = [], [], [], [], []
    for (movement, palsy), points, rest in zip(requested, landmarks, identity, strict=True):
        left, right = (palsy.movement_function(movement, s) for s in (Side.LEFT, Side.RIGHT))
        weakness.append(right - left)
        requested_scores.append(item_score(palsy, movement))
        answer = ANSWERS.get(movement)
        region.append(answer.region if answer else UNANSWERED)
        if np.isnan(points).any():
            measured.append(np.nan)
            measured_scores.append(-1)
            continue
        measures = measure(points)
        measured_scores.append(estimate(measures, movement).score)
        difference = np.nan
        if answer is not None and not np.isnan(rest).any():
            difference = asymmetry(measures, movement) - asymmetry(measure(rest), movement)
        measured.append(difference)
    return RequestedMeasures(
        np.array(weakness),
        np.array(measured),
        np.array(region),
        np.array(requested_scores),
        np.array(measured_scores),
    )


def rank_agreement(
    region: np.ndarray,
    movement: np.ndarray,
    requested: np.ndarray,
    measured: np.ndarray,
    which: str,
) -> float:
    """Spearman's rank correlation of requested and measured weakness in one region.

    Measurements are divided by their standard deviation within each movement, because a brow moves
    less than a corner of the mouth.

    Args:
        region: (N,) region of each picture.
        movement: (N,) movement of each picture.
        requested: (N,) requested weakness.
        measured: (N,) measured weakness; NaN is left out.
        which: the region, one of REGIONS.

    Returns:
        The correlation, -1 to 1; NaN if it is not defined.

    Raises:
        InputError: the arrays differ in length, values are infinite, or there is no such region.
    """
    checks.among("which", np.array([which]), REGIONS)
    for name, values in (("movement", movement), ("requested", requested), ("measured", measured)):
        checks.same_length("region", region, name, values)
    checks.finite("requested", requested)
    checks.finite("measured", measured, missing=True)
    chosen = (region == which) & ~np.isnan(measured)
    scaled = measured.astype(np.float64).copy()
    for name in np.unique(movement[chosen]):
        rows = chosen & (movement == name)
        std = scaled[rows].std()
        scaled[rows] = scaled[rows] / std if std > 0 else 0.0
    return spearman(requested[chosen], scaled[chosen])
