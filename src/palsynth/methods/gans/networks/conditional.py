"""The generators of conditional GANs, by their settings."""

from __future__ import annotations

from palsynth.methods.gans.config.conditional import ConditionalSettings, GeneratorKind
from palsynth.methods.gans.networks.condition import channels_of
from palsynth.methods.gans.networks.generator import UNetGenerator
from palsynth.methods.gans.networks.synthesis import SynthesisGenerator

Generator = UNetGenerator | SynthesisGenerator

GENERATORS: dict[GeneratorKind, type[Generator]] = {
    "unet": UNetGenerator,
    "synthesis": SynthesisGenerator,
}
"""Kind of generator -> its class."""


def build_generator(settings: ConditionalSettings) -> Generator:
    """Builds the generator of a model.

    Args:
        settings: settings of the model.

    Returns:
        The generator, newly initialised.
    """
    channels = channels_of(settings.condition)
    if settings.generator == "unet":
        return UNetGenerator(channels, settings.width, settings.levels, settings.dropout)
    return SynthesisGenerator(channels, settings.width, settings.levels)
