"""The methods ``ddpm``, ``ddpm-unconditional`` and ``latent-diffusion``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np

from palsynth.encoders.reading import known_movements
from palsynth.errors import InputError
from palsynth.face.framing import RECOGNISER
from palsynth.face.label import DigitalSource
from palsynth.methods.base import ExpressionImage, Request, TargetExpression
from palsynth.methods.diffusion.config import DiffusionSampling
from palsynth.methods.diffusion.io.files import FAMILY
from palsynth.methods.diffusion.labels import Condition
from palsynth.methods.diffusion.pipeline import DiffusionPalsyPipeline
from palsynth.methods.networks import state_dict_sha256
from palsynth.methods.reading import read_movements_and_sides
from palsynth.methods.resolve import framed_face
from palsynth.methods.shipped import shipped
from palsynth.notes import note
from palsynth.simulator.drive import Drive


class _PlainDiffusion:
    """Base of the methods: a generated face takes the place of the identity's.

    The model is not conditioned on the identity, so the face is somebody else's. What it is to show
    is the requested movement and weak side; those of an expression image are recognised by the
    reader that ships.

    Args:
        pipeline: the pipeline to run.
        sampling: how images are sampled; default: the model's own settings.
    """

    name: str = ""
    space: ClassVar[Literal["pixels", "latents"]] = "pixels"
    conditioned: ClassVar[bool | None] = True
    """Whether its models have conditions; None if both kinds do."""
    takes = frozenset({ExpressionImage, TargetExpression})
    digital_source = DigitalSource.COMPOSITE
    synthetic = True

    def __init__(
        self, pipeline: DiffusionPalsyPipeline, sampling: DiffusionSampling | None = None
    ) -> None:
        self.pipeline = pipeline
        self.sampling = sampling or pipeline.model.settings.sampling

    @classmethod
    def from_pretrained(cls, path: Path | None = None) -> Self:
        """Loads a model's folder; default: the model that ships."""
        where = shipped(FAMILY, cls.name) if path is None else path
        pipeline = DiffusionPalsyPipeline.from_pretrained(where)
        settings = pipeline.model.settings
        if settings.space != cls.space or cls.conditioned not in (None, settings.conditioned):
            kind = "with" if settings.conditioned else "without"
            raise InputError(
                f"{where}: holds a model of {settings.space} {kind} conditions, which the method "
                f"{cls.name} is not; give another folder or method"
            )
        return cls(pipeline)

    @cached_property
    def weights_sha256(self) -> str:
        """SHA-256 of the weights of all its networks, those of the autoencoder too."""
        return state_dict_sha256(self.pipeline.model)

    @property
    def settings(self) -> dict[str, Any]:
        """Sampler, steps and guidance."""
        return asdict(self.sampling)

    def save_pretrained(self, path: Path) -> None:
        """Writes the model, for :meth:`from_pretrained` to load."""
        self.pipeline.save_pretrained(path)

    def __call__(self, requests: Sequence[Request]) -> list[np.ndarray]:
        """Makes one image per request."""
        if not requests:
            return []
        if self.pipeline.model.settings.conditioned:
            note(f"method {self.name}: shows a face that it makes up, not the identity's")
        else:
            note(f"method {self.name}: makes up the face and its expression; it knows no request")
        for request in requests:
            if isinstance(request.expression, Drive):
                raise InputError(
                    f"method {self.name}: request a movement or give an expression image; it takes "
                    "no coefficients"
                )
        conditions = self._conditions(requests)
        faces = [framed_face(request) for request in requests]
        seeds = [request.seed for request in requests]
        return self.pipeline(faces, conditions, seeds, self.sampling)

    def _conditions(self, requests: Sequence[Request]) -> list[Condition | None]:
        """What is requested, or recognised in the expression image, if the model has conditions."""
        conditions: list[Condition | None] = [None] * len(requests)
        if not self.pipeline.model.settings.conditioned:
            return conditions
        crops = {}
        for k, request in enumerate(requests):
            if isinstance(request.expression, TargetExpression):
                target = request.expression
                conditions[k] = Condition(target.movement, target.palsy.weak_side)
            elif isinstance(request.expression, ExpressionImage):
                crops[k] = request.expression.face.aligned(RECOGNISER, 112)
        if crops:
            known = known_movements(self.pipeline.model.settings.movements)
            images, points = (
                [c.image for c in crops.values()],
                [c.landmarks for c in crops.values()],
            )
            recognised = read_movements_and_sides(images, points, known)
            for k, (movement, side) in zip(crops, recognised, strict=True):
                conditions[k] = Condition(movement, side)
        return conditions


class DDPMMethod(_PlainDiffusion):
    """DDPM (Ho et al. 2020), conditioned on movement and weak side by classifier-free guidance (Ho
    & Salimans 2022)."""

    name = "ddpm"


class UnconditionalDDPM(_PlainDiffusion):
    """DDPM as published (Ho et al. 2020), without conditions: what the face shows is left to
    chance."""

    name = "ddpm-unconditional"
    conditioned = False


class LatentDiffusion(_PlainDiffusion):
    """Latent diffusion (Rombach et al. 2022) on the small autoencoder that ships, conditioned on
    movement and weak side if the weights are."""

    name = "latent-diffusion"
    space = "latents"
    conditioned = None
