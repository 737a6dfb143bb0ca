"""The method ``people``: a person who does not exist, drawn with any movement and palsy."""

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
    """Draws; nothing is learnt, nothing is random but the person's seed."""

    name = "subjects"
    takes_pictures = False
    synthetic = True
    weights_sha256 = None
    settings: ClassVar[dict[str, Any]] = {}

    def __call__(self, requests: Sequence[Request]) -> list[np.ndarray]:
        """One image a request. The identity must be a person, the expression asked in words."""
        return [self._one(request) for request in requests]

    def _one(self, request: Request) -> np.ndarray:
        if not isinstance(request.identity, Subject):
            raise InputError(
                "method subjects: the identity must be a person (--subject SEED), not a photo"
            )
        if not isinstance(request.expression, TargetExpression):
            raise InputError(
                "method subjects: ask for a movement; it cannot copy a picture's expression"
            )
        requested = request.expression
        view = View(size=request.size, framing=request.framing or ID_PHOTO)
        what = drive(
            requested.movement, requested.palsy, intensity=requested.intensity, bell=request.identity.bell,
            wink=requested.wink,
        )  # fmt: skip
        return render_drive(request.identity, what, view)[0]

    @classmethod
    def from_pretrained(cls, path: Path | None = None) -> SubjectsMethod:
        """There are no weights beside the appearance model that ships."""
        if path is not None:
            raise InputError(f"{path}: the method people takes no weights")
        return cls()

    def save_pretrained(self, path: Path) -> None:
        """Nothing to save."""
