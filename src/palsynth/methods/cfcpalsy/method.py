"""CFCPalsy as a method: requests in, images out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from palsynth.methods.base import Asked, Request, register
from palsynth.methods.cfcpalsy.pipeline import CFCPalsyPipeline
from palsynth.methods.resolve import expression_picture, identity_face

EXPRESSION_SIZE = 224
"""Pixels of a picture that is drawn for a wish in words."""


@register("cfcpalsy")
class CFCPalsyMethod:
    """A wish in words is answered by a person who does it, drawn from the request's seed."""

    name: str
    takes_pictures = True
    synthetic = True

    def __init__(self, pipeline: CFCPalsyPipeline) -> None:
        self.pipeline = pipeline

    @classmethod
    def from_pretrained(cls, path: Path | None = None) -> CFCPalsyMethod:
        """Loads a model's folder; what ships where nothing is said."""
        return cls(CFCPalsyPipeline.from_pretrained(path))

    def save_pretrained(self, path: Path) -> None:
        """Writes what :meth:`from_pretrained` reads."""
        self.pipeline.save_pretrained(path)

    def __call__(self, requests: Sequence[Request]) -> list[np.ndarray]:
        """Images, one a request."""
        identities, expressions, asked = [], [], []
        for request in requests:
            face = identity_face(request.identity, request.size)
            if request.framing is not None:
                face = face.aligned(request.framing, request.size)
            identities.append(face)
            picture = expression_picture(request.expression, request.seed, EXPRESSION_SIZE)
            expressions.append(picture.face)
            asked.append(request.expression if isinstance(request.expression, Asked) else None)
        seeds = [request.seed for request in requests]
        return self.pipeline(identities, expressions, seeds, asked)
