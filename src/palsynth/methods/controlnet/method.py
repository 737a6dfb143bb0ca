"""The ControlNet methods, by the edges that guide them: the patient's, the patient's parts in
another face, or the other face with the patient's expression."""

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
from palsynth.face.framing import PORTRAIT
from palsynth.methods.base import ALL_FORMS, ExpressionImage, Request
from palsynth.methods.captured import CapturedMethod
from palsynth.methods.controlnet.conditioning import canny_edges, codc, patient_edges
from palsynth.methods.controlnet.pipeline import ControlNetPalsyPipeline
from palsynth.methods.controlnet.prompts import prompt
from palsynth.methods.networks import state_dict_sha256
from palsynth.methods.resolve import identity_face, view_of
from palsynth.subjects import Subject
from palsynth.subjects.description import describe, describe_face
from palsynth.subjects.render import LARGEST

BATCH = 8
"""Images generated at once; no image depends on it."""


class ControlNetMethod:
    """The expression image shows the patient, who must not be recognised; the identity is the
    non-patient, from whom the contour comes and, unless the request has its own, the description
    in the prompt."""

    name: str
    takes: frozenset[type] = frozenset({ExpressionImage})
    synthetic = True

    def __init__(self, pipeline: ControlNetPalsyPipeline) -> None:
        self.pipeline = pipeline

    @classmethod
    def from_pretrained(cls, path: Path | None = None) -> ControlNetMethod:
        """Loads the weights of a training; default: the partially fine-tuned ones that ship."""
        return cls(ControlNetPalsyPipeline.from_pretrained(path))

    @cached_property
    def weights_sha256(self) -> str:
        """SHA-256 of the weights of all networks."""
        p = self.pipeline
        pretrained = [] if p.pretrained is None else [p.pretrained]
        return state_dict_sha256(
            p.controlnet, p.base.unet, p.base.vae, p.base.text_encoder, *pretrained
        )

    @property
    def settings(self) -> dict[str, Any]:
        """The strategy if it was tuned on patients, else None; and how it samples."""
        p = self.pipeline
        strategy = None if p.patients is None else asdict(p.strategy)
        return {"tuned": strategy, "sampling": asdict(p.sampling)}

    def save_pretrained(self, path: Path) -> None:
        """Writes what :meth:`from_pretrained` reads."""
        self.pipeline.save_pretrained(path)

    def __call__(self, requests: Sequence[Request]) -> list[np.ndarray]:
        """Generates one image per request, of a subject as described in the prompt."""
        out: list[np.ndarray] = []
        size = self.pipeline.base.size
        for start in range(0, len(requests), BATCH):
            batch = requests[start : start + BATCH]
            identities = [identity_face(r.identity, view_of(r, size)) for r in batch]
            edges = [self.edges(r, face) for r, face in zip(batch, identities, strict=True)]
            prompts = [prompt(words(r)) for r in batch]
            portraits = self.pipeline(edges, prompts, [r.seed for r in batch])
            out += [_reframed(*row) for row in zip(portraits, batch, identities, strict=True)]
        return out

    def edges(self, request: Request, other: Face) -> np.ndarray:
        """The edges that guide the ControlNet: here the patient's own (method 1 of the paper).

        Args:
            request: what is requested; its expression is the patient.
            other: the identity's face at rest.

        Returns:
            (S, S) uint8, 0 or 255.
        """
        return patient_edges(_patient(request), self.pipeline.base.size).edges


def words(request: Request) -> str:
    """The description for the prompt.

    Args:
        request: what is requested.

    Returns:
        The request's own words, or a description of its identity.
    """
    if request.words:
        return request.words
    identity = request.identity
    return describe(identity) if isinstance(identity, Subject) else describe_face(identity)


def _patient(request: Request) -> Face:
    if not isinstance(request.expression, ExpressionImage):
        raise InputError(
            "the ControlNet methods are guided by an expression image; "
            "palsynth.generation.runner.generate renders one for other expressions"
        )
    return request.expression.face


class PartialInOtherFace(ControlNetMethod):
    """Partial fine-tuning with contour-guided and organ-size deformation conditioning (PF + CODC):
    method 2 of the paper (Tajima, Seo & Chen 2026)."""

    name = "controlnet-pf-codc"

    nose: ClassVar[bool] = True
    """Whether the patient's nose is one of the parts that go into the other face."""

    def edges(self, request: Request, other: Face) -> np.ndarray:
        """The edges of the patient's parts in the face of the identity.

        Args:
            request: what is requested; its expression is the patient.
            other: the identity's face at rest.

        Returns:
            (S, S) uint8, 0 or 255.
        """
        return codc(_patient(request), other, nose=self.nose, size=self.pipeline.base.size).edges


class PartialEyesAndMouth(PartialInOtherFace):
    """The same with the non-patient's nose, beyond the paper: the patient is recognised less."""

    name = "controlnet-pf-eyes-mouth"

    nose = False


class PartialCaptured(ControlNetMethod):
    """CODC taken to its limit, beyond the paper: contour, organ sizes and organ shapes are all the
    non-patient's, whose face is moved by the captured expression before edges are detected; only
    the expression is the patient's."""

    name = "controlnet-pf-captured"
    takes = ALL_FORMS

    def edges(self, request: Request, other: Face) -> np.ndarray:
        """The edges of the identity with the patient's expression.

        Args:
            request: what is requested; its expression is the patient.
            other: unused.

        Returns:
            (S, S) uint8, 0 or 255.
        """
        return canny_edges(moved_identity(request, self.pipeline.base.size))


def moved_identity(request: Request, size: int) -> np.ndarray:
    """The identity with the patient's expression, as a portrait.

    It is rendered larger and reduced, so that lids and lips give edges and the texture of the skin
    gives none.

    Args:
        request: what is requested; its expression is the patient.
        size: side S of the result, pixels.

    Returns:
        (S, S, 3) uint8 RGB.
    """
    larger = size * max(1, min(4, LARGEST // size))
    moved = CapturedMethod()([replace(request, size=larger, framing=PORTRAIT)])[0]
    return np.asarray(cv2.resize(moved, (size, size), interpolation=cv2.INTER_AREA))


class Partial(ControlNetMethod):
    """Partial fine-tuning with the patient's own edges (PF): method 1 of the paper. With
    ``weights``, any other strategy."""

    name = "controlnet-pf"


class ZeroShot(ControlNetMethod):
    """A ControlNet that was not tuned on patients."""

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
        """Loads a ControlNet that was trained on healthy subjects; default: the one that ships."""
        if path is None:
            return cls(ControlNetPalsyPipeline.untuned())
        return cls(ControlNetPalsyPipeline.from_pretrained(path))


def _reframed(portrait: np.ndarray, request: Request, identity: Face) -> np.ndarray:
    """A portrait in the size and framing of the request; without a framing, over the identity's
    own image."""
    size = portrait.shape[0]
    if request.framing is None:
        affine = identity.aligned(PORTRAIT, size).onto(identity)
        shape = identity.image.shape[:2]
    else:
        scale = request.framing.scale(request.size) / PORTRAIT.scale(size)
        shift = request.framing.origin(request.size) - scale * PORTRAIT.origin(size)
        affine = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
        shape = (request.size, request.size)
    if shape == portrait.shape[:2] and np.allclose(affine, np.eye(2, 3), atol=1e-6):
        return portrait
    warped = cv2.warpAffine(
        portrait, affine, shape[::-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(warped)
