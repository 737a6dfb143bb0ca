"""The recipe of a CycleGAN between patients and one public person."""

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
from palsynth.methods.gans.networks.swap import FaceSwap
from palsynth.methods.gans.objective.cycle import KIND, CycleObjective
from palsynth.methods.gans.people.albums import albums
from palsynth.methods.gans.people.sources import UnpairedSource
from palsynth.methods.gans.people.synthetic import public_seeds
from palsynth.methods.gans.recipe.people import describe
from palsynth.training.init import InitSettings, check_init, init_network
from palsynth.training.objective import Objective
from palsynth.training.recipe import LoopSettings


@dataclass(frozen=True)
class CycleRecipe(InitSettings):
    """Trains a CycleGAN. ``init_from`` initialises the generator of the public person; the other
    networks are new."""

    kind: Literal["cyclegan"] = "cyclegan"
    """The kind of recipe."""
    network: SwapNetworkSettings = field(default_factory=SwapNetworkSettings)
    """Size of either generator."""
    discriminator: DiscriminatorSettings = field(default_factory=DiscriminatorSettings)
    """Size of either discriminator."""
    person: int = 0
    """Number of the public person, from 0, in the order of data.public or of the seeds."""
    cycle_weight: float = 10.0
    """Weight of the cycle loss."""
    identity_weight: float = 0.5
    """Weight of the identity loss, relative to cycle_weight."""
    pool: int = 50
    """Generated images that each discriminator looks back at."""
    adversarial: AdversarialLoss = "least-squares"
    """The adversarial loss."""
    restoration: RestorationFrom = "shipped"
    """The face restoration network that follows: shipped, none, or the folder of one."""
    data: PeopleSettings = field(default_factory=PeopleSettings)
    loop: LoopSettings = field(default_factory=LoopSettings)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_levels(self.discriminator.levels, self.network.size, "discriminator.levels")
        for name in ("person", "cycle_weight", "identity_weight", "pool"):
            if getattr(self, name) < 0:
                raise InputError(f"{name} {getattr(self, name):g}: must not be negative")
        people = len(self.data.public) if self.data.dataset else self.data.people
        if self.person >= people:
            raise InputError(f"person {self.person}: there are {people}; the last is {people - 1}")

    def source(self, build_cache: bool = True) -> Source:
        """The training pictures, unpaired."""
        if build_cache:  # checked here too, since rendering takes a while
            check_init(self)
            restoration_for(self.network.size, self.restoration)
        d = self.data
        people, patients = albums(d, self.network.size, build_cache)
        return UnpairedSource(people, patients, self.person, self.network.size, d.mirror, d.seed)

    def objective(self) -> Objective:
        """The networks with their losses."""
        n, d = self.network, self.discriminator
        people, _ = albums(self.data, n.size, build_cache=False)
        seeds = public_seeds(self.data)
        to_person = init_network(self, self._generator, lambda path: load_model(KIND, path).network)
        to_person.vectors.copy_(describe(people)[self.person : self.person + 1])
        return CycleObjective(
            to_person,
            self._generator(),
            PatchDiscriminator(3, d.width, d.levels),
            PatchDiscriminator(3, d.width, d.levels),
            people.names[self.person],
            None if seeds is None else seeds[self.person],
            self.cycle_weight,
            self.identity_weight,
            self.pool,
            self.adversarial,
            restoration_for(n.size, self.restoration),
            d.rate,
        )

    def _generator(self) -> FaceSwap:
        return FaceSwap(1, **asdict(self.network))
