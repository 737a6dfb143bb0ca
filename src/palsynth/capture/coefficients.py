"""Expression coefficients: the simulator's parameters, separately for left and right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from palsynth.clinical import Side
from palsynth.errors import InputError
from palsynth.face.topology import MIRROR, SKIN_POINTS
from palsynth.settings import FiniteNumbers


@dataclass(frozen=True)
class SideCoefficients(FiniteNumbers):
    """Expression of one side of the face."""

    fields: Mapping[str, float]
    """Strength of each expression field: 0 at rest, 1 as scanned."""

    closure: float = 0.0
    """Closure of the lids: 0 as at rest, 1 shut, negative wider than at rest."""

    roll: float = 0.0
    """Roll of the eyeball, up and outward, 0 … 1; 1 is full Bell's phenomenon."""


@dataclass(frozen=True)
class ExpressionCoefficients(FiniteNumbers):
    """Expression of a face, independent of its identity."""

    left: SideCoefficients
    """The patient's left side."""

    right: SideCoefficients
    """The patient's right side."""

    middle: Mapping[str, float]
    """Strengths of the fields without sides."""

    drag: float
    """Drag of the mouth, positive towards the patient's left."""

    residual: np.ndarray
    """Displacement (468, 3) of the landmarks that no field explains, canonical units."""

    certainty: Mapping[str, float]
    """Certainty, 0 … 1, that "brow" and "mouth" move."""

    with_rest: bool
    """Whether the same person at rest was given."""

    yaw: float
    """Yaw of the head in degrees, positive to the image's right."""

    errors: Mapping[tuple[str, str], float]
    """Standard error of each strength, by ``(field, "left" | "right" | "middle")``."""

    sealed: float = 0.0
    """Whether the lips are closed, 0 … 1."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not np.isfinite(self.residual).all():
            raise InputError("residual: must be finite numbers")

    def of(self, side: Side) -> SideCoefficients:
        """Returns one side.

        Args:
            side: the patient's side.

        Returns:
            The coefficients of that side.
        """
        return self.left if Side(side) is Side.LEFT else self.right

    def mirrored(self) -> ExpressionCoefficients:
        """The mirror image of the expression."""
        swapped = {"left": "right", "right": "left", "middle": "middle"}
        return ExpressionCoefficients(
            self.right,
            self.left,
            self.middle,
            -self.drag,
            mirrored_residual(self.residual),
            self.certainty,
            self.with_rest,
            -self.yaw,
            {(name, swapped[side]): error for (name, side), error in self.errors.items()},
            self.sealed,
        )


def mirrored_residual(residual: np.ndarray) -> np.ndarray:
    """Mirrors the displacements of the landmarks.

    Args:
        residual: displacements (468, 3), canonical units.

    Returns:
        Mirrored displacements (468, 3), with left and right landmarks swapped.
    """
    return np.asarray(residual[MIRROR[:SKIN_POINTS]] * np.array([-1, 1, 1], residual.dtype))
