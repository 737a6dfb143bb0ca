"""From measures to scores: the asymmetry of each movement, and the estimated item score.

The estimate is a ridge regression from measures to the function of each side, fitted on synthetic
subjects (``palsynth calibrate``), whose true function is known. It estimates which function this
project's model of palsy would need to look like the photo. It is for research and teaching, and
not a diagnosis.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np

from palsynth.clinical import Movement, Side
from palsynth.documents import parse_json
from palsynth.errors import InputError
from palsynth.face.measures import MIDLINE, SIDED, Measures, Sided


@dataclass(frozen=True)
class MovementMeasure:
    """The measure whose asymmetry indicates weakness in a movement.

    Attributes:
        measure: name of the measure, one of :data:`~palsynth.face.measures.SIDED`.
        sign: +1 where left minus right increases as the LEFT side weakens, else -1.
        region: ``brow``, ``eye`` or ``mouth``.
    """

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
"""Measure of each movement. WINK has none: as only one eye is meant to close, a difference between
the eyes shows which eye winks, not which is weak."""


def asymmetry(measures: Measures, movement: Movement) -> float:
    """Signed asymmetry of the face in a movement, by the movement's measure in :data:`ANSWERS`.

    Args:
        measures: the measures of the face, in any unit.
        movement: the movement that it shows.

    Returns:
        Fraction of the outer-eye distance, positive where the patient's left looks weaker.

    Raises:
        KeyError: the movement is :attr:`Movement.WINK`, which has no such measure.
    """
    answer = ANSWERS[movement]
    return answer.sign * measures.fractions().sided[answer.measure].asymmetry


UNSURE = 0.15
"""Difference between the estimated functions of the two sides that healthy faces reach by
chance."""


@dataclass(frozen=True)
class Estimate:
    """Estimated function of both sides in a movement.

    Attributes:
        left: function of the patient's left side, 0 … 1.
        right: function of the patient's right side, 0 … 1.
        score: Yanagihara item score, 0, 2 or 4.
    """

    left: float
    right: float
    score: int

    @property
    def weak_side(self) -> Side | None:
        """The weaker side by estimate, or None where the two differ by less than ``UNSURE``."""
        if abs(self.left - self.right) < UNSURE:
            return None
        return Side.LEFT if self.left < self.right else Side.RIGHT


def against_rest(
    measures: Measures, rest: Measures, usual: dict[str, float] | None = None
) -> Measures:
    """Replaces a person's own resting measures by the average ones.

    The resting position of a person's brows, lids and mouth corners is no evidence of movement:
    only the change from rest is.

    Args:
        measures: measures of the person in a movement.
        rest: measures of the same person at rest, from a frontal photo of any size.
        usual: mean of each measure over people at rest, as from :func:`mean_rest`. Default:
            those of :func:`calibration`.

    Returns:
        ``measures`` minus ``rest`` plus ``usual``, as fractions of the outer-eye distance.
    """
    moving, resting = measures.fractions(), rest.fractions()
    usual = usual or calibration()["rest"]
    sided = {
        name: Sided(
            v.left - resting.sided[name].left + usual[name],
            v.right - resting.sided[name].right + usual[name],
        )
        for name, v in moving.sided.items()
    }
    midline = {name: v - resting.midline[name] + usual[name] for name, v in moving.midline.items()}
    return Measures(sided, midline, moving.unit, moving.outer_eye)


def mean_rest(rests: Sequence[Measures]) -> dict[str, float]:
    """Mean of each measure over people at rest.

    Args:
        rests: measures of people at rest, at least one.

    Returns:
        Measure -> mean, rounded to 5 decimals, as a fraction of the outer-eye distance or in
        degrees. Both sides share one mean; the signed midline measures are 0.
    """
    fractions = [rest.fractions() for rest in rests]
    sided = {
        name: float(np.mean([(r.sided[name].left + r.sided[name].right) / 2 for r in fractions]))
        for name in SIDED
    }
    signed = ("philtrum tilt", "mouth shift")
    midline = {
        name: 0.0 if name in signed else float(np.mean([r.midline[name] for r in fractions]))
        for name in MIDLINE
    }
    return {name: round(value, 5) for name, value in {**sided, **midline}.items()}


def features(measures: Measures, side: Side) -> np.ndarray:
    """Features of one side for the regression of :func:`estimate`.

    Args:
        measures: the measures of the face, in any unit.
        side: the patient's side whose function is estimated.

    Returns:
        (39,) float64: the measures of this side, those of the other side, those of the whole
        face, ten times the signed square of each difference between the sides, and 1. Lengths are
        fractions of the outer-eye distance, angles are hundreds of degrees.
    """
    m = measures.fractions()
    own, other = [], []
    for name in SIDED:
        scale = 0.01 if "angle" in name else 1.0
        own.append(m.sided[name].of(side) * scale)
        other.append(m.sided[name].of(side.other) * scale)
    difference = np.array(own) - np.array(other)
    midline = [
        m.midline["dental show"],
        m.midline["lip width"],
        m.midline["lip height"],
        side.sign * m.midline["philtrum tilt"] * 0.01,
        side.sign * m.midline["mouth shift"],
    ]
    return np.concatenate([own, other, midline, 10 * difference * np.abs(difference), [1.0]])


@lru_cache(maxsize=1)
def calibration() -> dict[str, dict[str, Any]]:
    """The coefficients that ship with the package.

    Returns:
        ``weights``: movement -> regression weights for :func:`features`. ``thresholds``: movement
        -> relative function from which an item scores 2 and 4. ``weights with rest`` and
        ``thresholds with rest``: the same for measures :func:`against_rest`. ``rest``: measure ->
        its mean over people at rest. ``gains``: measure -> slope of true on detected asymmetry,
        and their correlation.
    """
    asset = files("palsynth.face") / "assets" / "calibration.json"
    found: dict[str, Any] = parse_json(asset.read_text("utf-8"), asset, "reinstall palsynth")
    return found


def is_calibrated(movement: Movement) -> bool:
    """Whether the function of a movement can be estimated.

    Args:
        movement: the movement; a blink is estimated as lightly closed eyes.

    Returns:
        True if the shipped calibration can score the movement.
    """
    return movement is Movement.BLINK or movement.value in calibration()["weights"]


def estimate(measures: Measures, movement: Movement, rest: Measures | None = None) -> Estimate:
    """Estimates the function of both sides in a movement, and its item score.

    Args:
        measures: measures of the person in the movement.
        movement: the movement.
        rest: measures of the same person at rest. If given, the estimate is made from the change
            from rest, by a separate regression.

    Returns:
        The estimated functions of both sides and the item score.

    Raises:
        InputError: the measures are not calibrated for the movement.
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


