"""Training the autoencoder of our small Stable Diffusion."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor
from torch.nn import functional

from palsynth.data.examples import Source
from palsynth.encoders.base import as_images
from palsynth.encoders.load import identity_encoder
from palsynth.methods.controlnet.healthy import HealthySettings, held_out
from palsynth.methods.controlnet.loading import read_autoencoder
from palsynth.methods.controlnet.small import AutoencoderSettings
from palsynth.settings import Settings
from palsynth.training.objective import Losses, Objective
from palsynth.training.recipe import LoopSettings

KL_WEIGHT = 1e-6
"""As latent diffusion's autoencoders are trained (Rombach et al. 2022)."""


class AutoencoderObjective(Objective):
    """Pixels and their differences to neighbours by L1, features of our recogniser, a trace of KL.

    Differences keep edges sharp and features keep faces faces, where the published autoencoders
    have a discriminator, for which there is not enough compute here.
    """

    frozen: ClassVar[tuple[str, ...]] = ("recogniser",)

    def __init__(self, vae: AutoencoderKL, features: float, encodes: bool = True) -> None:
        super().__init__()
        self.vae = vae.requires_grad_(True)
        self.encodes = encodes
        for part in (vae.encoder, vae.quant_conv):
            if part is not None:
                part.requires_grad_(encodes)
        self.features = features
        self.recogniser = identity_encoder() if features else None
        self.size = int(vae.config["sample_size"])

    def forward(self, batch: dict[str, Tensor], rng: torch.Generator) -> Losses:
        """Losses of a batch with ``image``."""
        true = as_images(batch["image"])
        with torch.set_grad_enabled(self.encodes and torch.is_grad_enabled()):
            encoded = self.vae.encode(2 * true - 1).latent_dist
        made = self.vae.decode(encoded.sample(generator=rng)).sample.float() / 2 + 0.5
        parts = {
            "pixels": (made - true).abs().mean(),
            "edges": sum((_steps(made, k) - _steps(true, k)).abs().mean() for k in (2, 3)),
            "kl": encoded.kl().mean() / true[0].numel(),
        }
        total = parts["pixels"] + parts["edges"] + KL_WEIGHT * parts["kl"]
        if self.recogniser is not None:
            parts["features"] = functional.mse_loss(self._seen(made), self._seen(true))
            total = total + self.features * parts["features"]
        return Losses(total, parts)

    def _seen(self, images: Tensor) -> Tensor:
        assert self.recogniser is not None
        smaller = functional.interpolate(images, (112, 112), mode="bilinear", antialias=True)
        return self.recogniser(smaller).map

    def validate(self) -> dict[str, float]:
        """How near pictures that nothing trained on come back, in dB, and the latents' spread."""
        true = as_images(held_out(self.size)["image"]).to(self.vae.device)
        latents = self.vae.encode(2 * true - 1).latent_dist.mode()
        made = (self.vae.decode(latents).sample / 2 + 0.5).clamp(0, 1)
        self._shown = (true, made)
        off = (made - true).square().flatten(1).mean(1)
        return {
            "validation/psnr": float((-10 * torch.log10(off)).mean()),
            "validation/latent_deviation": float(latents.std()),
        }

    def picture(self) -> np.ndarray | None:
        """Pictures above what came back of them."""
        rows = [
            np.hstack(list((x[:8] * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()))
            for x in self._shown
        ]
        return np.vstack(rows)

    def export(self, folder: Path) -> None:
        """The autoencoder, its latents scaled to a deviation of 1."""
        if self.encodes:
            true = as_images(held_out(self.size)["image"]).to(self.vae.device)
            with torch.no_grad():
                spread = float(self.vae.encode(2 * true - 1).latent_dist.mode().std())
            self.vae.register_to_config(scaling_factor=1 / spread)
        self.vae.save_pretrained(folder / "vae")


def _steps(images: Tensor, axis: int) -> Tensor:
    """Differences to the next pixel along an axis."""
    return images.diff(dim=axis)


@dataclass(frozen=True)
class AutoencoderRecipe(Settings):
    """Trains the autoencoder of our small Stable Diffusion on healthy people."""

    kind: Literal["autoencoder"] = "autoencoder"
    model: AutoencoderSettings = field(default_factory=AutoencoderSettings)
    decoder_of: Path | None = None
    """Folder of a trained autoencoder whose decoder alone trains on, so that what was trained in
    its latents stays of use. Its size holds, not the model's."""
    features: float = 0.1
    """Weight of the recogniser's features; 0 leaves them out."""
    data: HealthySettings = field(default_factory=HealthySettings)
    loop: LoopSettings = field(default_factory=LoopSettings)

    def source(self, draw: bool = True) -> Source:
        """What it trains on."""
        size = self.model.size
        if self.decoder_of is not None:
            size = int(read_autoencoder(self.decoder_of).config["sample_size"])
        return self.data.build(size, draw)

    def objective(self) -> Objective:
        """What trains."""
        if self.decoder_of is not None:
            return AutoencoderObjective(read_autoencoder(self.decoder_of), self.features, False)
        return AutoencoderObjective(self.model.build(), self.features)
