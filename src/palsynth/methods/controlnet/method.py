"""The ControlNet methods: the patient's edges, the patient's parts in another face, or the other
face doing what the patient does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np

from palsynth.errors import InputError
from palsynth.face.face import Face
from palsynth.face.framing import ID_PHOTO, PORTRAIT
from palsynth.methods.base import Request
from palsynth.methods.captured import CapturedMethod
from palsynth.methods.controlnet.conditioning import codc, plain, plain_edges
from palsynth.methods.controlnet.io.files import load_pipeline, save_pipeline, untuned_pipeline
from palsynth.methods.controlnet.pipeline import ControlNetPalsyPipeline
from palsynth.methods.controlnet.prompts import prompt
from palsynth.methods.networks import state_dict_sha256
from palsynth.methods.resolve import expression_picture, identity_face
from palsynth.subjects import Subject
from palsynth.subjects.description import describe, describe_face
from palsynth.subjects.render import LARGEST

BATCH = 8
"""Pictures drawn at once; no picture depends on it."""

EXPRESSION_SIZE = 256
"""Pixels of a picture that is drawn for a wish in words."""


class ControlNetMethod:
    """The expression image is the patient, who must not be recognised; the identity is the
    non-patient, who gives the contour and, where the request has none, the words."""

    name: str
    takes_pictures = True
    synthetic = True

    def __init__(self, pipeline: ControlNetPalsyPipeline) -> None:
        self.pipeline = pipeline

    @classmethod
    def from_pretrained(cls, path: Path | None = None) -> ControlNetMethod:
        """Loads a training's weights; the partially tuned ones that ship where nothing is said."""
        return cls(load_pipeline(path))

    @cached_property
    def weights_sha256(self) -> str:
        """What identifies its networks."""
        p = self.pipeline
        others = [] if p.pretrained is None else [p.pretrained]
        return state_dict_sha256(
            p.controlnet, p.base.unet, p.base.vae, p.base.text_encoder, *others
        )

    @property
    def settings(self) -> dict[str, Any]:
        """Whether patients were shown to it, how, and how it samples."""
        p = self.pipeline
        strategy = None if p.patients is None else asdict(p.strategy)
        return {"tuned": strategy, "sampling": asdict(p.sampling)}

    def save_pretrained(self, path: Path) -> None:
        """Writes what :meth:`from_pretrained` reads."""
        save_pipeline(self.pipeline, path)

    def __call__(self, requests: Sequence[Request]) -> list[np.ndarray]:
        """Pictures, one a request, of people as their words describe them."""
        out: list[np.ndarray] = []
        for begin in range(0, len(requests), BATCH):
            part = requests[begin : begin + BATCH]
            size = self.pipeline.base.size
            others = [identity_face(r.identity, size, r.framing or ID_PHOTO) for r in part]
            edges = [self.edges(r, other) for r, other in zip(part, others, strict=True)]
            said = [prompt(words(r)) for r in part]
            made = self.pipeline(edges, said, [r.seed for r in part])
            out += [_laid(*row) for row in zip(made, part, others, strict=True)]
        return out

    def edges(self, request: Request, other: Face) -> np.ndarray:
        """What a request shows the ControlNet (S, S) uint8: the patient's own edges; ``other`` is
        the identity's face at rest."""
        return plain(_patient(request), self.pipeline.base.size).edges


def words(request: Request) -> str:
    """Whom the base draws: the request's words, or what is known of the identity."""
    if request.words:
        return request.words
    identity = request.identity
    return describe(identity) if isinstance(identity, Subject) else describe_face(identity)


def _patient(request: Request) -> Face:
    return expression_picture(request.expression, request.seed, EXPRESSION_SIZE).face


class PartialInOtherFace(ControlNetMethod):
    """Partial fine-tuning, contour-guided and with organ-size deformation: the paper's method 2."""

    name = "controlnet-pf-codc"

    nose: ClassVar[bool] = True
    """Whether the patient's nose is one of the parts that go into the other face."""

    def edges(self, request: Request, other: Face) -> np.ndarray:
        """The patient's parts in the face of the identity."""
        return codc(_patient(request), other, nose=self.nose, size=self.pipeline.base.size).edges


class PartialEyesAndMouth(PartialInOtherFace):
    """The same with the non-patient's nose, beyond the paper: the patient is recognised less."""

    name = "controlnet-pf-eyes-mouth"

    nose = False


class PartialCaptured(ControlNetMethod):
    """CODC carried to its end, beyond the paper: contour, organ sizes and organ shapes are all the
    non-patient's, who is moved by the captured expression before edges are detected; only the
    expression is the patient's."""

    name = "controlnet-pf-captured"

    def edges(self, request: Request, other: Face) -> np.ndarray:
        """The edges of the identity doing what the patient does."""
        return plain_edges(moved_identity(request, self.pipeline.base.size))


def moved_identity(request: Request, size: int) -> np.ndarray:
    """The identity doing what the patient does (S, S, 3) uint8: drawn larger and reduced, so that
    lids and lips keep their edges and the skin's grain gets none."""
    larger = size * max(1, min(4, LARGEST // size))
    moved = CapturedMethod()([replace(request, size=larger, framing=PORTRAIT)])[0]
    return np.asarray(cv2.resize(moved, (size, size), interpolation=cv2.INTER_AREA))


class Partial(ControlNetMethod):
    """Partial fine-tuning, told the patient's own edges: the paper's method 1. With ``weights``
    any other strategy."""

    name = "controlnet-pf"


class ZeroShot(ControlNetMethod):
    """A ControlNet that no patient was shown to."""

    name = "controlnet-zero-shot"

    def __init__(self, pipeline: ControlNetPalsyPipeline) -> None:
        if pipeline.patients is not None:
            raise InputError(
                f"the weights were tuned on patients (of {pipeline.patients.dataset}), which is "
                "not zero-shot; use --method controlnet-pf"
            )
        super().__init__(pipeline)

    @classmethod
    def from_pretrained(cls, path: Path | None = None) -> ControlNetMethod:
        """What ships, or what a ControlNet's training on healthy people gave."""
        return cls(untuned_pipeline() if path is None else load_pipeline(path))


def _laid(made: np.ndarray, request: Request, other: Face) -> np.ndarray:
    """A portrait as the request wants it to lie."""
    size = made.shape[0]
    if request.framing is None:  # as the identity's own picture lies
        affine = other.aligned(PORTRAIT, size).onto(other)
        shape = other.image.shape[:2]
    else:
        scale = request.framing.scale(request.size) / PORTRAIT.scale(size)
        shift = request.framing.origin(request.size) - scale * PORTRAIT.origin(size)
        affine = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
        shape = (request.size, request.size)
    if shape == made.shape[:2] and np.allclose(affine, np.eye(2, 3), atol=1e-6):
        return made
    laid = cv2.warpAffine(
        made, affine, shape[::-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(laid)
