"""The recipe of a face-swap autoencoder."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Literal

from palsynth.data.examples import Source
from palsynth.errors import InputError
from palsynth.methods.gans.config.adversarial import AdversarialLoss
from palsynth.methods.gans.config.people import (
    DiscriminatorSettings,
    PeopleSettings,
    RestorationFrom,
    SwapNetworkSettings,
)
from palsynth.methods.gans.io.people import load_model, restoration_for
from palsynth.methods.gans.networks.discriminator import PatchDiscriminator, check_levels
from palsynth.methods.gans.networks.swap import FaceSwap, SwapDecoder
from palsynth.methods.gans.objective.swap import KIND, FaceSwapObjective
from palsynth.methods.gans.people.albums import albums
from palsynth.methods.gans.people.sources import PeopleSource
from palsynth.methods.gans.people.synthetic import public_seeds
from palsynth.methods.gans.recipe.people import describe
from palsynth.training.init import InitSettings, check_init, init_network
from palsynth.training.objective import Objective
from palsynth.training.recipe import LoopSettings


@dataclass(frozen=True)
class FaceSwapRecipe(InitSettings):
    """Trains a face-swap autoencoder. ``init_from`` initialises encoder and public people's
    decoders; the patients' decoder and the discriminator are new."""

    kind: Literal["face-swap"] = "face-swap"
    """The kind of recipe."""
    network: SwapNetworkSettings = field(default_factory=SwapNetworkSettings)
    discriminator: DiscriminatorSettings = field(default_factory=DiscriminatorSettings)
    distance_weight: float = 100.0
    """Weight of the L1 distance to the picture."""
    warp: float = 0.03
    """Standard deviation of the inputs' random warp, as a share of the side."""
    tint: float = 0.3
    """Standard deviation of the logarithm of the inputs' random brightness."""
    adversarial: AdversarialLoss = "logistic"
    """The adversarial loss."""
    restoration: RestorationFrom = "none"
    """The face restoration network that follows: shipped, none, or the folder of one."""
    data: PeopleSettings = field(default_factory=PeopleSettings)
    loop: LoopSettings = field(default_factory=LoopSettings)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_levels(self.discriminator.levels, self.network.size, "discriminator.levels")
        for name in ("distance_weight", "warp", "tint"):
            if getattr(self, name) < 0:
                raise InputError(f"{name} {getattr(self, name):g}: must not be negative")

    def source(self, build_cache: bool = True) -> Source:
        """The training pictures."""
        if build_cache:  # checked here too, since rendering takes a while
            check_init(self)
            restoration_for(self.network.size, self.restoration)
        people, patients = albums(self.data, self.network.size, build_cache)
        return PeopleSource(people, patients, self.network.size, self.data.mirror, self.data.seed)

    def objective(self) -> Objective:
        """The networks with their losses."""
        n, d = self.network, self.discriminator
        people, _ = albums(self.data, n.size, build_cache=False)
        network = init_network(
            self,
            lambda: FaceSwap(len(people.names), **asdict(n)),
            lambda path: load_model(KIND, path).network,
        )
        network.vectors.copy_(describe(people))
        return FaceSwapObjective(
            network,
            SwapDecoder(n.widths, n.skips),
            PatchDiscriminator(6, d.width, d.levels),
            people.names,
            public_seeds(self.data),
            self.distance_weight,
            self.warp,
            self.tint,
            self.adversarial,
            restoration_for(n.size, self.restoration),
            d.rate,
        )
