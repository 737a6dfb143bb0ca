"""How much of an expected expression a face shows: 1 all of it, 0 none, -1 the opposite.

What is expected and what is found are compared along what is expected alone (a matched filter):
noise in all other directions, which is most of it, does not count. Two faces at rest differ as much
in single landmarks as a slight palsy does, but not in its direction.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from palsynth.capture.coefficients import ExpressionCoefficients
from palsynth.capture.evidence import regions, ways
from palsynth.capture.reading import strengths
from palsynth.clinical import Side

NOISE = {
    "movement": {"brow": 0.006, "mouth": 0.012, "lids": 0.1},
    "asymmetry": {"brow": 0.004, "mouth": 0.010, "lids": 0.1},
}
"""By how much captured movements, and their differences between the sides, are off in pictures that
show what was requested: root mean square of a region's landmarks, in outer-eye distances; of lids,
in closure. Medians of pictures of 112 px on the photographs of 41 people, with their rest; of lids,
of those that are half shut, which are read worst."""

WITHOUT_REST = 2.0
"""Factor of the noise where a face at rest is not known, as of faces at rest by chance
(:data:`palsynth.capture.evidence.BY_CHANCE`)."""


@dataclass(frozen=True)
class Shown:
    """How much of an expectation a face shows.

    Attributes:
        share: what is found along what is expected, relative to it; 0 where nothing is expected.
        clear: size of what is expected, in units of the noise; the share's standard error is one
            by this.
    """

    share: float
    clear: float

    def surely_below(self, least: float) -> bool:
        """Whether less is shown than there should be, by more than two standard errors.

        Args:
            least: the share of which there should be more, below 1.

        Returns:
            True if it is; False where nothing beyond noise was expected.
        """
        return self.clear >= 1 and self.share < min(least, 1 - 2 / self.clear)


def movement_shown(expected: ExpressionCoefficients, found: ExpressionCoefficients) -> Shown:
    """How much of an expected movement of both sides a face shows.

    Args:
        expected: the expression that was requested, as captured.
        found: the expression of the face.

    Returns:
        The share of it, over brow, mouth and lids.
    """
    return _shown("movement", _moved(expected), _moved(found), _noise(expected, found))


def asymmetry_shown(expected: ExpressionCoefficients, found: ExpressionCoefficients) -> Shown:
    """How much of an expected difference between the sides a face shows.

    Args:
        expected: the expression that was requested, as captured.
        found: the expression of the face.

    Returns:
        The share of it, over brow, mouth and lids; negative where the other side is weak.
    """
    return _shown("asymmetry", _differences(expected), _differences(found), _noise(expected, found))


def _shown(
    kind: str, expected: dict[str, np.ndarray], found: dict[str, np.ndarray], noise: float
) -> Shown:
    weights = {name: 1 / (noise * NOISE[kind][name]) ** 2 for name in expected}

    def product(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> float:
        return sum(float(weights[n] * (a[n] * b[n]).sum(-1).mean()) for n in weights)

    size = product(expected, expected)
    return Shown(product(expected, found) / size if size > 0 else 0.0, float(np.sqrt(size)))


def _noise(*captured: ExpressionCoefficients) -> float:
    return 1.0 if all(one.with_rest for one in captured) else WITHOUT_REST


def _sides(coefficients: ExpressionCoefficients) -> dict[str, dict[Side, np.ndarray]]:
    """Region -> side -> displacements (N, 2) in outer-eye distances; of lids the closure (1, 1)."""
    moved = {name: ways(strengths(coefficients), region) for name, region in regions().items()}
    lids = {side: np.array([[coefficients.of(side).closure]]) for side in Side}
    return {**moved, "lids": lids}


def _moved(coefficients: ExpressionCoefficients) -> dict[str, np.ndarray]:
    return {
        name: np.vstack([sides[side] for side in Side])
        for name, sides in _sides(coefficients).items()
    }


def _differences(coefficients: ExpressionCoefficients) -> dict[str, np.ndarray]:
    """Left, mirrored, minus right."""
    found = {}
    for name, sides in _sides(coefficients).items():
        left, right = sides[Side.LEFT], sides[Side.RIGHT]
        mirror = [1] if name == "lids" else [-1, 1]
        found[name] = left * mirror - right
    return found
