"""The method ``captured``: an image's expression, captured as simulator coefficients, is applied to
the identity. It needs no training and no torch, and nothing in it is random."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from palsynth.errors import InputError
from palsynth.face.face import Face
from palsynth.face.label import DigitalSource
from palsynth.methods.base import (
    ALL_FORMS,
    Expression,
    Request,
    Weightless,
)
from palsynth.methods.resolve import as_drive, framed_face, subject_face, view_of
from palsynth.simulator.compose import compose
from palsynth.simulator.photo import at_rest
from palsynth.subjects import Subject


class CapturedMethod(Weightless):
    """Captures an expression image, against the same person at rest where that is given, and
    simulates the expression on the identity, a photo or a synthetic subject. A requested movement
    and palsy drive the simulator directly."""

    name = "captured"
    takes = ALL_FORMS
    digital_source = DigitalSource.COMPOSITE

    def __call__(self, requests: Sequence[Request]) -> list[np.ndarray]:
        """Makes one image per request."""
        return [self._transfer(request) for request in requests]

    def _transfer(self, request: Request) -> np.ndarray:
        identity, expression = request.identity, request.expression
        if isinstance(identity, Subject):
            return subject_face(identity, expression, view_of(request)).image
        return compose(at_rest(framed_face(request)), as_drive(expression, identity)).image


def draft(face: Face, expression: Expression) -> np.ndarray:
    """The simulator's version of a face with an expression, which a trained method may refine.

    Args:
        face: the identity at rest.
        expression: the expression, in any form.

    Returns:
        Image (H, W, 3) uint8 RGB, as large as the face's. It is the face's own image where the
        simulator cannot move the face, for instance because an eye lies beyond the image border.
    """
    try:
        return compose(at_rest(face), as_drive(expression, face)).image
    except InputError:
        return face.image
