"""The method ``subjects``: renders a synthetic subject with any movement and palsy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from palsynth.errors import InputError
from palsynth.face.face import Face
from palsynth.methods.base import ExpressionImage, Request, TargetExpression, Weightless
from palsynth.methods.resolve import subject_face, view_of
from palsynth.simulator.drive import Drive
from palsynth.subjects import Subject


class SubjectsMethod(Weightless):
    """Renders the requested expression; not trained, and not random given the subject. Its only
    weights are the appearance model's."""

    name = "subjects"
    takes = frozenset({TargetExpression, Drive})

    def __call__(self, requests: Sequence[Request]) -> list[np.ndarray]:
        """Makes one image per request; the identity must be a synthetic subject."""
        return [face.image for face in self.faces(requests)]

    def faces(self, requests: Sequence[Request]) -> list[Face]:
        """Makes one image per request, with its exact landmarks.

        Args:
            requests: what to make; each identity must be a synthetic subject.

        Returns:
            Faces, image (S, S, 3) uint8 RGB and landmarks (478, 3) float32 in pixels.

        Raises:
            InputError: an identity is a photo, or an expression is an image.
        """
        return [self._render(request) for request in requests]

    def _render(self, request: Request) -> Face:
        if not isinstance(request.identity, Subject):
            raise InputError(
                "method subjects: the identity must be a synthetic subject (--subject SEED), not a "
                "photo"
            )
        if isinstance(request.expression, ExpressionImage):
            raise InputError(
                "method subjects: request a movement; an expression image cannot be copied"
            )
        return subject_face(request.identity, request.expression, view_of(request))
