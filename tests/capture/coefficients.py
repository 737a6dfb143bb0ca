"""Hand-written expression coefficients: everything is at rest unless given."""

from __future__ import annotations

import numpy as np

from palsynth.capture import ExpressionCoefficients
from palsynth.capture.basis import MIDDLE, SIDED
from palsynth.capture.coefficients import SideCoefficients

Pair = tuple[float, float]


def make_coefficients(
    left: dict[str, float] | None = None,
    right: dict[str, float] | None = None,
    *,
    middle: dict[str, float] | None = None,
    closure: Pair = (0.0, 0.0),
    roll: Pair = (0.0, 0.0),
    drag: float = 0.0,
    certainty: Pair = (1.0, 1.0),
    with_rest: bool = True,
    yaw: float = 0.0,
    residual: np.ndarray | None = None,
    sealed: float = 0.0,
) -> ExpressionCoefficients:
    """``closure`` and ``roll`` (left, right); ``certainty`` (brow, mouth)."""
    sides = [
        SideCoefficients({**dict.fromkeys(SIDED, 0.0), **(fields or {})}, shut, up)
        for fields, shut, up in zip((left, right), closure, roll, strict=True)
    ]
    return ExpressionCoefficients(
        sides[0],
        sides[1],
        {**dict.fromkeys(MIDDLE, 0.0), **(middle or {})},
        drag,
        np.zeros((468, 3)) if residual is None else residual,
        dict(zip(("brow", "mouth"), certainty, strict=True)),
        with_rest,
        yaw,
        {},
        sealed,
    )
