"""From measures to a score: which measure answers for which movement, and the item estimate.

The estimate is a ridge regression from measures to the function of each side, fitted on
people who do not exist (``palsynth calibrate``), whose true function is known. It is an
estimate of what this project's model of palsy would need to look like the photo, for
research and teaching, and no diagnosis.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np

from palsynth.clinical import Movement, Side
from palsynth.face.measures import SIDED, Measures


@dataclass(frozen=True)
class Answer:
    """The measure whose asymmetry shows a movement's weakness. ``sign`` +1 where left minus
    right grows as the LEFT side weakens; ``region`` brow, eye or mouth."""

    measure: str
    sign: int
    region: str


ANSWERS: dict[Movement, Answer] = {
    Movement.REST: Answer("commissure height", 1, "mouth"),
    Movement.WRINKLE_FOREHEAD: Answer("brow height", -1, "brow"),
    Movement.CLOSE_EYES_LIGHTLY: Answer("MRD1", 1, "eye"),
    Movement.CLOSE_EYES_TIGHTLY: Answer("MRD1", 1, "eye"),
    Movement.BLINK: Answer("MRD1", 1, "eye"),
    Movement.WRINKLE_NOSE: Answer("upper lip height", 1, "mouth"),
    Movement.PUFF_CHEEKS: Answer("commissure height", 1, "mouth"),
    Movement.WHISTLE: Answer("upper lip height", 1, "mouth"),
    Movement.GRIN: Answer("commissure height", 1, "mouth"),
    Movement.DEPRESS_LIP: Answer("lower lip height", -1, "mouth"),
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
def calibration() -> dict[str, dict[str, list[float]]]:
    """The coefficients that ship.

    ``weights`` movement -> regression weights; ``thresholds`` movement -> estimated
    function from which an item scores 2 and 4; ``gains`` measure -> slope of true on seen
    asymmetry, and their correlation.
    """
    text = (files("palsynth.face") / "assets" / "calibration.json").read_text()
    return json.loads(text)


def estimate(measures: Measures, movement: Movement) -> Estimate:
    """Estimates the function of both sides in a movement, and its item score."""
    key = Movement.CLOSE_EYES_LIGHTLY if movement is Movement.BLINK else movement
    weights = np.array(calibration()["weights"][key.value])
    partial, normal = calibration()["thresholds"][key.value]
    left, right = (
        float(np.clip(features(measures, side) @ weights, 0, 1)) for side in (Side.LEFT, Side.RIGHT)
    )
    weaker = min(left, right)
    return Estimate(left, right, 4 if weaker >= normal else 2 if weaker >= partial else 0)


def true_asymmetry(measures: Measures, name: str) -> float:
    """Left minus right of a measure, corrected for the detector's symmetrising.

    MediaPipe reports lopsided faces as less lopsided; the gain was measured on people
    whose true landmarks are known.
    """
    return measures.sided[name].asymmetry * calibration()["gains"].get(name, [1.0])[0]
