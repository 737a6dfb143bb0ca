"""From measures to a score: which measure answers for which movement, and the item estimate.

The estimate is a ridge regression from measures to the function of each side, fitted on
people who do not exist (``palsynth calibrate``), whose true function is known. It is an
estimate of what this project's model of palsy would need to look like the photo, for
research and teaching, and no diagnosis.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np

from palsynth.clinical import Movement, Side
from palsynth.errors import InputError
from palsynth.face.measures import MIDLINE, SIDED, Measures, Sided


@dataclass(frozen=True)
class MovementMeasure:
    """The measure whose asymmetry shows a movement's weakness. ``sign`` +1 where left minus
    right grows as the LEFT side weakens; ``region`` brow, eye or mouth."""

    measure: str
    sign: int
    region: str


ANSWERS: dict[Movement, MovementMeasure] = {
    Movement.REST: MovementMeasure("commissure height", 1, "mouth"),
    Movement.WRINKLE_FOREHEAD: MovementMeasure("brow height", -1, "brow"),
    Movement.CLOSE_EYES_LIGHTLY: MovementMeasure("MRD1", 1, "eye"),
    Movement.CLOSE_EYES_TIGHTLY: MovementMeasure("MRD1", 1, "eye"),
    Movement.BLINK: MovementMeasure("MRD1", 1, "eye"),
    Movement.WRINKLE_NOSE: MovementMeasure("upper lip height", 1, "mouth"),
    Movement.PUFF_CHEEKS: MovementMeasure("commissure height", 1, "mouth"),
    Movement.WHISTLE: MovementMeasure("upper lip height", 1, "mouth"),
    Movement.GRIN: MovementMeasure("commissure height", 1, "mouth"),
    Movement.DEPRESS_LIP: MovementMeasure("lower lip height", -1, "mouth"),
}
"""WINK has no answer by asymmetry: only the weak eye is asked to close, so a difference
between the eyes shows which eye was asked and not which is weak."""


def asymmetry(measures: Measures, movement: Movement) -> float:
    """Signed asymmetry that answers for a movement, as a fraction of the outer-eye distance.

    Positive where the patient's left looks weaker. Raises KeyError for WINK.
    """
    answer = ANSWERS[movement]
    return answer.sign * measures.fractions().sided[answer.measure].asymmetry


UNSURE = 0.15
"""Difference of two sides' estimated functions that healthy faces reach by chance."""


@dataclass(frozen=True)
class Estimate:
    """Estimated function of each side, 0 … 1, and the Yanagihara item score, 0, 2 or 4."""

    left: float
    right: float
    score: int

    @property
    def weak_side(self) -> Side | None:
        """The side estimated weaker, or None where the two differ by less than UNSURE."""
        if abs(self.left - self.right) < UNSURE:
            return None
        return Side.LEFT if self.left < self.right else Side.RIGHT


def against_rest(
    measures: Measures, rest: Measures, usual: dict[str, float] | None = None
) -> Measures:
    """Measures as they would be if the person at rest looked as people do on average: each
    person's own brows, lids and corners say nothing of what they do.

    ``rest`` are the same person's at rest, in a frontal photo of any size; ``usual`` the means
    of people at rest, those that ship where nothing is said.
    """
    now, still = measures.fractions(), rest.fractions()
    usual = usual or calibration()["rest"]
    sided = {
        name: Sided(
            v.left - still.sided[name].left + usual[name],
            v.right - still.sided[name].right + usual[name],
        )
        for name, v in now.sided.items()
    }
    midline = {name: v - still.midline[name] + usual[name] for name, v in now.midline.items()}
    return Measures(sided, midline, now.unit, now.outer_eye)


def usual_rest(rests: Sequence[Measures]) -> dict[str, float]:
    """Mean of each measure over people at rest; both sides' together, and no mean shift or tilt."""
    found = [rest.fractions() for rest in rests]
    sided = {
        name: float(np.mean([(r.sided[name].left + r.sided[name].right) / 2 for r in found]))
        for name in SIDED
    }
    signed = ("philtrum tilt", "mouth shift")
    midline = {
        name: 0.0 if name in signed else float(np.mean([r.midline[name] for r in found]))
        for name in MIDLINE
    }
    return {name: round(value, 5) for name, value in {**sided, **midline}.items()}


