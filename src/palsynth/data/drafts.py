"""Drafts: what the simulator makes of one person doing what another one's picture shows."""

from __future__ import annotations

import numpy as np

from palsynth.capture import capture
from palsynth.capture.coefficients import ExpressionCoefficients
from palsynth.capture.retarget import drive_of
from palsynth.errors import InputError
from palsynth.face.detect import detect_face
from palsynth.face.face import Face
from palsynth.simulator.compose import compose
from palsynth.simulator.photo import at_rest
from palsynth.simulator.rest import Rest

WITH_REST = 0.5
"""Share of the drafts for which the other person's rest is known too, as it may be to a user."""


def make_drafts(rests: list[Face], moved: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Every member of a group with the expressions captured from every other member's pictures.

    Args:
        rests: the N members at rest.
        moved: (N, S, H, W, 3) uint8 RGB, their pictures of each of S expressions.
        rng: says which captures know the other member's rest.

    Returns:
        (N, N - 1, S, H, W, 3) uint8 RGB: of a member, by whose picture the expression comes from
        (the next member first) and by expression. The member at rest where the picture cannot be
        read or the member not be moved.
    """
    count, expressions = moved.shape[:2]
    known = rng.random((count, expressions)) < WITH_REST
    still = [_movable(rest) for rest in rests]
    out = np.empty((count, count - 1, *moved.shape[1:]), np.uint8)
    for other in range(count):
        for s in range(expressions):
            found = _captured(moved[other, s], rests[other] if known[other, s] else None)
            for member in range(count):
                if member == other:
                    continue
                image, rest = rests[member].image, still[member]
                if found is not None and rest is not None:
                    image = compose(rest, drive_of(found)).image
                out[member, (other - member - 1) % count, s] = image
    return out


def _captured(shown: np.ndarray, rest: Face | None) -> ExpressionCoefficients | None:
    try:
        return capture(detect_face(shown), rest)
    except InputError:
        return None


def _movable(face: Face) -> Rest | None:
    try:
        return at_rest(face)
    except InputError:
        return None
