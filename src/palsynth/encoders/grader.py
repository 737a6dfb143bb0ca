"""Training of graders, which predict item score, House-Brackmann grade and weak side of a picture.

Grading is the use case for synthetic data: ``palsynth utility`` trains graders on several sets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from palsynth.data.augment import Augmentation, AugmentedSource
from palsynth.data.examples import UNKNOWN, RowExamples, Source
from palsynth.data.folder_source import FolderSource, MixedSource
from palsynth.data.manifest import FILE_NAME
from palsynth.encoders.grader_features import FeatureRows, FeatureViews, encoders_sha256
from palsynth.encoders.grading import FeatureGrader as FeatureGrader
from palsynth.encoders.grading import Grader as Grader
from palsynth.encoders.grading import predict
from palsynth.encoders.grading import read_grader as read_grader
from palsynth.encoders.identity import IRNetSettings
from palsynth.encoders.reading import MOVEMENTS_NOW
from palsynth.errors import InputError
from palsynth.progress import late_progress_bar
from palsynth.records import file_sha256
from palsynth.settings import Settings
from palsynth.training.init import InitSettings, init_network
from palsynth.training.objective import Losses, Objective
from palsynth.training.recipe import LoopSettings


@dataclass(frozen=True)
class GraderSettings(IRNetSettings):
    """The network: a head on features of encoders that ship, or one from scratch (IRNet)."""

    features: Literal["expression", "scratch"] = "expression"
    """expression: a small head on the expression feature and the landmarks of the shipped encoders;
    scratch: a network on the pixels, of the size below."""
    hidden: int = 256
    """Units of the head's hidden layer."""
    widths: tuple[int, ...] = (16, 32, 64, 128)
    """From scratch: channels of the four stages."""
    depths: tuple[int, ...] = (1, 1, 1, 1)
    """From scratch: residual blocks of the four stages."""
    narrow: int = 16
    """From scratch: channels of the 7 x 7 map before the linear layer."""
    dim: int = 128
    """From scratch: dimension of the feature vector."""
    predict_side: bool = True
    """From scratch: predict the weak side too, which graders of palsynth 0.1 do not."""
    dropout: float = 0.2
    """Dropout before the outputs."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.hidden < 1:
            raise InputError(f"hidden {self.hidden}: must be at least 1")

    def build_grader(self) -> Grader | FeatureGrader:
        """The network, freshly initialised."""
        if self.features == "scratch":
            sizes = (self.widths, self.depths, self.narrow, self.dim)
            return Grader(*sizes, self.dropout, MOVEMENTS_NOW, self.predict_side)
        return FeatureGrader(self.hidden, self.dropout, MOVEMENTS_NOW, encoders_sha256())


@dataclass(frozen=True)
class GraderData(Settings):
    """Dataset folders whose train splits are used in equal shares."""

    folders: tuple[Path, ...] = ()
    """Dataset folders with item scores or grades."""
    augmentation: Augmentation = field(default_factory=Augmentation)
    views: int = 2
    """Views of each picture whose features are extracted; all but the first are augmented."""
    cache_dir: Path | None = None
    """Folder where features are cached, those of patients too; default: none, they are extracted
    in every run."""
    seed: int = 0
    """Seed of the examples, their order and, from scratch, their augmentation."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.views < 1:
            raise InputError(f"views {self.views}: must be at least 1")

    def build(self) -> Source:
        """The training examples of a grader from scratch.

        Raises:
            InputError: no folder is given, or one has no image with an item score or a grade.
        """
        mixture = self._mixture(self._folders(self.seed))
        return AugmentedSource(mixture, self.augmentation, self.seed)

    def build_features(self, build_cache: bool = True) -> Source:
        """The training examples of a grader on features.

        Args:
            build_cache: extract and cache the features first, if ``cache_dir`` is set; otherwise
                each is extracted when it is first used, and the cache is neither read nor written.

        Returns:
            The examples, of all folders in equal shares.

        Raises:
            InputError: no folder is given, or one has no image with an item score or a grade.
        """
        return self._mixture([self._views(s, build_cache) for s in self._folders(seed=0)])

    def _views(self, source: FolderSource, build_cache: bool) -> FeatureViews:
        """The features of a folder; the mirror image is a part of every feature."""
        unmirrored = replace(self.augmentation, mirror=0.0)
        if self.cache_dir is None or not build_cache:
            return FeatureViews(source, Path(), self.views, unmirrored, self.seed, uncached=True)
        folder = self.cache_dir / file_sha256(source.folder / FILE_NAME)[:16]
        cached = FeatureViews(source, folder, self.views, unmirrored, self.seed)
        with late_progress_bar(f"features of {source.folder.name}") as progress:
            cached.build(progress=progress)
        return cached

    def _folders(self, seed: int) -> list[FolderSource]:
        if not self.folders:
            raise InputError("name at least one dataset folder to train the grader on")
        parts = [FolderSource(folder, seed=seed) for folder in self.folders]
        for part in parts:
            part.check()
        for part in parts:
            if all(r.yanagihara_item is None and r.hb_grade is None for r in part.rows):
                raise InputError(f"{part.folder}: no image has an item score or a grade")
        return parts

    def _mixture(self, parts: Sequence[Source]) -> Source:
        return MixedSource(parts, [1.0] * len(parts), self.seed)


