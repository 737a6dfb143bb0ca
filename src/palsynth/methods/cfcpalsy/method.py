"""The methods ``cfcpalsy`` and ``draft``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from palsynth.face.face import Face
from palsynth.face.label import DigitalSource
from palsynth.methods.base import ALL_FORMS, ExpressionImage, Request, TargetExpression, Weightless
from palsynth.methods.captured import draft
from palsynth.methods.cfcpalsy.config import DiffusionSettings
from palsynth.methods.cfcpalsy.pipeline import CFCPalsyPipeline
from palsynth.methods.networks import state_dict_sha256
from palsynth.methods.reading import as_targets
from palsynth.methods.resolve import expression_image, framed_face
from palsynth.simulator.drive import Drive

EXPRESSION_SIZE = 224
"""Side in pixels of the expression image that is rendered for a requested movement."""

SAMPLING = ("sampler", "steps", "eta", "num_samples_averaged", "guidance")
"""The diffusion settings by which images of given weights can differ."""

Requested = TargetExpression | Drive
"""What an expression image shows, where that is known."""


class CFCPalsyMethod:
    """CFCPalsy: transfers an expression image to an identity image.

    For a requested movement or coefficients, the expression image shows a synthetic subject with
    that expression, sampled with the seed of the request.

    Args:
        pipeline: the pipeline to run.
        diffusion: how images are sampled; default: the model's own settings.
    """

    name = "cfcpalsy"
    takes = ALL_FORMS
    digital_source = DigitalSource.COMPOSITE
    synthetic = True

    def __init__(
        self, pipeline: CFCPalsyPipeline, diffusion: DiffusionSettings | None = None
    ) -> None:
        self.pipeline = pipeline
        self.diffusion = diffusion or pipeline.model.settings.diffusion

    def sampling_once(self) -> CFCPalsyMethod:
        """The same method without averaging: its images differ more by their seeds."""
        return CFCPalsyMethod(self.pipeline, replace(self.diffusion, num_samples_averaged=1))

    @classmethod
    def from_pretrained(cls, path: Path | None = None) -> CFCPalsyMethod:
        """Loads a model's folder; default: the model that ships."""
        return cls(CFCPalsyPipeline.from_pretrained(path))

    @cached_property
    def weights_sha256(self) -> str:
        """SHA-256 of the weights of all its networks."""
        return state_dict_sha256(self.pipeline.model)

    @property
    def settings(self) -> dict[str, Any]:
        """How images are sampled; what else there is to know lies in the weights."""
        return {name: getattr(self.diffusion, name) for name in SAMPLING}

    def save_pretrained(self, path: Path) -> None:
        """Writes the model, for :meth:`from_pretrained` to load."""
        self.pipeline.save_pretrained(path)

    def __call__(self, requests: Sequence[Request]) -> list[np.ndarray]:
        """Makes one image per request."""
        if not requests:
            return []
        inputs = [_prepare_inputs(request) for request in requests]
        identities, expressions, requested = (list(column) for column in zip(*inputs, strict=True))
        seeds = [request.seed for request in requests]
        return self.pipeline(identities, expressions, seeds, requested, self.diffusion)


class DraftMethod(Weightless):
    """Simulates the movement that the reader of eleven movements recognises in the expression
    image. CFCPalsy was conditioned on this draft before expression images were captured; it
    remains available for comparison."""

    name = "draft"
    takes = ALL_FORMS
    digital_source = DigitalSource.COMPOSITE

    def __call__(self, requests: Sequence[Request]) -> list[np.ndarray]:
        """Makes one image per request."""
        inputs = [_prepare_inputs(request) for request in requests]
        targets = as_targets(
            [expression.face for _, expression, _ in inputs],
            [requested for _, _, requested in inputs],
        )
        return [draft(face, target) for (face, _, _), target in zip(inputs, targets, strict=True)]


def _prepare_inputs(request: Request) -> tuple[Face, ExpressionImage, Requested | None]:
    """The identity at the request's framing, the expression as an image, and what that shows,
    where the request says it."""
    image = expression_image(request.expression, request.seed, EXPRESSION_SIZE)
    known = None if isinstance(request.expression, ExpressionImage) else request.expression
    return framed_face(request), image, known
