"""A grader: predicts the Yanagihara item score and the House-Brackmann grade from a picture.

Grading is the use case for synthetic data: ``palsynth utility`` trains a grader on several sets.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn
from torch.nn import functional

from palsynth.data.augment import Augmentation, AugmentedSource
from palsynth.data.examples import GRADES, ITEMS, MOVEMENTS, UNKNOWN, RowExamples, Source
from palsynth.data.folder_source import FolderSource, MixedSource
from palsynth.encoders.base import as_images
from palsynth.encoders.identity import IRNetSettings
from palsynth.encoders.irnet import IRNet
from palsynth.encoders.reading import (
    MOVEMENTS_NOW,
    MOVEMENTS_OF_0_1,
    class_indices,
    known_movements,
)
from palsynth.encoders.shipped import load_exact
from palsynth.errors import InputError
from palsynth.settings import Settings
from palsynth.training.init import InitSettings, init_network
from palsynth.training.objective import Losses, Objective
from palsynth.training.recipe import LoopSettings


class Grader(ModelMixin, ConfigMixin):  # type: ignore[misc]
    """Images and their movements to logits of the item score (N, 3) and of the grade (N, 6).

    The movement is an input, because a grader knows which one was requested of the patient.

    Args:
        widths: see :class:`IRNet`.
        depths: see :class:`IRNet`.
        narrow: see :class:`IRNet`.
        dim: see :class:`IRNet`.
        dropout: see :class:`IRNet`.
        movements: names of the movements that the network is trained on, in class order.
    """

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
        scores = items[torch.arange(len(items)), class_indices(self.movements, requested)]
        return scores, self.grade(feature)


def read_grader(folder: Path | None) -> Grader:
    """Loads a trained grader.

    Args:
        folder: its weights; None is refused, since no grader ships.

    Returns:
        The grader, in evaluation mode.

    Raises:
        InputError: the folder does not hold exactly the weights of a grader.
    """
    if folder is None:
        raise InputError("init_from shipped: no grader ships; give the folder of a trained one")
    return load_exact(Grader, folder)


@dataclass(frozen=True)
class GraderData(Settings):
    """Dataset folders whose train splits are used in equal shares."""

    folders: tuple[Path, ...] = ()
    """Dataset folders with item scores or grades."""
    augmentation: Augmentation = field(default_factory=Augmentation)
    seed: int = 0
    """Seed of the examples, their order and their augmentation."""

    def build(self) -> Source:
        """The training examples.

        Raises:
            InputError: no folder is given, or one has no image with an item score or a grade.
        """
        if not self.folders:
            raise InputError("name at least one dataset folder to train the grader on")
        parts = [FolderSource(folder, seed=self.seed) for folder in self.folders]
        for part in parts:
            part.check()
        for part in parts:
            if all(r.yanagihara_item is None and r.hb_grade is None for r in part.rows):
                raise InputError(f"{part.folder}: no image has an item score or a grade")
        mixture = MixedSource(parts, [1.0] * len(parts), self.seed)
        return AugmentedSource(mixture, self.augmentation, self.seed)


@dataclass(frozen=True)
class GraderRecipe(InitSettings):
    """Trains a grader."""

    kind: Literal["grader"] = "grader"
    """The kind of recipe."""
    model: IRNetSettings = field(
        default_factory=lambda: IRNetSettings((16, 32, 64, 128), (1, 1, 1, 1), 16, 128, 0.2)
    )
    data: GraderData = field(default_factory=GraderData)
    loop: LoopSettings = field(
        default_factory=lambda: LoopSettings(
            steps=600,
            batch=64,
            learning_rate=2e-3,
            warmup=50,
            schedule="cosine",
            weight_decay=0.05,
            clip=5.0,
            ema=0.99,
            precision="bf16",
            checkpoint_every=200,
        )
    )

    def source(self, build_cache: bool = True) -> Source:
        """The training examples."""
        return self.data.build()

    def examples_of(
        self, folder: Path, splits: tuple[str | None, ...], trained: bool
    ) -> RowExamples:
        """The pictures of a dataset, for an audit.

        Args:
            folder: the dataset.
            splits: splits to use; None stands for rows without a split.
            trained: not used; training uses all pictures.

        Returns:
            The examples.
        """
        return FolderSource(folder, splits, seed=self.data.seed)

    def objective(self) -> Objective:
        """The objective."""
        m = self.model
        build = partial(Grader, m.widths, m.depths, m.narrow, m.dim, m.dropout, MOVEMENTS_NOW)
        return GraderObjective(init_network(self, build, read_grader))


class GraderObjective(Objective):
    """Cross-entropies of item score and grade, over the images where they are known.

    Args:
        grader: the network.
    """

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
            )  # 0 where the target is unknown
            parts[name] = losses.sum() / (target != UNKNOWN).sum().clamp(min=1)
            per_image = per_image + losses
        known = (scored != UNKNOWN) | (batch["grade"] != UNKNOWN)
        per_image = torch.where(known, per_image, torch.nan)
        return Losses(parts["item"] + parts["grade"], parts, per_image=per_image)

    def export(self, folder: Path) -> None:
        """Writes the grader."""
        self.grader.save_pretrained(folder)