@dataclass(frozen=True)
class GraderRecipe(InitSettings):
    """Trains a grader."""

    kind: Literal["grader"] = "grader"
    """The kind of recipe."""
    model: GraderSettings = field(default_factory=GraderSettings)
    data: GraderData = field(default_factory=GraderData)
    loop: LoopSettings = field(
        default_factory=lambda: LoopSettings(
            steps=600,
            batch=64,
            learning_rate=1e-3,
            warmup=50,
            schedule="cosine",
            weight_decay=0.05,
            clip=5.0,
            ema=0.99,
            checkpoint_every=200,
        )
    )

    def source(self, build_cache: bool = True) -> Source:
        """The training examples."""
        if self.model.features == "scratch":
            return self.data.build()
        return self.data.build_features(build_cache)

    def examples_of(
        self, folder: Path, splits: tuple[str | None, ...], trained: bool
    ) -> RowExamples:
        """The pictures of a dataset, for an audit or a test.

        Args:
            folder: the dataset.
            splits: splits to use; None stands for rows without a split.
            trained: not used; training uses all pictures.

        Returns:
            The examples.
        """
        source = FolderSource(folder, splits, seed=self.data.seed)
        return source if self.model.features == "scratch" else FeatureRows(source)

    def objective(self) -> Objective:
        """The objective."""
        return GraderObjective(init_network(self, self.model.build_grader, read_grader))


class GraderObjective(Objective):
    """Cross-entropies of item score, grade and side, over the images where they are known.

    Args:
        grader: the network.
    """

    def __init__(self, grader: Grader | FeatureGrader) -> None:
        super().__init__()
        self.grader = grader

    def forward(self, batch: dict[str, Tensor], rng: torch.Generator) -> Losses:
        """Losses of a batch with ``image`` or ``features``, ``movement``, ``item``, ``grade`` and
        ``side``."""
        found = predict(self.grader, batch)
        scored = torch.where(batch["movement"] == UNKNOWN, UNKNOWN, batch["item"])
        rows = [("item", found.item, scored), ("grade", found.grade, batch["grade"])]
        if found.side is not None:
            rows.append(("side", found.side, batch["side"]))
        parts, per_image = {}, torch.zeros(len(scored), device=scored.device)
        known = torch.zeros(len(scored), dtype=torch.bool, device=scored.device)
        for name, logits, target in rows:
            losses = functional.cross_entropy(
                logits.float(), target, ignore_index=UNKNOWN, reduction="none"
            )  # 0 where the target is unknown
            parts[name] = losses.sum() / (target != UNKNOWN).sum().clamp(min=1)
            per_image = per_image + losses
            known = known | (target != UNKNOWN)
        per_image = torch.where(known, per_image, torch.nan)
        return Losses(torch.stack(list(parts.values())).sum(), parts, per_image=per_image)

    def export(self, folder: Path) -> None:
        """Writes the grader."""
        self.grader.save_pretrained(folder)
