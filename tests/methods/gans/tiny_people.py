"""Models of certain people so small that they train in a test, and their pictures."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import torch

from palsynth.methods.gans.config.people import (
    DiscriminatorSettings,
    PeopleModelSettings,
    PeopleSettings,
    SwapNetworkSettings,
)
from palsynth.methods.gans.io.people import PeopleModel, save_model
from palsynth.methods.gans.networks.restoration import FaceRestoration
from palsynth.methods.gans.networks.swap import FaceSwap

SIZE = 16

NETWORK = SwapNetworkSettings(size=SIZE, widths=(8, 12), skips=1, blocks=1, bottleneck=8)
DISCRIMINATOR = DiscriminatorSettings(width=8, levels=1, rate=0.5)
RESTORATION = (4, 8)
"""Widths of a tiny restoration network."""

KNOWN = {"face-swap": ("anna", "ben", "cleo"), "cyclegan": ("anna",)}
"""Method -> whom a tiny model of it knows."""


def people(folder: Path) -> PeopleSettings:
    """Two public people and three patients, with two pictures each."""
    return PeopleSettings(
        people=2,
        patients=3,
        pictures_of_person=2,
        pictures_of_patient=2,
        cache_dir=folder / "people",
        render_workers=1,
    )


def swap_network(people: int) -> FaceSwap:
    """Encoder and decoders with random weights; each person has a direction of its own."""
    torch.manual_seed(0)
    network = FaceSwap(people, **asdict(NETWORK))
    network.vectors.copy_(torch.eye(people, network.vectors.shape[1]))
    return network.requires_grad_(False).eval()


def restoration_network() -> FaceRestoration:
    """A restoration network that changes images."""
    torch.manual_seed(1)
    network = FaceRestoration(RESTORATION, 1)
    torch.nn.init.normal_(network.last.weight, std=0.1)
    return network.requires_grad_(False).eval()


def save_tiny(name: str, folder: Path) -> PeopleModel:
    """Writes random weights of a method; CycleGAN's with a restoration network."""
    restoration = restoration_network() if name == "cyclegan" else None
    settings = PeopleModelSettings(SIZE, KNOWN[name], restoration is not None)
    model = PeopleModel(swap_network(len(KNOWN[name])), restoration, settings)
    save_model(model, name, folder)
    return model
