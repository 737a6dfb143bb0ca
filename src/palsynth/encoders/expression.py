"""The expression encoder: E_Face, fine-tuned from E_ID; the feature is their difference.

The idea is that of CFCPalsy (arXiv 2409.07271), after the deviation network of Zhang et al. 2021:
what E_Face encodes beyond the recogniser is the expression. Here the loss enforces it as well: the
difference must be predictable from the expression alone, so that it carries no identity.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal, Self

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from palsynth.data.examples import MOVEMENTS, Source
from palsynth.encoders.base import Features, as_images
from palsynth.encoders.irnet import IRNet
from palsynth.encoders.reading import (
    STATE,
    ReadingHead,
    encode_targets,
    palsy_losses,
    palsy_metrics,
    truth,
)
from palsynth.encoders.shipped import load_ours
from palsynth.encoders.sources import FacesSettings
from palsynth.encoders.validation import on
from palsynth.face.face import Face
from palsynth.training.init import InitFrom, InitSettings, init_path
from palsynth.training.objective import Losses, Objective
from palsynth.training.recipe import LoopSettings

HEAD = "head.safetensors"
"""File name of the reading head, beside the weights of E_Face."""


class ExpressionEncoder(nn.Module):
    """The expression feature: ``face`` minus ``identity``, for vectors (N, 512) and maps.

    Args:
        face: E_Face, an encoder.
        identity: E_ID, a recogniser of the same architecture.
    """

    def __init__(self, face: nn.Module, identity: nn.Module) -> None:
        super().__init__()
        self.face, self.identity = face, identity

    def forward(self, images: Tensor) -> Features:
        """Images (N, 3, H, W), RGB in 0 … 1, to the difference of both networks' features."""
        face, identity = self.face(images), self.identity(images)
        return Features(face.vector - identity.vector, face.map - identity.map)

    def crop(self, face: Face) -> Face:
        """The face as both networks expect it."""
        return self.identity.crop(face)  # type: ignore[operator]


@dataclass(frozen=True)
class ExpressionRecipe(InitSettings):
    """Fine-tunes E_Face from an identity encoder."""

    needs_weights: ClassVar[bool] = True

    kind: Literal["expression"] = "expression"
    """The kind of recipe."""
    init_from: InitFrom = "shipped"
    """Folder of the identity encoder that is fine-tuned; or shipped."""
    invariance: float = 1.0
    """Weight of the fraction of the feature's variance that the expression does not explain."""
    data: FacesSettings = field(default_factory=FacesSettings)
    loop: LoopSettings = field(default_factory=LoopSettings)

    def source(self, build_cache: bool = True) -> Source:
        """The training examples."""
        return self.data.build(build_cache)

    def objective(self) -> Objective:
        """The objective; E_Face is equal to E_ID before training."""
        face, identity = (load_ours("identity", init_path(self.init_from)) for _ in range(2))
        return ExpressionObjective(face, identity, self.invariance)


class ExpressionObjective(Objective):
    """Predicts the expression from E_Face - E_ID, and that feature from the expression.

    The batch norms of E_Face stay in evaluation mode with the running statistics of E_ID, so
    E_Face is initially identical to E_ID.

    Args:
        face: E_Face, which is trained.
        identity: E_ID, which is frozen.
        invariance: weight of the unexplained fraction of the feature's variance.
    """

    frozen: ClassVar[tuple[str, ...]] = ("identity",)

    def __init__(self, face: IRNet, identity: IRNet, invariance: float) -> None:
        super().__init__()
        self.face, self.identity = face, identity.requires_grad_(False)
        self.head = ReadingHead(face.features)
        self.explain = nn.Sequential(
            nn.Linear(len(MOVEMENTS) + 2 * STATE, 256), nn.SiLU(), nn.Linear(256, face.features)
        )
        self.invariance = invariance

    def train(self, mode: bool = True) -> Self:
        """Training mode for the heads; E_Face stays in evaluation mode."""
        super().train(mode)
        self.face.eval()
        return self

    def forward(self, batch: dict[str, Tensor], rng: torch.Generator) -> Losses:
        """Losses of a batch with ``image``, ``movement``, ``function`` and ``tone``."""
        images, targets = as_images(batch["image"]), truth(batch)
        with torch.no_grad():
            identity = self.identity(images).vector
        feature = self.face(images).vector - identity
        parts = palsy_losses(self.head(feature), targets)
        unexplained = (feature - self.explain(encode_targets(targets)).float()).square().sum()
        variation = (feature - feature.mean(0)).square().sum()
        # the difference is initially 0, where a plain ratio of the two would diverge
        parts["unexplained"] = unexplained / (unexplained + variation + 1e-6)
        total = (
            parts["movement"]
            + parts["side"]
            + 5 * (parts["state"] + parts["weakness"])
            + self.invariance * parts["unexplained"]
        )
        return Losses(total, parts)

    def validate(self) -> dict[str, float]:
        """Accuracy of the head on pictures of unseen synthetic subjects."""
        batch = on(next(self.face.parameters()).device)
        images = as_images(batch["image"])
        feature = self.face(images).vector - self.identity(images).vector
        return palsy_metrics(self.head(feature), truth(batch))

    def export(self, folder: Path) -> None:
        """Writes E_Face, and the head for its difference from E_ID."""
        self.face.save_pretrained(folder)
        names = json.dumps([movement.value for movement in self.head.movements])
        save_file(self.head.state_dict(), folder / HEAD, metadata={"movements": names})
