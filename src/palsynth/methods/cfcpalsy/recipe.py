"""The recipe of a CFCPalsy model: its settings, its pairs, the loop."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from palsynth.data.examples import Source
from palsynth.data.folder_pairs import FolderPairs
from palsynth.data.groups import CachedGroups, GroupsSource
from palsynth.data.training_pairs import PairsSource
from palsynth.encoders.validation import FIRST
from palsynth.errors import InputError
from palsynth.methods.cfcpalsy.files import initialised_from
from palsynth.methods.cfcpalsy.model import CFCPalsyModel, conditioner_of, unet_of
from palsynth.methods.cfcpalsy.objective import CFCPalsyObjective
from palsynth.methods.cfcpalsy.settings import CFCPalsySettings
from palsynth.settings import Settings
from palsynth.training.objective import Objective
from palsynth.training.recipe import LoopSettings


@dataclass(frozen=True)
class PairsSettings(Settings):
    """Where training pairs come from: a clinical dataset, or groups of people who do not exist."""

    dataset: Path | None = None
    """A dataset folder; pairs are two images of one subject of its train split."""
    subjects: int = 6000
    """How many people are drawn, where there is no dataset."""
    first_subject: int = 200_000
    """Seed of the first."""
    photographs: Path | None = None
    """A London-set folder; its train people are members of some groups."""
    mixed: float = 0.35
    """Share of groups of which half are photographed people, moved by the simulator."""
    smiling: float = 0.0
    """Share of groups of photographed people alone, whose smiles and half-smiles are photographs
    too."""
    groups: int = 1500
    """Groups that are kept; each gives 36 pairs across people."""
    cache_dir: Path = Path("runs/cache-groups")
    """Folder where groups are kept."""
    render_workers: int = 2
    """Processes that draw them."""
    crossed: bool = True
    """Expression images show other people, as at synthesis; False pairs as the paper does."""
    healthy: float = 0.12
    """Share of scripts without a palsy."""
    mirror: float = 0.5
    """Share of pairs that are mirrored."""
    seed: int = 0

    def __post_init__(self) -> None:
        if self.first_subject + self.subjects > FIRST:
            raise InputError(
                f"first_subject {self.first_subject} with subjects {self.subjects}: seeds from {FIRST:,} "
                "on are for validation and evaluation"
            )
        for name in ("groups", "render_workers"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} {getattr(self, name)}: must be at least 1")

    def build(self, size: int, build_cache: bool = True) -> Source:
        """The source of pairs; draws the groups first, unless ``build_cache`` is False."""
        if self.dataset is not None:
            return FolderPairs(self.dataset, size=size, seed=self.seed)
        groups = GroupsSource(
            self.first_subject, self.subjects, self.photographs, self.mixed, self.smiling,
            healthy=self.healthy,
            seed=self.seed,
        )  # fmt: skip
        cached = CachedGroups(groups, self.cache_dir, self.groups, uncached=not build_cache)
        if build_cache:
            from palsynth.progress import progress_bar

            with progress_bar("drawing groups") as progress:
                cached.build(self.render_workers, progress)
        return PairsSource(cached, self.crossed, size, self.mirror, self.seed)


@dataclass(frozen=True)
class CFCPalsyRecipe(Settings):
    """Trains a CFCPalsy model."""

    kind: Literal["cfcpalsy"] = "cfcpalsy"
    init_from: Path | None = None
    """Weights of a training to begin with instead of random ones."""
    init_modules: Literal["all", "unet"] = "all"
    """What is taken from them: all, as when a model is tuned to patients of one's own, or the
    U-Net alone, as the published training begins with that of DCFace."""
    model: CFCPalsySettings = field(default_factory=CFCPalsySettings)
    data: PairsSettings = field(default_factory=PairsSettings)
    loop: LoopSettings = field(default_factory=LoopSettings)

    def source(self, build_cache: bool = True) -> Source:
        """What it trains on."""
        if (
            build_cache and self.init_from is not None and not self.init_from.is_dir()
        ):  # before hours of drawing
            raise InputError(f"{self.init_from}: no such folder to begin with; train it first")
        return self.data.build(self.model.unet.size, build_cache)

    def objective(self) -> Objective:
        """What trains."""
        if self.data.dataset is not None and self.model.uses_draft:
            raise InputError("pairs of a dataset have no draft; leave it out of the model")
        if self.init_from is not None:
            return CFCPalsyObjective(
                initialised_from(self.model, self.init_from, self.init_modules == "all")
            )
        unet = unet_of(self.model)
        return CFCPalsyObjective(CFCPalsyModel(self.model, unet, conditioner_of(self.model, unet)))
