"""Conditional GANs so small that they train in a test, and pairs to train them on."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from palsynth.data.examples import stack
from palsynth.data.groups import GroupsSource
from palsynth.data.training_pairs import make_pair
from palsynth.methods.gans.config.conditional import ConditionalLosses, ConditionalSettings
from palsynth.methods.gans.io.conditional import save_generator
from palsynth.methods.gans.networks.conditional import build_generator

SIZE = 32

TINY = {
    "pix2pix": ConditionalSettings("image", "unet", SIZE, 8, 3),
    "mc-gan": ConditionalSettings("landmarks", "synthesis", SIZE, 8, 3),
    "mc-gan-normalised": ConditionalSettings("normalised-landmarks", "synthesis", SIZE, 8, 3),
}
"""Method -> settings of a tiny model."""

LOSSES = ConditionalLosses(width=8, levels=2)


def save_tiny(name: str, folder: Path) -> None:
    """Writes random weights of a method."""
    torch.manual_seed(0)
    save_generator(build_generator(TINY[name]).eval(), TINY[name], folder)


@cache
def pairs() -> dict[str, Tensor]:
    """Three pairs of a group, batched as by the training loop."""
    group = GroupsSource(600, 20, size=SIZE, seed=5)[0]
    made = [make_pair(group, member, member, (member + 1) % 4, SIZE) for member in range(3)]
    return {name: torch.from_numpy(array) for name, array in stack(made).items()}
