"""Training the autoencoder of our small Stable Diffusion."""

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
from palsynth.methods.controlnet.data.healthy import HealthySettings, held_out
from palsynth.methods.controlnet.small.networks import AutoencoderSettings
from palsynth.methods.controlnet.small.thumbnail import init_with_thumbnails
from palsynth.settings import Settings
from palsynth.training.objective import Losses, Objective
from palsynth.training.recipe import LoopSettings

KL_WEIGHT = 1e-6
"""As latent diffusion's autoencoders are trained (Rombach et al. 2022)."""


class AutoencoderObjective(Objective):
    """Pixels, their differences to neighbours, colours apart from brightness, a trace of KL.

    Differences keep edges sharp, where the published autoencoders have a discriminator, for which
    there is not enough compute here. Errors are squared, each picture's mean then rooted, so that
    what is small but far off counts, such as a grey lip.
    """

    def __init__(self, settings: AutoencoderSettings, crop: int) -> None:
        super().__init__()
        self.vae = init_with_thumbnails(settings.build())
        self.size, self.crop = settings.size, crop

    def forward(self, batch: dict[str, Tensor], rng: torch.Generator) -> Losses:
        """Losses of a batch with ``image``."""
        true = torch.stack([_cropped(i, self.crop, rng) for i in as_images(batch["image"])])
        encoded = self.vae.encode(2 * true - 1).latent_dist
        made = self.vae.decode(encoded.sample(generator=rng)).sample.float() / 2 + 0.5
        off = made - true
        parts = {
            "pixels": _root_mean_square(off),
            "edges": sum(_root_mean_square(off.diff(dim=axis)) for axis in (2, 3)),
            "colours": _root_mean_square(off - off.mean(1, keepdim=True)),
            "kl": encoded.kl().mean() / true[0].numel(),
        }
        total = parts["pixels"] + parts["edges"] + parts["colours"] + KL_WEIGHT * parts["kl"]
        return Losses(total, parts)

    def validate(self) -> dict[str, float]:
        """How near pictures that nothing trained on come back, in dB."""
        true = as_images(held_out(self.size)["image"]).to(self.vae.device)
        latents = self.vae.encode(2 * true - 1).latent_dist.mode()
        made = (self.vae.decode(latents).sample / 2 + 0.5).clamp(0, 1)
        self._shown = (true, made)
        off = (made - true).square().flatten(1).mean(1)
        return {"validation/psnr": float((-10 * torch.log10(off)).mean())}

    def picture(self) -> np.ndarray | None:
        """Pictures above what came back of them."""
        rows = [
            np.hstack(list((x[:8] * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()))
            for x in self._shown
        ]
        return np.vstack(rows)

    def export(self, folder: Path) -> None:
        """The autoencoder, each channel of its latents with a mean of 0 and a deviation of 1: what
        a channel tells is lost at the same level of noise as what the others tell."""
        true = as_images(held_out(self.size)["image"]).to(self.vae.device)
        with torch.no_grad():
            _standardise(self.vae, self.vae.encode(2 * true - 1).latent_dist.mode())
        self.vae.register_to_config(scaling_factor=1.0)
        self.vae.save_pretrained(folder / "vae")


def _standardise(vae: AutoencoderKL, latents: Tensor) -> None:
    """Puts mean and deviation of latents (N, C, h, w) into the convolutions around them."""
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


def _root_mean_square(off: Tensor) -> Tensor:
    """Of each picture, averaged over pictures."""
    return (off.square().flatten(1).mean(1) + 1e-8).sqrt().mean()


def _cropped(image: Tensor, side: int, rng: torch.Generator) -> Tensor:
    """A square of a picture (3, S, S), anywhere in it."""
    places = image.shape[-1] - side + 1
    top, left = torch.randint(places, (2,), generator=rng, device=rng.device).tolist()
    return image[:, top : top + side, left : left + side]


@dataclass(frozen=True)
class AutoencoderRecipe(Settings):
    """Trains the autoencoder of our small Stable Diffusion on healthy people."""

    kind: Literal["autoencoder"] = "autoencoder"
    model: AutoencoderSettings = field(default_factory=AutoencoderSettings)
    crop: int = 64
    """Pixels a side of the piece of each picture that a step sees: cheaper steps, hence more."""
    data: HealthySettings = field(default_factory=HealthySettings)
    loop: LoopSettings = field(default_factory=LoopSettings)

    def __post_init__(self) -> None:
        if not 16 <= self.crop <= self.model.size:
            raise InputError(f"crop {self.crop}: must lie between 16 and {self.model.size}")
        if self.crop % (factor := 2 ** (len(self.model.channels) - 1)):
            raise InputError(f"crop {self.crop}: must be a multiple of {factor}")

    def source(self, build_cache: bool = True) -> Source:
        """What it trains on."""
        return self.data.build(self.model.size, build_cache)

    def objective(self) -> Objective:
        """What trains."""
        return AutoencoderObjective(self.model, self.crop)
