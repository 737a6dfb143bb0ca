"""The expression encoder: E_Face tuned from E_ID; the feature is their difference.

The idea is that of CFCPalsy (arXiv 2409.07271), after the deviation network of Zhang et al.
2021: what E_Face says beyond the recogniser is the expression. We say so in the loss as well:
the difference must be predictable from the expression alone, so nothing of who it is stays.
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
    label_code,
    reading_figures,
    reading_losses,
    truth,
)
from palsynth.encoders.shipped import load_ours
from palsynth.encoders.sources import FacesSettings
from palsynth.encoders.validation import on
from palsynth.face.face import Face
from palsynth.settings import Settings
from palsynth.training.objective import Losses, Objective
from palsynth.training.recipe import LoopSettings

HEAD = "head.safetensors"
"""File of the head, beside the weights of E_Face."""


class ExpressionEncoder(nn.Module):
    """``face`` minus ``identity``: vectors (N, 512) of what the face does, and maps alike."""

    def __init__(self, face: nn.Module, identity: nn.Module) -> None:
        super().__init__()
        self.face, self.identity = face, identity

    def forward(self, images: Tensor) -> Features:
        """Images (N, 3, H, W), RGB in 0 … 1, to the difference of both networks' features."""
        face, identity = self.face(images), self.identity(images)
        return Features(face.vector - identity.vector, face.map - identity.map)

    def crop(self, face: Face) -> Face:
        """The face as both networks want it."""
        return self.identity.crop(face)  # type: ignore[operator]


@dataclass(frozen=True)
class ExpressionRecipe(Settings):
    """Tunes E_Face from an identity encoder."""

    kind: Literal["expression"] = "expression"
    identity: Path | None = None
    """Folder of the identity encoder to start from; ours where nothing is said."""
    invariance: float = 1.0
    """Weight of the share of the feature that the expression does not explain."""
    data: FacesSettings = field(default_factory=FacesSettings)
    loop: LoopSettings = field(default_factory=LoopSettings)

    def source(self, build_cache: bool = True) -> Source:
        """What it trains on."""
        return self.data.build(build_cache)

    def objective(self) -> Objective:
        """What trains."""
        return ExpressionObjective(
            load_ours("identity", self.identity), load_ours("identity", self.identity),
            self.invariance,
        )  # fmt: skip


class ExpressionObjective(Objective):
    """Reads the expression from E_Face - E_ID, and explains that feature by the expression.

    E_Face keeps the running statistics of its norms, so it starts as E_ID exactly.
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
        """Training mode for the heads; norms of E_Face keep their statistics."""
        super().train(mode)
        self.face.eval()
        return self

    def forward(self, batch: dict[str, Tensor], rng: torch.Generator) -> Losses:
        """Losses of a batch with ``image``, ``movement``, ``function`` and ``tone``."""
        images, true = as_images(batch["image"]), truth(batch)
        with torch.no_grad():
            identity = self.identity(images).vector
        feature = self.face(images).vector - identity
        parts = reading_losses(self.head(feature), true)
        unexplained = (feature - self.explain(label_code(true)).float()).square().sum()
        spread = (feature - feature.mean(0)).square().sum()
        # the difference starts at 0: a plain ratio of the two would explode there
        parts["unexplained"] = unexplained / (unexplained + spread + 1e-6)
        total = (
            parts["movement"]
            + parts["side"]
            + 5 * (parts["state"] + parts["weakness"])
            + self.invariance * parts["unexplained"]
        )
        return Losses(total, parts)

    def validate(self) -> dict[str, float]:
        """What the head reads from pictures of unseen people."""
        batch = on(next(self.face.parameters()).device)
        images = as_images(batch["image"])
        feature = self.face(images).vector - self.identity(images).vector
        return reading_figures(self.head(feature), truth(batch))

    def export(self, folder: Path) -> None:
        """E_Face, and the head that reads its difference to E_ID."""
        self.face.save_pretrained(folder)
        names = json.dumps([movement.value for movement in self.head.movements])
        save_file(self.head.state_dict(), folder / HEAD, metadata={"movements": names})
