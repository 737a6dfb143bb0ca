"""The method ``simulator``: moves the pixels of a photo as a partly working facial nerve would."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from palsynth.errors import InputError
from palsynth.face.label import DigitalSource
from palsynth.methods.base import ExpressionImage, Request, TargetExpression, Weightless
from palsynth.methods.resolve import as_drive, framed_face
from palsynth.simulator.compose import compose
from palsynth.simulator.drive import Drive
from palsynth.simulator.photo import at_rest


class SimulatorMethod(Weightless):
    """Simulates the expression on the identity at rest; not trained, not random."""

    name = "simulator"
    takes = frozenset({TargetExpression, Drive})
    digital_source = DigitalSource.COMPOSITE

    def __call__(self, requests: Sequence[Request]) -> list[np.ndarray]:
        """Makes one image per request, with the identity cropped at the requested framing."""
        return [self._simulate(request) for request in requests]

    def _simulate(self, request: Request) -> np.ndarray:
        if isinstance(request.expression, ExpressionImage):
            raise InputError(
                "method simulator: request a movement; an expression image cannot be copied"
            )
        drive = as_drive(request.expression, request.identity)
        return compose(at_rest(framed_face(request)), drive).image
