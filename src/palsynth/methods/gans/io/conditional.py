"""Conditional GANs on disk."""

from __future__ import annotations

from pathlib import Path

import torch

from palsynth.methods.gans.config.conditional import ConditionalSettings
from palsynth.methods.gans.io.files import load_networks
from palsynth.methods.gans.networks.conditional import GENERATORS, Generator, build_generator
from palsynth.training.init import check_fits
from palsynth.training.saved import load_settings, save_networks

KIND = "conditional-gan"
"""Kind of the recipe and of the weights."""


def save_generator(generator: Generator, settings: ConditionalSettings, folder: Path) -> None:
    """Writes a generator with its settings.

    Args:
        generator: the generator.
        settings: settings of the model.
        folder: folder to write to; created if missing.

    Raises:
        InputError: the folder cannot be written, or a tensor is not finite.
    """
    save_networks({"generator": generator}, settings, KIND, folder)


def load_generator(folder: Path) -> tuple[Generator, ConditionalSettings]:
    """Loads what :func:`save_generator` wrote.

    Args:
        folder: the folder.

    Returns:
        The generator, frozen and in evaluation mode, on the CPU; and the settings of the model.

    Raises:
        InputError: the folder does not exist, holds weights of another kind or damaged ones, or the
            generator is not that of the settings.
    """
    kind = load_settings(ConditionalSettings, KIND, folder).generator
    networks, settings = load_networks(
        {"generator": GENERATORS[kind]}, ConditionalSettings, KIND, folder
    )
    generator: Generator = networks["generator"]
    with torch.device("meta"):  # its configuration alone matters
        expected = build_generator(settings)
    check_fits(generator, expected.config, folder, "its settings.yaml")
    return generator, settings
