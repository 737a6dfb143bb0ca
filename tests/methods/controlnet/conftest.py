"""A tiny Stable Diffusion of the real classes, with random weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from diffusers.models.controlnets.controlnet import ControlNetModel

from palsynth.methods.controlnet.io.layout import save_base
from palsynth.methods.controlnet.networks.base import Base, noise_scheduler
from palsynth.methods.controlnet.prompts import DESCRIPTIONS
from palsynth.methods.controlnet.small.networks import (
    AutoencoderSettings,
    SmallUNetSettings,
    small_tokenizer,
)


def tiny_base() -> Base:
    torch.manual_seed(0)
    tokenizer = small_tokenizer()
    settings = SmallUNetSettings(channels=(16, 32), text=16, text_layers=1)
    networks = (
        AutoencoderSettings(32, (16, 32)).build(),
        settings.text_encoder(tokenizer),
        settings.unet(16, 4),
    )
    for tensor in networks[2].parameters():  # a new U-Net predicts 0, whatever the prompt
        if tensor.ndim > 1 and not tensor.any():
            torch.nn.init.normal_(tensor, std=0.05)
    vae, text, unet = (network.requires_grad_(False).eval() for network in networks)
    return Base(vae, text, tokenizer, unet, noise_scheduler())


def tiny_controlnet(base: Base) -> ControlNetModel:
    torch.manual_seed(1)
    config = ControlNetModel.from_unet(base.unet).config
    embedding = {"conditioning_embedding_out_channels": (16, 32)}
    controlnet = ControlNetModel.from_config({**config, **embedding})
    for name, tensor in controlnet.named_parameters():  # a new one has no effect
        if "controlnet_" in name:
            torch.nn.init.normal_(tensor, std=0.2)
    return controlnet.requires_grad_(False).eval()


ALPHAS = torch.cumprod(1 - torch.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2, 0)
"""Alpha-bar at each timestep of Stable Diffusion 1.x."""


def latents_by_hand(base: Base, image: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Latents (N, 4, 16, 16) of images (N, 3, 32, 32) in 0 … 1, scaled as published."""
    moments = base.vae.quant_conv(base.vae.encoder(2 * image - 1))
    mean, log_variance = moments.chunk(2, 1)
    return 0.18215 * (mean + (log_variance / 2).exp() * torch.randn(mean.shape, generator=rng))


@pytest.fixture
def batch() -> dict[str, torch.Tensor]:
    """Three images of noise with few edges, each with a caption of its own."""
    rng = torch.Generator().manual_seed(9)
    descriptions = ("woman of about 30 with dark skin", "man", "person")
    return {
        "image": torch.randint(256, (3, 32, 32, 3), generator=rng, dtype=torch.uint8),
        "edges": 255 * (torch.rand(3, 32, 32, generator=rng) < 0.1).to(torch.uint8),
        "sentence": torch.tensor([DESCRIPTIONS.index(d) for d in descriptions]),
        "number": torch.arange(3),
    }


@pytest.fixture
def base() -> Base:
    return tiny_base()


@pytest.fixture
def controlnet(base: Base) -> ControlNetModel:
    return tiny_controlnet(base)


@pytest.fixture(scope="session")
def base_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The base on disk, a ControlNet beside it in ``controlnet``."""
    folder = tmp_path_factory.mktemp("tiny") / "base"
    base = tiny_base()
    save_base(base, folder)
    tiny_controlnet(base).save_pretrained(folder.parent / "controlnet")
    return folder
