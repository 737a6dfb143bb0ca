"""The method ``captured``: a picture's expression, read into the simulator's coefficients and put
on the identity; no training, no randomness, no torch."""

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
    """A picture is captured, with the same person's rest where there is one; words drive the
    simulator as they always do. The identity is a photo or a person who does not exist."""

    name = "captured"
    takes_pictures = True
    synthetic = True
    weights_sha256 = None
    settings: ClassVar[dict[str, Any]] = {}

    def __call__(self, requests: Sequence[Request]) -> list[np.ndarray]:
        """One image a request."""
        return [self._one(request) for request in requests]

    def _one(self, request: Request) -> np.ndarray:
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
        """There are no weights."""
        if path is not None:
            raise InputError(f"{path}: the method captured takes no weights")
        return cls()

    def save_pretrained(self, path: Path) -> None:
        """Nothing to save."""


def draft(face: Face, expression: Expression) -> np.ndarray:
    """The simulator's answer (H, W, 3) on a face at rest, which a learnt method may start from;
    the face itself where it cannot be moved, as with an eye beyond the picture's edge."""
    try:
        return compose(at_rest(face), drive_for(expression)).image
    except InputError:
        return face.image


def drive_for(expression: Expression, bell: float = BELL) -> Drive:
    """What an expression asks of a face: a picture as captured, words as the nerve drives them."""
    if isinstance(expression, ExpressionImage):
        return drive_of(capture(expression.face, expression.rest))
    return drive(
        expression.movement, expression.palsy, intensity=expression.intensity, bell=bell,
        wink=expression.wink,
    )  # fmt: skip
