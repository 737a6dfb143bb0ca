"""Plain diffusion models so small that they train in a test, the latent one on the autoencoder that
ships."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from palsynth.methods.diffusion.config import (
    DiffusionModelSettings,
    DiffusionSampling,
    DiffusionUNetSettings,
)
from palsynth.methods.diffusion.io.files import build_model
from palsynth.methods.diffusion.networks.model import DiffusionModel

SIZE = 16


def tiny(unet: dict[str, Any] | None = None, **fields: Any) -> DiffusionModelSettings:
    """Settings of a tiny model, with some fields changed."""
    small = {"base": 8, "multipliers": (1, 2), "blocks": 1, "attention": (1,)}
    return DiffusionModelSettings(
        **{
            "size": SIZE,
            "sampling": DiffusionSampling("dpm++", 3),
            "unet": DiffusionUNetSettings(**{**small, **(unet or {})}),
            **fields,
        }
    )


MODELS = {
    "ddpm": tiny(sampling=DiffusionSampling("dpm++", 3, 2.0)),
    "ddpm-unconditional": tiny(condition_dropout=1.0),
    "latent-diffusion": tiny(space="latents"),
}
"""Method -> settings of a tiny model for it."""


def build(settings: DiffusionModelSettings, noise: float = 0.1) -> DiffusionModel:
    """A model whose last layers are not zero."""
    torch.manual_seed(0)
    model = build_model(settings)
    with torch.no_grad():
        for parameter in model.unet.parameters():
            if not parameter.any():
                parameter.normal_(0, noise)
    return model.requires_grad_(False).eval()


@pytest.fixture(params=MODELS)
def settings(request: pytest.FixtureRequest) -> DiffusionModelSettings:
    return MODELS[request.param]
