"""The method ``simulator``: moves the pixels of a photo as a partly working facial nerve would."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from palsynth.errors import InputError
from palsynth.face.framing import ID_PHOTO
from palsynth.methods.base import Request, TargetExpression
from palsynth.methods.resolve import identity_face
from palsynth.simulator.compose import compose
from palsynth.simulator.drive import BELL, drive
from palsynth.simulator.photo import at_rest
from palsynth.subjects import Subject


class SimulatorMethod:
    """Simulates the requested movement on the identity at rest; not trained, not random."""

    name = "simulator"
    takes_pictures = False
    synthetic = True
    weights_sha256 = None
    settings: ClassVar[dict[str, Any]] = {}

    def __call__(self, requests: Sequence[Request]) -> list[np.ndarray]:
        """Makes one image per request, with the identity cropped at the requested framing."""
        return [self._simulate(request) for request in requests]

    def _simulate(self, request: Request) -> np.ndarray:
        if not isinstance(request.expression, TargetExpression):
            raise InputError(
                "method simulator: request a movement; an expression image cannot be copied"
            )
        requested = request.expression
        face = identity_face(request.identity, request.size, request.framing or ID_PHOTO)
        if request.framing is not None:
            face = face.aligned(request.framing, request.size)
        bell = request.identity.bell if isinstance(request.identity, Subject) else BELL
        movement = drive(
            requested.movement,
            requested.palsy,
            intensity=requested.intensity,
            bell=bell,
            wink=requested.wink,
        )
        return compose(at_rest(face), movement).image

    @classmethod
    def from_pretrained(cls, path: Path | None = None) -> SimulatorMethod:
        """Builds the method; it has no weights, so a path is refused."""
        if path is not None:
            raise InputError(f"{path}: the method simulator takes no weights")
        return cls()

    def save_pretrained(self, path: Path) -> None:
        """Writes no files: there are no weights."""
