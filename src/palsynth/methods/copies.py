"""Methods that do nothing: what a figure says of them is what the figure cannot see."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from palsynth.errors import InputError
from palsynth.face.face import Face
from palsynth.methods.base import ExpressionImage, Request
from palsynth.seeds import Stream, make_rng

NOISE = 25.0
"""Standard deviation of the noise method, grey levels."""


class _Copy:
    """What the copies share: nothing to load, nothing to save."""

    name = ""
    takes_pictures = True
    synthetic = False
    weights_sha256 = None
    settings: ClassVar[dict[str, Any]] = {}

    @classmethod
    def from_pretrained(cls, path: Path | None = None) -> _Copy:
        """Nothing is learnt, so there is nothing to load."""
        if path is not None:
            raise InputError(f"{path}: the method {cls.name} has no weights; leave out the path")
        return cls()

    def save_pretrained(self, path: Path) -> None:
        """Nothing is learnt, so there is nothing to save."""

    def __call__(self, requests: Sequence[Request]) -> list[np.ndarray]:
        """Images, one a request."""
        return [_laid(self._face(request), request) for request in requests]

    def _face(self, request: Request) -> Face:
        raise NotImplementedError


class CopyIdentity(_Copy):
    """Returns the identity image."""

    name = "copy-identity"

    def _face(self, request: Request) -> Face:
        if not isinstance(request.identity, Face):
            raise InputError("copy-identity needs a picture of the identity")
        return request.identity


class CopyExpression(_Copy):
    """Returns the expression image."""

    name = "copy-expression"

    def _face(self, request: Request) -> Face:
        if not isinstance(request.expression, ExpressionImage):
            raise InputError("copy-expression needs a picture of the expression")
        return request.expression.face


class Noise(CopyIdentity):
    """Returns the identity image under noise, another for every seed."""

    name = "noise"

    def __call__(self, requests: Sequence[Request]) -> list[np.ndarray]:
        """Images, one a request."""
        out = []
        for request, image in zip(requests, super().__call__(requests), strict=True):
            rng = make_rng(request.seed, Stream.NOISE_IMAGE)
            noisy = image + rng.normal(0, NOISE, image.shape)
            out.append(noisy.round().clip(0, 255).astype(np.uint8))
        return out


def _laid(face: Face, request: Request) -> np.ndarray:
    if request.framing is None:
        return face.image
    return face.aligned(request.framing, request.size).image
