"""Settings that make no model are refused in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from palsynth.errors import InputError
from palsynth.methods.diffusion.config import (
    DiffusionModelSettings,
    DiffusionSampling,
    DiffusionUNetSettings,
)


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"base": 0}, "base 0: must be at least 1"),
        ({"base": 30}, "base 30: must be a multiple of 4"),
        ({"base": 132}, "base 132: above 128, must be a multiple of 32"),
        ({"unshuffle": 0}, "unshuffle 0: must be at least 1"),
        ({"multipliers": ()}, "multipliers: give at least one, each at least 1"),
        ({"multipliers": (1, 0), "attention": ()}, "multipliers: give at least one, each"),
        ({"attention": (5,)}, r"attention \(5,\): levels are 0 … 4"),
        ({"attention": (-1,)}, r"attention \(-1,\): levels are 0 … 4"),
        ({"dropout": 1.0}, "dropout 1: must lie in 0 … 1, 1 excluded"),
        ({"head_channels": 96}, r"head_channels 96: must divide the channels .* \(256, 512\)"),
        ({"head_channels": 0}, "head_channels 0: must divide"),
    ],
)
def test_u_nets_that_cannot_be_built(fields: dict[str, Any], fault: str) -> None:
    with pytest.raises(InputError, match=f"^{fault}[^\n]*$"):
        DiffusionUNetSettings(**fields)


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"steps": 0}, "0 sampling steps: must lie between 1 and 1000"),
        ({"steps": 1001}, "1001 sampling steps: must lie between 1 and 1000"),
        (
            {"steps": 600},
            "600 sampling steps of ddpm: would not begin with the noisiest timesteps; give a "
            "divisor of 1000 such as 50, or the sampler dpm[+]{2}",
        ),
        ({"guidance": 0.5}, "guidance 0.5: must be at least 1"),
    ],
)
def test_samplings_that_cannot_be(fields: dict[str, Any], fault: str) -> None:
    with pytest.raises(InputError, match=f"^{fault}$"):
        DiffusionSampling(**fields)


GUIDED = DiffusionSampling(guidance=2.0)


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"size": 0}, "size 0: must be at least 1"),
        ({"size": 4096}, "size 4096: is too large to train"),
        ({"size": 120}, "side 120 of what is diffused: must be a multiple of 16 for 5 levels"),
        ({"condition_dropout": 1.5}, "condition_dropout 1.5: must lie in 0 … 1"),
        ({"condition_dropout": 0.0, "sampling": GUIDED}, "guidance 2: needs conditions of which"),
        ({"condition_dropout": 1.0, "sampling": GUIDED}, "guidance 2: needs conditions of which"),
        ({"movements": ("sneeze",)}, "movements: no 'sneeze'; choose of rest, wrinkle-forehead,"),
        ({"movements": ()}, "movements: give at least one, and none twice"),
        ({"movements": ("grin", "grin")}, "movements: give at least one, and none twice"),
        ({"autoencoder": Path("vae")}, "autoencoder: a model of pixels has none"),
        (
            {"space": "latents", "unet": DiffusionUNetSettings(unshuffle=2)},
            "unshuffle: latents are small already",
        ),
    ],
)
def test_models_that_cannot_be_built(fields: dict[str, Any], fault: str) -> None:
    with pytest.raises(InputError, match=f"^{fault}[^\n]*$"):
        DiffusionModelSettings(**fields)
