"""Latents of pictures that a training sees again and again, encoded once."""

from __future__ import annotations

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from torch import Tensor


class LatentCache:
    """What an autoencoder makes of pictures, remembered by their numbers, on the CPU.

    Each picture is encoded alone and in single precision, so its latent does not depend on when
    it was first seen: a resumed run goes on bit for bit. At 512 px a picture takes 128 KiB.
    """

    def __init__(self, vae: AutoencoderKL) -> None:
        self._vae = vae
        self._known: dict[int, Tensor] = {}

    @torch.no_grad()
    def sample(self, images: Tensor, numbers: list[int], rng: torch.Generator) -> Tensor:
        """Latents (N, C, h, w), scaled, drawn with ``rng`` from what images (N, 3, H, W) in 0 … 1
        are encoded to."""
        for number, image in zip(numbers, images, strict=True):
            if number not in self._known:
                with torch.autocast(image.device.type, enabled=False):
                    encoded = self._vae.encode(2 * image[None].float() - 1).latent_dist
                self._known[number] = encoded.parameters[0].cpu()
        moments = torch.stack([self._known[n] for n in numbers]).to(images.device)
        drawn = DiagonalGaussianDistribution(moments).sample(generator=rng)
        return drawn * self._vae.config["scaling_factor"]
