"""Training of the U-Net and the text encoder of our small Stable Diffusion."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from palsynth.data.examples import Source
from palsynth.encoders.base import as_images
from palsynth.errors import InputError
from palsynth.methods.controlnet.config import HealthySettings, Sampling
from palsynth.methods.controlnet.data.examples import shorten_captions
from palsynth.methods.controlnet.data.healthy import healthy_source, held_out
from palsynth.methods.controlnet.data.latents import LatentCache
from palsynth.methods.controlnet.io.layout import save_base
from palsynth.methods.controlnet.io.loading import read_autoencoder
from palsynth.methods.controlnet.networks.base import Base, noise_scheduler
from palsynth.methods.controlnet.pipeline import sample_from_prompts
from palsynth.methods.controlnet.prompts import SENTENCES, prompt
from palsynth.methods.controlnet.small.networks import SmallUNetSettings, small_tokenizer
from palsynth.methods.controlnet.weighting import FROM_SCRATCH, Weighting
from palsynth.training.init import InitFrom, InitSettings, init_path
from palsynth.training.objective import TIMESTEPS, Losses, Objective
from palsynth.training.recipe import LoopSettings

SHOWN = (
    "woman of about 30 with light skin",
    "man of about 30 with dark skin",
    "woman of about 50 with medium skin",
    "man of about 40 with light skin",
)
"""Descriptions in a sample picture."""


class TextToImageObjective(Objective):
    """Noise prediction with the prompt as the condition: ‖ε - ε_θ(z_t, t, c_t)‖² (latent diffusion,
    Rombach et al. 2022; equation 4 of Tajima, Seo & Chen 2026).

    A share of the examples has an empty prompt, for classifier-free guidance.

    Args:
        base: the Stable Diffusion, whose U-Net and text encoder train.
        caption_dropout: share of examples with an empty prompt, 0 … 1.
        weighting: loss weights by timestep.
        sampling: how the sample pictures are made.
    """

    frozen: ClassVar[tuple[str, ...]] = ("vae",)

    def __init__(
        self, base: Base, caption_dropout: float, weighting: Weighting, sampling: Sampling
    ) -> None:
        super().__init__()
        self.vae = base.vae.requires_grad_(False)
        self.unet, self.text_encoder = base.unet, base.text_encoder
        self.base, self.caption_dropout, self.sampling = base, caption_dropout, sampling
        self.weights = weighting.weights(base.scheduler.alphas_cumprod)
        self.latents = LatentCache(base.vae)

    def forward(self, batch: dict[str, Tensor], rng: torch.Generator) -> Losses:
        """Losses of a batch of ``image``, ``sentence`` and ``number``."""
        count = len(batch["image"])
        latents = self.latents.sample(as_images(batch["image"]), batch["number"].tolist(), rng)
        t = torch.randint(TIMESTEPS, (count,), generator=rng, device=rng.device)
        unconditional = torch.rand(count, generator=rng, device=rng.device) < self.caption_dropout
        numbers = shorten_captions(batch["sentence"], rng)
        captions = [
            "" if dropped else SENTENCES[n]
            for dropped, n in zip(unconditional.tolist(), numbers, strict=True)
        ]
        errors = self._squared_errors(latents, captions, t, rng)
        weighted = errors * self.weights.to(errors.device)[t]
        return Losses(weighted.mean(), {"noise": errors.mean()}, t, errors)

    def _squared_errors(
        self, latents: Tensor, captions: list[str], t: Tensor, rng: torch.Generator
    ) -> Tensor:
        """The mean squared error (N,) of the noise predicted at timesteps (N,)."""
        noise = torch.randn(latents.shape, generator=rng, device=latents.device)
        noisy = self.base.scheduler.add_noise(latents, noise, t)  # type: ignore[arg-type]
        predicted = self.unet(noisy, t, self.base.words(captions)).sample
        return torch.flatten((predicted.float() - noise).square(), 1).mean(1)

    def validate(self) -> dict[str, float]:
        """The error on held-out images, over all timesteps."""
        batch = held_out(self.base.size)
        device = self.unet.device
        rng = torch.Generator(device).manual_seed(0)
        numbers = [-1 - n for n in batch["number"].tolist()]
        latents = self.latents.sample(as_images(batch["image"]).to(device), numbers, rng)
        t = torch.linspace(0, TIMESTEPS - 1, len(latents), device=device).long()
        captions = [SENTENCES[n] for n in batch["sentence"].tolist()]
        return {"validation/loss": float(self._squared_errors(latents, captions, t, rng).mean())}

    def picture(self) -> np.ndarray | None:
        """Two images of each of four descriptions."""
        rows = [
            sample_from_prompts(self.base, [prompt(description)] * 2, (0, 1), self.sampling)
            for description in SHOWN
        ]
        return np.vstack([np.hstack(row) for row in rows])

    def export(self, folder: Path) -> None:
        """The whole base, in the layout of StableDiffusionPipeline."""
        save_base(self.base, folder)


@dataclass(frozen=True)
class TextToImageRecipe(InitSettings):
    """Trains U-Net and text encoder of our small Stable Diffusion on healthy synthetic subjects."""

    needs_weights: ClassVar[bool] = True

    kind: Literal["text-to-image"] = "text-to-image"
    """The kind of recipe."""
    init_from: InitFrom = "shipped"
    """Folder of the autoencoder, which stays as it is; or shipped."""
    model: SmallUNetSettings = field(default_factory=SmallUNetSettings)
    caption_dropout: float = 0.1
    """Share of examples with an empty prompt."""
    weighting: Weighting = FROM_SCRATCH
    sampling: Sampling = field(default_factory=lambda: Sampling(guidance=2.0))
    """How sample pictures are made."""
    data: HealthySettings = field(default_factory=HealthySettings)
    loop: LoopSettings = field(default_factory=LoopSettings)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.caption_dropout < 1:
            raise InputError(
                f"caption_dropout {self.caption_dropout:g}: must lie in 0 … 1, 1 excluded"
            )

    def source(self, build_cache: bool = True) -> Source:
        """The training examples: images of healthy synthetic subjects."""
        size = read_autoencoder(init_path(self.init_from)).config["sample_size"]
        return healthy_source(self.data, int(size), build_cache)

    def objective(self) -> Objective:
        """The objective, with newly initialised networks around the trained autoencoder."""
        vae = read_autoencoder(init_path(self.init_from))
        factor = 2 ** (len(vae.config["block_out_channels"]) - 1)
        tokenizer = small_tokenizer()
        base = Base(
            vae,
            self.model.text_encoder(tokenizer),
            tokenizer,
            self.model.unet(
                int(vae.config["sample_size"]) // factor, vae.config["latent_channels"]
            ),
            noise_scheduler(),
        )
        return TextToImageObjective(base, self.caption_dropout, self.weighting, self.sampling)
