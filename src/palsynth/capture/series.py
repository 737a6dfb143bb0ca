"""Expression coefficients as rows of numbers, with the noise from one frame to the next."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np

from palsynth.capture.basis import GAIN, MIDDLE, SIDED, basis
from palsynth.capture.coefficients import ExpressionCoefficients, SideCoefficients
from palsynth.capture.evidence import certainty
from palsynth.capture.reading import strengths
from palsynth.clinical import Side

JITTER = 0.05
"""How far a strength jitters from frame to frame, relative to its standard error, most of which is
the same in all frames of a person. On photographs at rest before a shaking camera, in JPEGs of
quality 75, the ratio is 0.01 to 0.05."""

LIDS = 0.02
"""Jitter of a closure and of a roll. Where eyes are open it is zero, as closures up to
:data:`palsynth.capture.lids.BY_CHANCE` are read as none."""

SEALED = 0.05
"""Jitter of what says whether the lips are closed."""

RESIDUAL = 0.001
"""Jitter of a landmark's residual, outer-eye distances; on those photographs it is 0.0004."""

YAW = 0.5
"""Jitter of the yaw, degrees."""

SLOW, FAST = 1.1, 10.0
"""Cut-off frequencies in Hz of everything else and of the lids. Faster movements pass where they
exceed the jitter; a lid's may be small and are never slow, a blink takes 0.15 s."""


@lru_cache(maxsize=1)
def channels() -> tuple[tuple[str, str], ...]:
    """Field and side of each number of a row, before those of the residual.

    Returns:
        The sided fields, ``closure`` and ``roll`` of left and right; the fields of the middle,
        ``drag``, ``sealed`` and ``yaw``.
    """
    sided = (*SIDED, "closure", "roll")
    middle = (*MIDDLE, "drag", "sealed", "yaw")
    return (
        *((name, side.value) for side in (Side.LEFT, Side.RIGHT) for name in sided),
        *((name, "middle") for name in middle),
    )


def row(coefficients: ExpressionCoefficients) -> np.ndarray:
    """Arranges coefficients as a row of numbers.

    Args:
        coefficients: the expression.

    Returns:
        (N,) float64: those of :func:`channels`, then the residual's 468 x 3.
    """
    found = coefficients
    named = {
        **{(n, s.value): v for s in Side for n, v in found.of(s).fields.items()},
        **{("closure", s.value): found.of(s).closure for s in Side},
        **{("roll", s.value): found.of(s).roll for s in Side},
        **{(n, "middle"): v for n, v in found.middle.items()},
        ("drag", "middle"): found.drag,
        ("sealed", "middle"): found.sealed,
        ("yaw", "middle"): found.yaw,
    }
    return np.concatenate([[named[key] for key in channels()], found.residual.ravel()])


def noise(coefficients: ExpressionCoefficients) -> np.ndarray:
    """Variances of a row from one frame to the next.

    Args:
        coefficients: the expression.

    Returns:
        (N,) float64, of the numbers of :func:`row`.
    """
    own = {"closure": LIDS, "roll": LIDS, "sealed": SEALED, "yaw": YAW}
    errors = {**coefficients.errors, ("drag", "middle"): coefficients.errors["drag", "left"]}
    jitter = [own[n] if n in own else JITTER * errors[n, s] for n, s in channels()]
    return np.square([*jitter, *np.full(coefficients.residual.size, RESIDUAL)])


def cutoff(size: int) -> np.ndarray:
    """Frequencies from which a row's numbers are smoothed.

    Args:
        size: numbers of the row.

    Returns:
        (N,) float64, Hz.
    """
    out = np.full(size, SLOW)
    out[[k for k, (name, _) in enumerate(channels()) if name in ("closure", "roll")]] = FAST
    return out


def coefficients_of(values: np.ndarray, like: ExpressionCoefficients) -> ExpressionCoefficients:
    """Reads coefficients from a row, which may exceed what they can be.

    Args:
        values: the row (N,).
        like: the measured coefficients that it is of or near to, for errors and shapes.

    Returns:
        The coefficients within their bounds, with the certainty of their own strengths.
    """
    columns = basis()
    gains = np.array([GAIN.get(name, 1.0) for name, _ in columns.names])
    low, high = (
        dict(zip(columns.names, (gains * limit).tolist(), strict=True))
        for limit in (columns.low, columns.high)
    )
    named = dict(zip(channels(), values.tolist(), strict=False))

    def bounded(name: str, side: str) -> float:
        return float(np.clip(named[name, side], low[name, side], high[name, side]))

    sides = [
        SideCoefficients(
            {name: bounded(name, side.value) for name in SIDED},
            min(named["closure", side.value], 1.0),
            float(np.clip(named["roll", side.value], 0.0, 1.0)),
        )
        for side in (Side.LEFT, Side.RIGHT)
    ]
    found = replace(
        like,
        left=sides[0],
        right=sides[1],
        middle={name: bounded(name, "middle") for name in MIDDLE},
        drag=named["drag", "middle"],
        sealed=float(np.clip(named["sealed", "middle"], 0.0, 1.0)),
        yaw=named["yaw", "middle"],
        residual=values[len(channels()) :].reshape(like.residual.shape).astype(np.float32),
    )
    return replace(found, certainty=certainty(strengths(found) / gains, found.with_rest))
