"""A Stable Diffusion of the real classes, tiny, with random weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from diffusers.models.controlnets.controlnet import ControlNetModel

from palsynth.methods.controlnet.base import Base, noise_scheduler, save_base
from palsynth.methods.controlnet.small import AutoencoderSettings, UNetSettings, small_tokenizer


def tiny_base() -> Base:
    torch.manual_seed(0)
    tokenizer = small_tokenizer()
    settings = UNetSettings(channels=(16, 32), text=16, text_layers=1)
    networks = (AutoencoderSettings(32, (16, 32)).build(), settings.text_encoder(tokenizer),
                settings.unet(16, 4))  # fmt: skip
    for tensor in networks[2].parameters():  # a new U-Net adds nothing, so words would not act
        if tensor.ndim > 1 and not tensor.any():
            torch.nn.init.normal_(tensor, std=0.05)
    vae, text, unet = (network.requires_grad_(False).eval() for network in networks)
    return Base(vae, text, tokenizer, unet, noise_scheduler())


def tiny_controlnet(base: Base) -> ControlNetModel:
    torch.manual_seed(1)
    found = ControlNetModel.from_unet(base.unet)
    embedding = {"conditioning_embedding_out_channels": (16, 32)}
    found = ControlNetModel.from_config({**found.config, **embedding})
    for name, tensor in found.named_parameters():  # else it adds nothing, as a new one should
        if "controlnet_" in name:
            torch.nn.init.normal_(tensor, std=0.2)
    return found.requires_grad_(False).eval()


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
    found = tiny_base()
    save_base(found, folder)
    tiny_controlnet(found).save_pretrained(folder.parent / "controlnet")
    return folder
