"""Drafts: the simulator's rendering of one member of a group with the expression of another."""

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
"""Share of the drafts captured with the other member's face at rest, which users may have too."""


def make_drafts(rests: list[Face], moved: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Renders every member of a group with the expressions captured from all other members.

    Args:
        rests: the N members at rest.
        moved: (N, S, H, W, 3) uint8 RGB, each member's pictures of S expressions.
        rng: decides which captures use the other member's face at rest.

    Returns:
        (N, N - 1, S, H, W, 3) uint8 RGB, indexed by member, source of the expression (the next
        member first) and expression. Where no expression can be captured from the picture, or the
        simulator cannot move the member, the draft is the member at rest.
    """
    count, expressions = moved.shape[:2]
    with_rest = rng.random((count, expressions)) < WITH_REST
    movable = [_movable(rest) for rest in rests]
    out = np.empty((count, count - 1, *moved.shape[1:]), np.uint8)
    for other in range(count):
        for s in range(expressions):
            captured = _captured(moved[other, s], rests[other] if with_rest[other, s] else None)
            for member in range(count):
                if member == other:
                    continue
                image, rest = rests[member].image, movable[member]
                if captured is not None and rest is not None:
                    image = compose(rest, drive_of(captured)).image
                out[member, (other - member - 1) % count, s] = image
    return out


def _captured(image: np.ndarray, rest: Face | None) -> ExpressionCoefficients | None:
    try:
        return capture(detect_face(image), rest)
    except InputError:
        return None


def _movable(face: Face) -> Rest | None:
    try:
        return at_rest(face)
    except InputError:
        return None
