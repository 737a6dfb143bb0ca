"""Training of the autoencoder of our small Stable Diffusion."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor

from palsynth.data.examples import Source
from palsynth.encoders.base import as_images
from palsynth.errors import InputError
from palsynth.methods.controlnet.config import HealthySettings
from palsynth.methods.controlnet.data.healthy import healthy_source, held_out
from palsynth.methods.controlnet.io.loading import read_autoencoder
from palsynth.methods.controlnet.small.networks import AutoencoderSettings
from palsynth.methods.controlnet.small.thumbnail import init_with_thumbnails
from palsynth.training.init import InitSettings, init_network
from palsynth.training.objective import Losses, Objective
from palsynth.training.recipe import LoopSettings

KL_WEIGHT = 1e-6
"""As for the autoencoders of latent diffusion (Rombach et al. 2022)."""


class AutoencoderObjective(Objective):
    """Errors of pixels, of their differences to neighbours and of colours without brightness, and
    a little KL divergence.

    The differences keep edges sharp; the published autoencoders have a discriminator for that,
    which is too much compute here. Each error is the root of an image's mean square, so that a
    large error in a small area counts, such as a grey lip.

    Args:
        vae: the autoencoder to train.
        crop: side of the random crop of each image, pixels.
    """

    def __init__(self, vae: AutoencoderKL, crop: int) -> None:
        super().__init__()
        self.vae, self.crop = vae, crop
        self.size = int(vae.config["sample_size"])

    def forward(self, batch: dict[str, Tensor], rng: torch.Generator) -> Losses:
        """Losses of a batch with ``image``."""
        images = as_images(batch["image"])
        targets = torch.stack([_random_crop(image, self.crop, rng) for image in images])
        encoded = self.vae.encode(2 * targets - 1).latent_dist
        decoded = self.vae.decode(encoded.sample(generator=rng)).sample.float() / 2 + 0.5
        errors = decoded - targets
        parts = {
            "pixels": _root_mean_square(errors),
            "edges": sum(_root_mean_square(errors.diff(dim=axis)) for axis in (2, 3)),
            "colours": _root_mean_square(errors - errors.mean(1, keepdim=True)),
            "kl": encoded.kl().mean() / targets[0].numel(),
        }
        total = parts["pixels"] + parts["edges"] + parts["colours"] + KL_WEIGHT * parts["kl"]
        return Losses(total, parts)

    def validate(self) -> dict[str, float]:
        """Mean PSNR of the reconstructed held-out images, dB."""
        targets = as_images(held_out(self.size)["image"]).to(self.vae.device)
        latents = self.vae.encode(2 * targets - 1).latent_dist.mode()
        decoded = (self.vae.decode(latents).sample / 2 + 0.5).clamp(0, 1)
        self._shown = (targets, decoded)
        errors = (decoded - targets).square().flatten(1).mean(1)
        return {"validation/psnr": float((-10 * torch.log10(errors)).mean())}

    def picture(self) -> np.ndarray | None:
        """Held-out images above their reconstructions."""
        rows = [
            np.hstack(list((x[:8] * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()))
            for x in self._shown
        ]
        return np.vstack(rows)

    def export(self, folder: Path) -> None:
        """The autoencoder, with each channel of its latents standardised (mean 0, standard
        deviation 1), so that noise destroys the information of all channels at the same level."""
        images = as_images(held_out(self.size)["image"]).to(self.vae.device)
        with torch.no_grad():
            _standardise(self.vae, self.vae.encode(2 * images - 1).latent_dist.mode())
        self.vae.register_to_config(scaling_factor=1.0)
        self.vae.save_pretrained(folder / "vae")


def _standardise(vae: AutoencoderKL, latents: Tensor) -> None:
    """Standardises latents (N, C, h, w) by the convolutions before and after them."""
    mean, deviation = latents.mean((0, 2, 3)), latents.std((0, 2, 3))
    into, back = vae.quant_conv, vae.post_quant_conv
    assert into is not None
    assert back is not None
    assert into.bias is not None
    assert back.bias is not None
    channels = len(mean)
    into.weight[:channels] /= deviation[:, None, None, None]
    into.bias[:channels] = (into.bias[:channels] - mean) / deviation
    into.bias[channels:] -= 2 * deviation.log()  # log variances
    back.bias += back.weight[..., 0, 0] @ mean
    back.weight *= deviation[:, None, None]


def _root_mean_square(errors: Tensor) -> Tensor:
    """The root mean square of each image, averaged over images."""
    return (errors.square().flatten(1).mean(1) + 1e-8).sqrt().mean()


def _random_crop(image: Tensor, side: int, rng: torch.Generator) -> Tensor:
    """A random square of an image (3, S, S)."""
    positions = image.shape[-1] - side + 1
    top, left = torch.randint(positions, (2,), generator=rng, device=rng.device).tolist()
    return image[:, top : top + side, left : left + side]


@dataclass(frozen=True)
class AutoencoderRecipe(InitSettings):
    """Trains the autoencoder of our small Stable Diffusion on healthy synthetic subjects."""

    kind: Literal["autoencoder"] = "autoencoder"
    """The kind of recipe."""
    model: AutoencoderSettings = field(default_factory=AutoencoderSettings)
    crop: int = 64
    """Side of the random crop of each image, pixels: cheaper steps, hence more of them."""
    data: HealthySettings = field(default_factory=HealthySettings)
    loop: LoopSettings = field(default_factory=LoopSettings)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 16 <= self.crop <= self.model.size:
            raise InputError(f"crop {self.crop}: must lie between 16 and {self.model.size}")
        if self.crop % (factor := 2 ** (len(self.model.channels) - 1)):
            raise InputError(f"crop {self.crop}: must be a multiple of {factor}")

    def source(self, build_cache: bool = True) -> Source:
        """The training examples: images of healthy synthetic subjects."""
        return healthy_source(self.data, self.model.size, build_cache)

    def objective(self) -> Objective:
        """The objective; an autoencoder from scratch reproduces thumbnails."""
        vae = init_network(
            self,
            lambda: init_with_thumbnails(self.model.build()),
            read_autoencoder,
            ignore=("scaling_factor",),  # a trained one is standardised
        )
        return AutoencoderObjective(vae, self.crop)
