"""The recipe of the face restoration network."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from palsynth.data.examples import Source
from palsynth.data.pair_settings import PairsSettings, pairs_source
from palsynth.errors import InputError
from palsynth.methods.gans.config.restoration import RestorationSettings
from palsynth.methods.gans.io.people import load_restoration
from palsynth.methods.gans.networks.restoration import FaceRestoration
from palsynth.methods.gans.objective.restoration import RestorationObjective
from palsynth.training.init import InitSettings, check_init, init_network
from palsynth.training.objective import Objective
from palsynth.training.recipe import LoopSettings


@dataclass(frozen=True)
class RestorationRecipe(InitSettings):
    """Trains a face restoration network on degraded faces: the targets of training pairs."""

    kind: Literal["face-restoration"] = "face-restoration"
    """The kind of recipe."""
    network: RestorationSettings = field(default_factory=RestorationSettings)
    edge_loss_weight: float = 1.0
    """Weight of the differences of neighbouring pixels."""
    data: PairsSettings = field(default_factory=PairsSettings)
    loop: LoopSettings = field(default_factory=LoopSettings)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.edge_loss_weight < 0:
            raise InputError(f"edge_loss_weight {self.edge_loss_weight:g}: must not be negative")

    def source(self, build_cache: bool = True) -> Source:
        """The training pairs."""
        if build_cache:  # checked here too, since rendering the groups takes hours
            check_init(self)
        return pairs_source(self.data, self.network.size, build_cache)

    def objective(self) -> Objective:
        """The network with its losses."""
        n = self.network
        network = init_network(
            self,
            lambda: FaceRestoration(n.widths, n.blocks),
            lambda path: load_restoration(path)[0],
        )
        return RestorationObjective(network, n.size, self.edge_loss_weight)
