"""What a face does, in the simulator's own terms, left and right apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from palsynth.clinical import Side
from palsynth.face.topology import MIRROR, SKIN_POINTS


@dataclass(frozen=True)
class SideCoefficients:
    """What one side of the face does.

    ``fields`` strength of each expression field (0 at rest, 1 as scanned); ``closure`` of the lids
    (0 as at rest, 1 shut, negative wider); ``roll`` of the eyeball, up and outward, 0 … 1 of
    Bell's phenomenon at its fullest.
    """

    fields: Mapping[str, float]
    closure: float = 0.0
    roll: float = 0.0


@dataclass(frozen=True)
class ExpressionCoefficients:
    """What a face does, without whose face it is.

    ``left`` and ``right`` are the patient's; ``middle`` strengths of the fields that have no
    sides; ``drag`` of the mouth towards the patient's left; ``residual`` (468, 3) displacement of
    the landmarks, canonical units, that no field explains. ``certainty`` of "brow" and "mouth" that
    they move, 0 … 1; ``with_rest`` whether the person's rest was known; ``yaw`` degrees by which
    the head is turned, positive to the picture's right; ``errors`` standard error of each strength
    by ``(field, "left" | "right" | "middle")``; ``sealed`` whether the lips are closed, 0 … 1.
    """

    left: SideCoefficients
    right: SideCoefficients
    middle: Mapping[str, float]
    drag: float
    residual: np.ndarray
    certainty: Mapping[str, float]
    with_rest: bool
    yaw: float
    errors: Mapping[tuple[str, str], float]
    sealed: float = 0.0

    def of(self, side: Side) -> SideCoefficients:
        """One side."""
        return self.left if side is Side.LEFT else self.right

    def mirrored(self) -> ExpressionCoefficients:
        """The same expression as a mirror shows it."""
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
    """Displacements (468, 3) as a mirror shows them."""
    return np.asarray(residual[MIRROR[:SKIN_POINTS]] * np.array([-1, 1, 1], residual.dtype))
