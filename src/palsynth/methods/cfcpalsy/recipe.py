"""The recipe of a CFCPalsy model: its settings, its training pairs and its training loop."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from palsynth.data.examples import Source
from palsynth.data.pair_settings import PairsSettings, pairs_source
from palsynth.errors import InputError
from palsynth.methods.cfcpalsy.config import CFCPalsySettings
from palsynth.methods.cfcpalsy.io.files import load_networks
from palsynth.methods.cfcpalsy.networks.conditioner import ENCODER_FIELDS
from palsynth.methods.cfcpalsy.networks.model import CFCPalsyModel, build_networks
from palsynth.methods.cfcpalsy.objective import CFCPalsyObjective
from palsynth.training.init import InitSettings, check_init, init_networks
from palsynth.training.objective import Objective
from palsynth.training.recipe import LoopSettings


@dataclass(frozen=True)
class CFCPalsyRecipe(InitSettings):
    """Trains a CFCPalsy model."""

    kind: Literal["cfcpalsy"] = "cfcpalsy"
    init_modules: Literal["all", "unet"] = "all"
    """What is initialised: all modules, for instance to fine-tune a model on one's own patients, or
    the U-Net alone, as the published training does from DCFace's."""
    model: CFCPalsySettings = field(default_factory=CFCPalsySettings)
    data: PairsSettings = field(default_factory=PairsSettings)
    loop: LoopSettings = field(default_factory=LoopSettings)

    def source(self, build_cache: bool = True) -> Source:
        """The training pairs."""
        if build_cache:  # checked here too, since rendering the groups takes hours
            check_init(self)
        return pairs_source(self.data, self.model.unet.size, build_cache)

    def objective(self) -> Objective:
        """The model with its cycle objective."""
        if self.data.dataset is not None and self.model.uses_draft:
            raise InputError("pairs of a dataset have no draft; remove it from the model settings")
        networks = init_networks(
            self,
            lambda: build_networks(self.model),
            load_networks,
            None if self.init_modules == "all" else (self.init_modules,),
            ignore=ENCODER_FIELDS,
        )
        return CFCPalsyObjective(CFCPalsyModel(self.model, **networks))
