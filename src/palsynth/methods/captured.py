"""The method ``captured``: an image's expression, captured as simulator coefficients, is applied to
the identity. It needs no training and no torch, and nothing in it is random."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from palsynth.capture import capture, drive_of
from palsynth.errors import InputError
from palsynth.face.face import Face
from palsynth.face.framing import ID_PHOTO
from palsynth.methods.base import Expression, ExpressionImage, Request
from palsynth.simulator.compose import compose
from palsynth.simulator.drive import BELL, Drive, drive
from palsynth.simulator.photo import at_rest
from palsynth.subjects import Subject, View, render_drive


class CapturedMethod:
    """Captures an expression image, against the same person at rest where that is given, and
    simulates the expression on the identity, a photo or a synthetic subject. A requested movement
    and palsy drive the simulator directly."""

    name = "captured"
    takes_pictures = True
    synthetic = True
    weights_sha256 = None
    settings: ClassVar[dict[str, Any]] = {}

    def __call__(self, requests: Sequence[Request]) -> list[np.ndarray]:
        """Makes one image per request."""
        return [self._transfer(request) for request in requests]

    def _transfer(self, request: Request) -> np.ndarray:
        identity = request.identity
        if isinstance(identity, Subject):
            view = View(size=request.size, framing=request.framing or ID_PHOTO)
            return render_drive(identity, drive_for(request.expression, identity.bell), view)[0]
        face: Face = identity
        if request.framing is not None:
            face = face.aligned(request.framing, request.size)
        return compose(at_rest(face), drive_for(request.expression)).image

    @classmethod
    def from_pretrained(cls, path: Path | None = None) -> CapturedMethod:
        """Builds the method; it has no weights, so a path is refused."""
        if path is not None:
            raise InputError(f"{path}: the method captured takes no weights")
        return cls()

    def save_pretrained(self, path: Path) -> None:
        """Writes no files: there are no weights."""


def draft(face: Face, expression: Expression) -> np.ndarray:
    """The simulator's version of a face with an expression, which a trained method may refine.

    Args:
        face: the identity at rest.
        expression: the expression, as an image or as a requested movement and palsy.

    Returns:
        Image (H, W, 3) uint8 RGB, as large as the face's. It is the face's own image where the
        simulator cannot move the face, for instance because an eye lies beyond the image border.
    """
    try:
        return compose(at_rest(face), drive_for(expression)).image
    except InputError:
        return face.image


def drive_for(expression: Expression, bell: float = BELL) -> Drive:
    """Converts an expression to what drives the simulator.

    Args:
        expression: an image, which is captured, or a requested movement and palsy.
        bell: Bell's phenomenon of the identity: how far the eye rolls up on attempted closure,
            0 … 1. A captured expression has its own and ignores this.

    Returns:
        The drive of both sides of the face.
    """
    if isinstance(expression, ExpressionImage):
        return drive_of(capture(expression.face, expression.rest))
    return drive(
        expression.movement,
        expression.palsy,
        intensity=expression.intensity,
        bell=bell,
        wink=expression.wink,
    )
