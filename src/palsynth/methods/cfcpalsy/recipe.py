"""The recipe of a CFCPalsy model: its settings, its training pairs and its training loop."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from palsynth.data.examples import Source
from palsynth.errors import InputError
from palsynth.methods.cfcpalsy.config import CFCPalsySettings, PairsSettings
from palsynth.methods.cfcpalsy.data import pairs_source
from palsynth.methods.cfcpalsy.io.files import initialised_from
from palsynth.methods.cfcpalsy.networks.model import CFCPalsyModel, build_conditioner, build_unet
from palsynth.methods.cfcpalsy.objective import CFCPalsyObjective
from palsynth.settings import Settings
from palsynth.training.objective import Objective
from palsynth.training.recipe import LoopSettings


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
        return pairs_source(self.data, self.model.unet.size, build_cache)

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
