"""A Stable Diffusion: its parts, on disk as diffusers lays them out, ours or the published one.

Nothing is fetched: what is not on this machine is asked for in one line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import transformers
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from torch import Tensor, nn
from transformers import CLIPTextModel, CLIPTokenizer

from palsynth.errors import InputError

ASSETS = Path(__file__).parent / "assets"
SMALL = ASSETS / "small"
"""Our small Stable Diffusion with its ControlNet, as its training left them."""

BESIDE = "base"
"""Folder beside a ControlNet, of the base that was trained with it."""

transformers.logging.set_verbosity_error()  # it tells everybody that torchvision is not there
transformers.logging.disable_progress_bar()


@dataclass
class Base:
    """The parts of a Stable Diffusion 1.x. ``checker`` and ``extractor`` are its safety checker,
    where it has one."""

    vae: AutoencoderKL
    text_encoder: CLIPTextModel
    tokenizer: CLIPTokenizer
    unet: UNet2DConditionModel
    scheduler: DDPMScheduler
    checker: Any = None
    extractor: Any = None

    @property
    def factor(self) -> int:
        """Pixels to a latent, along a side."""
        return int(2 ** (len(self.vae.config["block_out_channels"]) - 1))

    @property
    def size(self) -> int:
        """Pixels a side of the pictures that it makes."""
        return int(self.unet.config["sample_size"]) * self.factor

    @property
    def _length(self) -> int:
        """Tokens of a prompt that the text encoder reads."""
        max_weight = int(self.text_encoder.config.max_position_embeddings)
        return min(self.tokenizer.model_max_length, max_weight)

    def check_words(self, prompts: Sequence[str]) -> None:
        """Raises InputError for a prompt of more tokens than the text encoder reads."""
        max_weight = self._length
        for text in prompts:
            tokens = len(self.tokenizer(text).input_ids)
            if tokens > max_weight:
                raise InputError(
                    f"prompt '{text[:60]} …': has {tokens} tokens, {tokens - max_weight} more than the "
                    "text encoder reads; describe the person in fewer words"
                )

    def to(self, device: torch.device) -> Base:
        """The same, its networks moved."""
        networks: list[nn.Module | None] = [self.vae, self.text_encoder, self.unet, self.checker]
        for network in networks:
            if network is not None:
                network.to(device)
        return self

    def words(self, prompts: list[str]) -> Tensor:
        """What the U-Net is told of prompts, (N, L, D)."""
        self.check_words(prompts)
        ids = self.tokenizer(
            prompts, padding="max_length", max_length=self._length,
            return_tensors="pt",
        ).input_ids  # fmt: skip
        device = next(self.text_encoder.parameters()).device
        found: Tensor = self.text_encoder(ids.to(device)).last_hidden_state
        return found


def noise_scheduler() -> DDPMScheduler:
    """The noise of Stable Diffusion 1.x: 1000 steps, the root of beta linear."""
    return DDPMScheduler(
        num_train_timesteps=1000, beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear",
        clip_sample=False, steps_offset=1,
    )  # fmt: skip


def save_base(base: Base, folder: Path) -> None:
    """Writes a base as StableDiffusionPipeline reads it."""
    from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import (
        StableDiffusionPipeline,
    )

    StableDiffusionPipeline(
        vae=base.vae, text_encoder=base.text_encoder, tokenizer=base.tokenizer, unet=base.unet,
        scheduler=base.scheduler,  # type: ignore[arg-type]
        safety_checker=base.checker, feature_extractor=base.extractor,
        requires_safety_checker=base.checker is not None,
    ).save_pretrained(folder, safe_serialization=True)  # fmt: skip
