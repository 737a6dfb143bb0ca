"""Estimates expression coefficients from an image, optionally with the same person at rest."""

from __future__ import annotations

import numpy as np

from palsynth.capture.basis import GAIN, MIDDLE, SIDED, basis
from palsynth.capture.coefficients import ExpressionCoefficients, SideCoefficients
from palsynth.capture.evidence import certainty
from palsynth.capture.lids import closures, read_eyes, rolls
from palsynth.capture.solve import solve, solve_rest
from palsynth.clinical import Side
from palsynth.face import topology
from palsynth.face.face import Face

CLOSED = (0.014, 0.032)
"""Gap of the lips, in outer-eye distances, up to which they count as closed, and from which as
open: of 100 photographed people at rest 95 stay below the first; no smile that shows teeth lies
below 0.045."""


def capture(face: Face, rest: Face | None = None) -> ExpressionCoefficients:
    """Captures the expression of a face.

    Args:
        face: the face, from a frontal photo.
        rest: the same person at rest; with it an asymmetric or narrow-eyed face is not mistaken
            for a movement.

    Returns:
        The simulator's coefficients, each with a standard error, and the residual that they
        leave unexplained. A mirrored face gives mirrored coefficients.
    """
    at_rest = None if rest is None else solve_rest(rest.landmarks)
    solution = solve(face.landmarks, None if at_rest is None else at_rest.neutral)
    eyes = read_eyes(face, solution.pose)
    eyes_at_rest = None
    if rest is not None and at_rest is not None:
        eyes_at_rest = read_eyes(rest, at_rest.pose)
    closure = closures(eyes, eyes_at_rest)
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
