"""The methods ``face-swap`` and ``cyclegan``, which show the people that they know."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np

from palsynth.errors import InputError
from palsynth.face.label import DigitalSource
from palsynth.methods.base import ExpressionImage, Request
from palsynth.methods.gans.pipeline.people import PeoplePipeline
from palsynth.methods.networks import state_dict_sha256
from palsynth.methods.resolve import framed_face
from palsynth.notes import note


class PeopleMethod:
    """Base of the methods that show, in place of the identity, the most similar of certain people.

    Args:
        pipeline: the pipeline to run.
    """

    name = ""
    takes = frozenset({ExpressionImage})
    digital_source = DigitalSource.COMPOSITE
    synthetic = True

    def __init__(self, pipeline: PeoplePipeline) -> None:
        self.pipeline = pipeline

    @classmethod
    def from_pretrained(cls, path: Path | None = None) -> Self:
        """Loads a model's folder; default: the model that ships."""
        return cls(PeoplePipeline.from_pretrained(cls.name, path))

    @cached_property
    def weights_sha256(self) -> str:
        """SHA-256 of the weights of the networks."""
        networks = (self.pipeline.model.network, self.pipeline.model.restoration)
        return state_dict_sha256(*(network for network in networks if network is not None))

    @property
    def settings(self) -> dict[str, Any]:
        """The people that it knows, and whether their images are restored."""
        settings = self.pipeline.model.settings
        return {"people": list(settings.people), "restoration": settings.restoration}

    def save_pretrained(self, path: Path) -> None:
        """Writes the model, for :meth:`from_pretrained` to load."""
        self.pipeline.save_pretrained(path)

    def __call__(self, requests: Sequence[Request]) -> list[np.ndarray]:
        """Makes one image per request; the seed decides nothing."""
        expressions = []
        for request in requests:
            if not isinstance(request.expression, ExpressionImage):
                raise InputError(f"method {self.name}: give an expression image")
            expressions.append(request.expression)
        if not requests:
            return []
        note(f"method {self.name}: shows one of the people that it knows, not the identity")
        return self.pipeline([framed_face(request) for request in requests], expressions)


class FaceSwapMethod(PeopleMethod):
    """A face-swap autoencoder (Faceswap 2017; Tajima et al. 2023): the patient's expression image
    is encoded, and decoded by the decoder of the person who looks most like the identity."""

    name = "face-swap"


class CycleGANMethod(PeopleMethod):
    """CycleGAN and face restoration (Zhu et al. 2017; Sakai et al. 2023): the expression image of
    a patient becomes an image of one public person, whatever the identity."""

    name = "cyclegan"
