"""The method ``subjects``: renders a synthetic subject with any movement and palsy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from palsynth.errors import InputError
from palsynth.face.framing import ID_PHOTO
from palsynth.methods.base import Request, TargetExpression
from palsynth.simulator.drive import drive
from palsynth.subjects import Subject, View, render_drive


class SubjectsMethod:
    """Renders the requested movement; not trained, and not random given the subject."""

    name = "subjects"
    takes_pictures = False
    synthetic = True
    weights_sha256 = None
    settings: ClassVar[dict[str, Any]] = {}

    def __call__(self, requests: Sequence[Request]) -> list[np.ndarray]:
        """Makes one image per request; it takes synthetic subjects and requested movements only."""
        return [self._render(request) for request in requests]

    def _render(self, request: Request) -> np.ndarray:
        if not isinstance(request.identity, Subject):
            raise InputError(
                "method subjects: the identity must be a person (--subject SEED), not a photo"
            )
        if not isinstance(request.expression, TargetExpression):
            raise InputError(
                "method subjects: request a movement; an expression image cannot be copied"
            )
        requested = request.expression
        view = View(size=request.size, framing=request.framing or ID_PHOTO)
        movement = drive(
            requested.movement,
            requested.palsy,
            intensity=requested.intensity,
            bell=request.identity.bell,
            wink=requested.wink,
        )
        return render_drive(request.identity, movement, view)[0]

    @classmethod
    def from_pretrained(cls, path: Path | None = None) -> SubjectsMethod:
        """Builds the method; its only weights are the appearance model's, so a path is refused."""
        if path is not None:
            raise InputError(f"{path}: the method subjects takes no weights")
        return cls()

    def save_pretrained(self, path: Path) -> None:
        """Writes no files: the appearance model ships with the package."""
