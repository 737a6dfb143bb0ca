"""The recipe of a CFCPalsy model: its settings, its training pairs and its training loop."""

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
from palsynth.methods.cfcpalsy.model import CFCPalsyModel, build_conditioner, build_unet
from palsynth.methods.cfcpalsy.objective import CFCPalsyObjective
from palsynth.methods.cfcpalsy.settings import CFCPalsySettings
from palsynth.progress import progress_bar
from palsynth.settings import Settings
from palsynth.training.objective import Objective
from palsynth.training.recipe import LoopSettings


@dataclass(frozen=True)
class PairsSettings(Settings):
    """Where training pairs come from: a clinical dataset, or groups of synthetic subjects."""

    dataset: Path | None = None
    """Dataset folder; a pair is two images of one patient of its train split. Default: none, pairs
    come from groups of synthetic subjects."""
    subjects: int = 6000
    """Number of synthetic subjects, where there is no dataset."""
    first_subject: int = 200_000
    """Seed of the first subject."""
    photographs: Path | None = None
    """London-set folder, the people of whose train split are members of some groups."""
    mixed: float = 0.35
    """Share of groups half of whose members are photographed people, moved by the simulator."""
    smiling: float = 0.0
    """Share of groups of photographed people only, whose smiles and half-smiles are photographs
    too."""
    groups: int = 1500
    """Number of cached groups; each gives 36 pairs of two different members."""
    cache_dir: Path = Path("runs/cache-groups")
    """Folder of the cached groups."""
    render_workers: int = 2
    """Processes that render the groups."""
    crossed: bool = True
    """Whether expression images show another person, as at synthesis; False pairs two images of one
    person, as the paper does."""
    healthy: float = 0.12
    """Share of movements without a palsy."""
    mirror: float = 0.5
    """Share of pairs that are mirrored."""
    seed: int = 0
    """Seed of the groups, of their order and of the mirroring."""

    def __post_init__(self) -> None:
        if self.first_subject + self.subjects > FIRST:
            raise InputError(
                f"first_subject {self.first_subject} with subjects {self.subjects}: "
                f"seeds from {FIRST:,} on are for validation and evaluation"
            )
        for name in ("groups", "render_workers"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} {getattr(self, name)}: must be at least 1")

    def build(self, size: int, build_cache: bool = True) -> Source:
        """Builds the source of training pairs.

        Args:
            size: side of the images in pixels.
            build_cache: whether missing groups are rendered now and cached; if False, every group
                is rendered when it is used, without the cache. Has no effect on a dataset.

        Returns:
            The source.
        """
        if self.dataset is not None:
            return FolderPairs(self.dataset, size=size, seed=self.seed)
        groups = GroupsSource(
            self.first_subject,
            self.subjects,
            self.photographs,
            self.mixed,
            self.smiling,
            healthy=self.healthy,
            seed=self.seed,
        )
        cached = CachedGroups(groups, self.cache_dir, self.groups, uncached=not build_cache)
        if build_cache:
            with progress_bar("rendering groups") as progress:
                cached.build(self.render_workers, progress)
        return PairsSource(cached, self.crossed, size, self.mirror, self.seed)


@dataclass(frozen=True)
class CFCPalsyRecipe(Settings):
    """Trains a CFCPalsy model."""

    kind: Literal["cfcpalsy"] = "cfcpalsy"
    init_from: Path | None = None
    """Folder of the weights to initialise from. Default: training from scratch."""
    init_modules: Literal["all", "unet"] = "all"
    """What is initialised from them: all modules, for instance to fine-tune a model on one's own
    patients, or the U-Net alone, as the published training does from DCFace's."""
    model: CFCPalsySettings = field(default_factory=CFCPalsySettings)
    data: PairsSettings = field(default_factory=PairsSettings)
    loop: LoopSettings = field(default_factory=LoopSettings)

    def source(self, build_cache: bool = True) -> Source:
        """The training pairs."""
        # checked here too, since rendering the groups takes hours
        if build_cache and self.init_from is not None and not self.init_from.is_dir():
            raise InputError(f"{self.init_from}: no such folder to initialise from; train it first")
        return self.data.build(self.model.unet.size, build_cache)

    def objective(self) -> Objective:
        """The model with its cycle objective."""
        if self.data.dataset is not None and self.model.uses_draft:
            raise InputError("pairs of a dataset have no draft; remove it from the model settings")
        if self.init_from is not None:
            return CFCPalsyObjective(
                initialised_from(self.model, self.init_from, self.init_modules == "all")
            )
        unet = build_unet(self.model)
        return CFCPalsyObjective(
            CFCPalsyModel(self.model, unet, build_conditioner(self.model, unet))
        )