MIN_STRONGER_FUNCTION = 0.5
"""Lower bound of the stronger side's function when the weaker one is compared with it."""


def relative_function(left: float, right: float) -> float:
    """Function of the weaker side relative to the stronger one.

    Items are scored in comparison with the healthy side: a slight smile that is symmetric is no
    weakness. A symmetric palsy of both sides cannot be distinguished from little effort.

    Args:
        left: function of the patient's left side, 0 … 1.
        right: function of the patient's right side, 0 … 1.

    Returns:
        The ratio, 0 … 1; the stronger side counts as at least ``MIN_STRONGER_FUNCTION``.

    Example:
        >>> relative_function(0.4, 0.8), relative_function(0.1, 0.2)
        (0.5, 0.2)
    """
    return min(left, right) / max(left, right, MIN_STRONGER_FUNCTION)


SEEN = 0.5
"""Correlation of detected and true asymmetry below which a measure is not corrected."""


def true_asymmetry(measures: Measures, name: str) -> float | None:
    """Asymmetry of a measure, corrected for the symmetry bias of the landmark detector.

    Landmark detectors underestimate asymmetry; the gain was measured on synthetic subjects, whose
    true landmarks are known.

    Args:
        measures: the measures of the face.
        name: name of the measure, one of :data:`~palsynth.face.measures.SIDED`.

    Returns:
        Left minus right, in the unit of ``measures``; None for a measure whose asymmetry the
        detector does not capture (correlation below ``SEEN``).
    """
    gain, correlation = calibration()["gains"][name]
    return measures.sided[name].asymmetry * gain if correlation >= SEEN else None
