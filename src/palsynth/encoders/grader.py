"""A grader: reads the Yanagihara item of a movement and the House-Brackmann grade from a picture.

It is what synthetic data is made for; ``palsynth utility`` trains it on several sets in turn.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn
from torch.nn import functional

from palsynth.data.augment import Augmentation, AugmentedSource
from palsynth.data.examples import GRADES, ITEMS, MOVEMENTS, UNKNOWN, Source
from palsynth.data.folder_source import FolderSource, MixedSource
from palsynth.encoders.base import as_images
from palsynth.encoders.identity import IRNetSettings
from palsynth.encoders.irnet import IRNet
from palsynth.encoders.reading import (
    MOVEMENTS_NOW,
    MOVEMENTS_OF_0_1,
    class_numbers,
    known_movements,
)
from palsynth.errors import InputError
from palsynth.settings import Settings
from palsynth.training.objective import Losses, Objective
from palsynth.training.recipe import LoopSettings


class Grader(ModelMixin, ConfigMixin):  # type: ignore[misc]
    """Logits of the item score (N, 3) and of the grade (N, 6); the movement is told, because a
    grader knows what it has asked the patient for. ``movements`` are those that it knows, by name;
    the other arguments are those of :class:`IRNet`."""

    @register_to_config
    def __init__(
        self,
        widths: tuple[int, ...] = (16, 32, 64, 128),
        depths: tuple[int, ...] = (1, 1, 1, 1),
        narrow: int = 16,
        dim: int = 128,
        dropout: float = 0.2,
        movements: tuple[str, ...] = MOVEMENTS_OF_0_1,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.trunk = IRNet(widths, depths, narrow, dim, dropout)
        self.movements = known_movements(movements)
        self.item = nn.Linear(dim, len(movements) * len(ITEMS))
        self.grade = nn.Linear(dim, len(GRADES))

    def forward(self, images: Tensor, movement: Tensor) -> tuple[Tensor, Tensor]:
        """Images (N, 3, H, W), RGB in 0 … 1, and class numbers of their movements (N,)."""
        feature = self.trunk(images).vector
        items = self.item(feature).view(-1, len(self.movements), len(ITEMS))
        requested = [MOVEMENTS[number] for number in movement.clamp(min=0).tolist()]
        scores = items[torch.arange(len(items)), class_numbers(self.movements, requested)]
        return scores, self.grade(feature)


@dataclass(frozen=True)
class GraderData(Settings):
    """Dataset folders whose train splits are used, each for as many examples as the others."""

    folders: tuple[Path, ...] = ()
    augmentation: Augmentation = field(default_factory=Augmentation)
    seed: int = 0

    def build(self) -> Source:
        """The source."""
        if not self.folders:
            raise InputError("name at least one dataset folder to train the grader on")
        parts = [FolderSource(folder, seed=self.seed) for folder in self.folders]
        for part in parts:
            if all(r.yanagihara_item is None and r.hb_grade is None for r in part.rows):
                raise InputError(f"{part.folder}: no image has an item score or a grade")
        mixed = MixedSource(parts, [1.0] * len(parts), self.seed)
        return AugmentedSource(mixed, self.augmentation, self.seed)


@dataclass(frozen=True)
class GraderRecipe(Settings):
    """Trains a grader."""

    kind: Literal["grader"] = "grader"
    model: IRNetSettings = field(
        default_factory=lambda: IRNetSettings((16, 32, 64, 128), (1, 1, 1, 1), 16, 128, 0.2)
    )
    data: GraderData = field(default_factory=GraderData)
    loop: LoopSettings = field(
        default_factory=lambda: LoopSettings(
            steps=600, batch=64, learning_rate=2e-3, warmup=50, schedule="cosine",
            weight_decay=0.05, clip=5.0, ema=0.99, precision="bf16", checkpoint_every=200,
        )
    )  # fmt: skip

    def source(self, build_cache: bool = True) -> Source:
        """What it trains on."""
        return self.data.build()

    def objective(self) -> Objective:
        """What trains."""
        m = self.model
        grader = Grader(m.widths, m.depths, m.narrow, m.dim, m.dropout, MOVEMENTS_NOW)
        return GraderObjective(grader)


class GraderObjective(Objective):
    """Cross-entropies of item score and grade, over the images where they are known."""

    def __init__(self, grader: Grader) -> None:
        super().__init__()
        self.grader = grader

    def forward(self, batch: dict[str, Tensor], rng: torch.Generator) -> Losses:
        """Losses of a batch with ``image``, ``movement``, ``item`` and ``grade``."""
        item, grade = self.grader(as_images(batch["image"]), batch["movement"])
        scored = torch.where(batch["movement"] == UNKNOWN, UNKNOWN, batch["item"])
        parts, per_image = {}, torch.zeros(len(item), device=item.device)
        for name, logits, target in (("item", item, scored), ("grade", grade, batch["grade"])):
            losses = functional.cross_entropy(
                logits.float(), target, ignore_index=UNKNOWN, reduction="none"
            )  # 0 where the target is not known
            parts[name] = losses.sum() / (target != UNKNOWN).sum().clamp(min=1)
            per_image = per_image + losses
        known = (scored != UNKNOWN) | (batch["grade"] != UNKNOWN)
        per_image = torch.where(known, per_image, torch.nan)
        return Losses(parts["item"] + parts["grade"], parts, per_image=per_image)

    def export(self, folder: Path) -> None:
        """The grader."""
        self.grader.save_pretrained(folder)
