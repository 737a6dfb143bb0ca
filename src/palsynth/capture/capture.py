"""Estimates expression coefficients from an image, optionally with the same person at rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from palsynth.capture.basis import GAIN, MIDDLE, SIDED, basis
from palsynth.capture.coefficients import ExpressionCoefficients, SideCoefficients
from palsynth.capture.evidence import certainty
from palsynth.capture.lids import Eyes, closures, read_eyes, rolls
from palsynth.capture.solve import solve, solve_rest
from palsynth.clinical import Side
from palsynth.face import topology
from palsynth.face.face import Face

CLOSED = (0.014, 0.032)
"""Gap of the lips, in outer-eye distances, up to which they count as closed, and from which as
open: of 100 photographed people at rest 95 stay below the first; no smile that shows teeth lies
below 0.045."""


@dataclass(frozen=True)
class KnownRest:
    """What capture needs to know of a person at rest, to capture many pictures of them."""

    neutral: np.ndarray
    """Landmarks (468, 3) at rest, canonical units."""

    eyes: Eyes
    """Measurements of both eyes at rest."""


def know_rest(rest: Face) -> KnownRest:
    """Measures a person at rest once, for many captures.

    Args:
        rest: the face at rest.

    Returns:
        What :func:`capture` needs to know of it.
    """
    solution = solve_rest(rest.landmarks)
    return KnownRest(solution.neutral, read_eyes(rest, solution.pose))


def capture(face: Face, rest: Face | KnownRest | None = None) -> ExpressionCoefficients:
    """Captures the expression of a face.

    Args:
        face: the face, from a frontal photo.
        rest: the same person at rest, or what is known of them (:func:`know_rest`); with it an
            asymmetric or narrow-eyed face is not mistaken for a movement.

    Returns:
        The simulator's coefficients, each with a standard error, and the residual that they
        leave unexplained. A mirrored face gives mirrored coefficients.
    """
    known = know_rest(rest) if isinstance(rest, Face) else rest
    solution = solve(face.landmarks, None if known is None else known.neutral)
    eyes = read_eyes(face, solution.pose)
    closure = closures(eyes, None if known is None else known.eyes)
    roll = rolls(eyes, closure)
    gains = np.array([GAIN.get(field, 1.0) for field, _ in basis().names])
    strength = dict(zip(basis().names, (gains * solution.strengths).tolist(), strict=True))
    left, right = (
        SideCoefficients(
            {name: strength[name, side.value] for name in SIDED}, closure[side], roll[side]
        )
        for side in (Side.LEFT, Side.RIGHT)
    )
    return ExpressionCoefficients(
        left,
        right,
        {name: strength[name, "middle"] for name in MIDDLE},
        strength["drag", "left"] - strength["drag", "right"],
        solution.residual.astype(np.float32),
        certainty(solution.strengths, rest is not None),
        rest is not None,
        float(np.degrees(np.arctan2(-solution.pose.rotation[0, 2], solution.pose.rotation[2, 2]))),
        dict(zip(basis().names, (gains * solution.errors).tolist(), strict=True)),
        sealed(face),
    )


def sealed(face: Face) -> float:
    """Estimates from the widest gap between the lips whether they are closed.

    Args:
        face: the face.

    Returns:
        1 for closed lips, 0 for parted ones, linear in between.
    """
    upper, lower = (
        face.landmarks[list(lip[3:-3]), :2]
        for lip in (topology.INNER_UPPER_LIP, topology.INNER_LOWER_LIP)
    )
    gap = float(np.linalg.norm(upper - lower, axis=1).max()) / face.outer_eyes
    return float(np.interp(gap, CLOSED, (1.0, 0.0)))
