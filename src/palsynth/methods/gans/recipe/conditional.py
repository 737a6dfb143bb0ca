"""The recipe of the conditional GANs: pix2pix, and MC-GAN with and without normalised shape."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from palsynth.data.examples import Source
from palsynth.data.pair_settings import PairsSettings, pairs_source
from palsynth.errors import InputError
from palsynth.methods.gans.config.conditional import ConditionalLosses, ConditionalSettings
from palsynth.methods.gans.io.conditional import load_generator
from palsynth.methods.gans.io.files import FAMILY
from palsynth.methods.gans.networks.conditional import build_generator
from palsynth.methods.gans.networks.discriminator import check_levels
from palsynth.methods.gans.objective.conditional import ConditionalObjective
from palsynth.methods.shipped import shipped
from palsynth.training.init import InitSettings, check_init, init_network
from palsynth.training.objective import Objective
from palsynth.training.recipe import LoopSettings

METHODS = {
    ("unet", "image"): "pix2pix",
    ("synthesis", "landmarks"): "mc-gan",
    ("synthesis", "normalised-landmarks"): "mc-gan-normalised",
}
"""Generator and condition -> the method that runs such a model."""


@dataclass(frozen=True)
class ConditionalGANRecipe(InitSettings):
    """Trains a conditional GAN on pairs."""

    kind: Literal["conditional-gan"] = "conditional-gan"
    """The kind of recipe."""
    model: ConditionalSettings = field(default_factory=ConditionalSettings)
    losses: ConditionalLosses = field(default_factory=ConditionalLosses)
    data: PairsSettings = field(default_factory=PairsSettings)
    loop: LoopSettings = field(
        default_factory=lambda: LoopSettings(learning_rate=2e-4, weight_decay=0.0, beta1=0.5)
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        kind = (self.model.generator, self.model.condition)
        if kind not in METHODS:
            known = ", ".join(map(" with ".join, METHODS))
            raise InputError(f"model: no method runs {' with '.join(kind)}; give {known}")
        if self.losses.mismatched and self.loop.batch < 2:
            raise InputError("mismatched: needs another condition; set loop.batch to 2 or more")
        check_levels(self.losses.levels, self.model.size, "losses.levels")
        if self.model.condition == "image" and (self.data.dataset or not self.data.crossed):
            raise InputError(
                "condition image: in pairs of one person, the expression image is the true image, "
                "and copying it would be learnt; use crossed pairs of synthetic subjects, or "
                "train an MC-GAN"
            )

    def source(self, build_cache: bool = True) -> Source:
        """The training pairs."""
        if build_cache:  # checked here too, since rendering the groups takes hours
            check_init(self)
            if self.init_from == "shipped":
                self._shipped()
        return pairs_source(self.data, self.model.size, build_cache)

    def objective(self) -> Objective:
        """The generator with its losses."""
        generator = init_network(self, lambda: build_generator(self.model), self._load)
        return ConditionalObjective(generator, self.model, self.losses)

    def _load(self, folder: Path | None) -> Any:
        return load_generator(folder or self._shipped())[0]

    def _shipped(self) -> Path:
        return shipped(FAMILY, METHODS[self.model.generator, self.model.condition])
