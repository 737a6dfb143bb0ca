"""The methods ``pix2pix``, ``mc-gan`` and ``mc-gan-normalised``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from palsynth.errors import InputError
from palsynth.face.label import DigitalSource
from palsynth.methods.base import ExpressionImage, Request
from palsynth.methods.gans.config.conditional import Condition, GeneratorKind
from palsynth.methods.gans.io.files import FAMILY
from palsynth.methods.gans.pipeline.conditional import ConditionalPipeline
from palsynth.methods.networks import state_dict_sha256
from palsynth.methods.resolve import framed_face
from palsynth.methods.shipped import shipped


class _ConditionalGAN:
    """Transfers an expression image to an identity image, by a generator that was trained on pairs.

    The seed of a request changes nothing: dropout, the only noise in training, is off.

    Args:
        pipeline: the pipeline to run.

    Raises:
        InputError: its generator or condition is not the method's.
    """

    name: ClassVar[str]
    generator: ClassVar[GeneratorKind] = "synthesis"
    condition: ClassVar[Condition]
    takes = frozenset({ExpressionImage})
    digital_source = DigitalSource.COMPOSITE
    synthetic = True

    def __init__(self, pipeline: ConditionalPipeline) -> None:
        found = pipeline.settings
        if (found.generator, found.condition) != (self.generator, self.condition):
            raise InputError(
                f"method {self.name}: is a {self.generator} generator with the condition "
                f"{self.condition}, the weights are {found.generator} with {found.condition}; give "
                "other weights or another method"
            )
        self.pipeline = pipeline

    @classmethod
    def from_pretrained(cls, path: Path | None = None) -> Self:
        """Loads the weights of a training; default: those that ship."""
        where = shipped(FAMILY, cls.name) if path is None else path
        pipeline = ConditionalPipeline.from_pretrained(where)
        try:
            return cls(pipeline)
        except InputError as error:
            raise InputError(f"{where}: {error}") from None

    @cached_property
    def weights_sha256(self) -> str:
        """SHA-256 of the weights of all its networks, those of the landmark encoder too."""
        return state_dict_sha256(self.pipeline.generator, self.pipeline.conditioner)

    @property
    def settings(self) -> dict[str, Any]:
        """Nothing but the weights decides an image."""
        return {}

    def save_pretrained(self, path: Path) -> None:
        """Writes the weights, for :meth:`from_pretrained` to load."""
        self.pipeline.save_pretrained(path)

    def __call__(self, requests: Sequence[Request]) -> list[np.ndarray]:
        """Makes one image per request."""
        if not requests:
            return []
        expressions = [self._expression(request) for request in requests]
        return self.pipeline(
            [framed_face(request) for request in requests],
            [expression.face for expression in expressions],
        )

    def _expression(self, request: Request) -> ExpressionImage:
        if not isinstance(request.expression, ExpressionImage):
            raise InputError(f"method {self.name}: give an expression image")
        return request.expression


class Pix2Pix(_ConditionalGAN):
    """Generates the expression from both images (Isola et al. 2017)."""

    name = "pix2pix"
    generator = "unet"
    condition = "image"


class MCGAN(_ConditionalGAN):
    """Generates the expression from the identity image and an image of the landmarks of the
    expression (Park et al. 2018; Yaotome et al. 2020)."""

    name = "mc-gan"
    condition = "landmarks"


class NormalisedMCGAN(_ConditionalGAN):
    """MC-GAN with the landmarks in the proportions of the identity's face (Sakai et al. 2021)."""

    name = "mc-gan-normalised"
    condition = "normalised-landmarks"
