"""Trivial methods for comparison: a metric that rates one of them well is blind to its faults."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from palsynth.errors import InputError
from palsynth.face.face import Face
from palsynth.face.label import DigitalSource
from palsynth.methods.base import ALL_FORMS, ExpressionImage, Request, Weightless
from palsynth.seeds import Stream, make_rng

NOISE = 25.0
"""Standard deviation of the noise method, grey levels."""


class _Copy(Weightless):
    """Base of the copying methods."""

    takes = ALL_FORMS
    synthetic = False

    def __call__(self, requests: Sequence[Request]) -> list[np.ndarray]:
        """Makes one image per request."""
        return [_framed(self._face(request), request) for request in requests]

    def _face(self, request: Request) -> Face:
        raise NotImplementedError


class CopyIdentity(_Copy):
    """Returns the identity image."""

    name = "copy-identity"

    def _face(self, request: Request) -> Face:
        if not isinstance(request.identity, Face):
            raise InputError("copy-identity needs an identity image; a synthetic subject has none")
        return request.identity


class CopyExpression(_Copy):
    """Returns the expression image."""

    name = "copy-expression"
    takes = frozenset({ExpressionImage})

    def _face(self, request: Request) -> Face:
        if not isinstance(request.expression, ExpressionImage):
            raise InputError(
                "copy-expression needs an expression image; a requested movement has none"
            )
        return request.expression.face


class Noise(CopyIdentity):
    """Returns the identity image with Gaussian noise, different for every seed."""

    name = "noise"
    digital_source = DigitalSource.ALGORITHMIC

    def __call__(self, requests: Sequence[Request]) -> list[np.ndarray]:
        """Makes one image per request."""
        images = []
        for request, image in zip(requests, super().__call__(requests), strict=True):
            rng = make_rng(request.seed, Stream.NOISE_IMAGE)
            noisy = image + rng.normal(0, NOISE, image.shape)
            images.append(noisy.round().clip(0, 255).astype(np.uint8))
        return images


def _framed(face: Face, request: Request) -> np.ndarray:
    """The image of a face, at the request's framing if it has one."""
    if request.framing is None:
        return face.image
    return face.aligned(request.framing, request.size).image