def features(measures: Measures, side: Side) -> np.ndarray:
    """What the regression sees of one side: its measures, the other side's, and the whole's.

    Lengths are fractions of the outer-eye distance, angles are tens of degrees.
    """
    m = measures.fractions()
    own, other = [], []
    for name in SIDED:
        scale = 0.01 if "angle" in name else 1.0
        own.append(m.sided[name].of(side) * scale)
        other.append(m.sided[name].of(side.other) * scale)
    gap = np.array(own) - np.array(other)
    whole = [
        m.midline["dental show"], m.midline["lip width"], m.midline["lip height"],
        side.sign * m.midline["philtrum tilt"] * 0.01, side.sign * m.midline["mouth shift"],
    ]  # fmt: skip
    return np.concatenate([own, other, whole, 10 * gap * np.abs(gap), [1.0]])


@lru_cache(maxsize=1)
def calibration() -> dict[str, dict[str, Any]]:
    """The coefficients that ship.

    ``weights`` movement -> regression weights; ``thresholds`` movement -> estimated
    function from which an item scores 2 and 4; both again "with rest", for measures
    :func:`against_rest`; ``rest`` measure -> its mean over people at rest; ``gains`` measure ->
    slope of true on seen asymmetry, and their correlation.
    """
    text = (files("palsynth.face") / "assets" / "calibration.json").read_text()
    return json.loads(text)


def is_calibrated(movement: Movement) -> bool:
    """Whether the function of a movement can be estimated; a blink is an eye closed lightly."""
    return movement is Movement.BLINK or movement.value in calibration()["weights"]


def estimate(measures: Measures, movement: Movement, rest: Measures | None = None) -> Estimate:
    """Estimates the function of both sides in a movement, and its item score.

    With the same person's measures at ``rest`` the estimate is of what moves, by a regression of
    its own. Raises InputError for a movement that the measures are not calibrated for.
    """
    if not is_calibrated(movement):
        raise InputError(
            f"the measures are not calibrated for the movement '{movement.value}'; "
            "'palsynth calibrate' does it for the movements of the Yanagihara method"
        )
    key = Movement.CLOSE_EYES_LIGHTLY if movement is Movement.BLINK else movement
    kind = "" if rest is None else " with rest"
    if rest is not None:
        measures = against_rest(measures, rest)
    weights = np.array(calibration()["weights" + kind][key.value])
    partial, normal = calibration()["thresholds" + kind][key.value]
    left, right = (
        float(np.clip(features(measures, side) @ weights, 0, 1)) for side in (Side.LEFT, Side.RIGHT)
    )
    weaker = relative_function(left, right)
    return Estimate(left, right, 4 if weaker >= normal else 2 if weaker >= partial else 0)


LEAST_EFFORT = 0.5
"""Function of the stronger side that is assumed at least when the weaker one is set beside it."""


def relative_function(left: float, right: float) -> float:
    """The weaker side's function beside the stronger one's, as items are scored beside the healthy
    side: somebody who smiles a little, alike on both sides, is not weak. A palsy of both sides
    alike cannot be told from little effort."""
    return min(left, right) / max(left, right, LEAST_EFFORT)


SEEN = 0.5
"""Correlation of seen and true asymmetry below which a measure's difference is not corrected."""


def true_asymmetry(measures: Measures, name: str) -> float | None:
    """Left minus right of a measure, corrected for the detector's symmetrising.

    Landmark detectors report lopsided faces as less lopsided; the gain was measured on people
    whose true landmarks are known. None for a measure whose difference the detector does not see.
    """
    gain, correlation = calibration()["gains"][name]
    return measures.sided[name].asymmetry * gain if correlation >= SEEN else None
