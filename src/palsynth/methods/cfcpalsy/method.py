"""CFCPalsy as a method, and the draft alone that its default starts from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from palsynth.errors import InputError
from palsynth.face.face import Face
from palsynth.methods.base import ExpressionImage, Request, TargetExpression
from palsynth.methods.captured import draft
from palsynth.methods.cfcpalsy.pipeline import CFCPalsyPipeline
from palsynth.methods.cfcpalsy.reading import as_targets
from palsynth.methods.networks import state_dict_sha256
from palsynth.methods.resolve import expression_picture, identity_face

EXPRESSION_SIZE = 224
"""Pixels of a picture that is drawn for a wish in words."""


class CFCPalsyMethod:
    """A wish in words is answered by a person who does it, drawn from the request's seed."""

    name = "cfcpalsy"
    takes_pictures = True
    synthetic = True

    def __init__(self, pipeline: CFCPalsyPipeline) -> None:
        self.pipeline = pipeline

    @classmethod
    def from_pretrained(cls, path: Path | None = None) -> CFCPalsyMethod:
        """Loads a model's folder; what ships where nothing is said."""
        return cls(CFCPalsyPipeline.from_pretrained(path))

    @cached_property
    def weights_sha256(self) -> str:
        """What identifies its networks."""
        return state_dict_sha256(self.pipeline.model)

    @property
    def settings(self) -> dict[str, Any]:
        """How it samples."""
        return asdict(self.pipeline.model.settings.diffusion)

    def save_pretrained(self, path: Path) -> None:
        """Writes what :meth:`from_pretrained` reads."""
        self.pipeline.save_pretrained(path)

    def __call__(self, requests: Sequence[Request]) -> list[np.ndarray]:
        """Images, one a request."""
        seen = [_opened(request) for request in requests]
        identities, expressions, requested = (list(column) for column in zip(*seen, strict=True))
        return self.pipeline(identities, expressions, [r.seed for r in requests], requested)


class DraftMethod:
    """The simulator doing what the reader of eleven movements reads in the expression image: what
    CFCPalsy started from before pictures were captured. Kept as a row to compare with."""

    name = "draft"
    takes_pictures = True
    synthetic = True
    weights_sha256 = None
    settings: ClassVar[dict[str, Any]] = {}

    @classmethod
    def from_pretrained(cls, path: Path | None = None) -> DraftMethod:
        """There are no weights of its own."""
        if path is not None:
            raise InputError(f"{path}: the method draft takes no weights")
        return cls()

    def save_pretrained(self, path: Path) -> None:
        """Nothing to save."""

    def __call__(self, requests: Sequence[Request]) -> list[np.ndarray]:
        """Images, one a request."""
        seen = [_opened(request) for request in requests]
        words = as_targets([e.face for _, e, _ in seen], [a for _, _, a in seen])
        return [draft(face, said) for (face, _, _), said in zip(seen, words, strict=True)]


def _opened(request: Request) -> tuple[Face, ExpressionImage, TargetExpression | None]:
    """The identity as it is to lie, the expression as a picture, and in words if asked in words."""
    face = identity_face(request.identity, request.size)
    if request.framing is not None:
        face = face.aligned(request.framing, request.size)
    picture = expression_picture(request.expression, request.seed, EXPRESSION_SIZE)
    requested = request.expression if isinstance(request.expression, TargetExpression) else None
    return face, picture, requested
