"""A Stable Diffusion 1.x: its components, ours or published, in the layout of diffusers.

Nothing is downloaded: a component that is missing on this machine is named in a one-line error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import transformers
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from torch import Tensor, nn
from transformers import CLIPTextModel, CLIPTokenizer

from palsynth.errors import InputError

transformers.logging.set_verbosity_error()  # else diffusers' pipelines warn of torchvision
transformers.logging.disable_progress_bar()


@dataclass
class Base:
    """The components of a Stable Diffusion 1.x. ``checker`` and ``extractor`` are its safety
    checker and the image processor of that, if it has one."""

    vae: AutoencoderKL
    text_encoder: CLIPTextModel
    tokenizer: CLIPTokenizer
    unet: UNet2DConditionModel
    scheduler: DDPMScheduler
    checker: Any = None
    extractor: Any = None

    @property
    def factor(self) -> int:
        """Downsampling factor of the autoencoder: pixels per latent along a side."""
        return int(2 ** (len(self.vae.config["block_out_channels"]) - 1))

    @property
    def size(self) -> int:
        """Side of the generated images, pixels."""
        return int(self.unet.config["sample_size"]) * self.factor

    @property
    def _max_tokens(self) -> int:
        """Tokens of a prompt that the text encoder reads."""
        positions = int(self.text_encoder.config.max_position_embeddings)
        return min(self.tokenizer.model_max_length, positions)

    def check_prompts(self, prompts: Sequence[str]) -> None:
        """Refuses prompts that would be truncated.

        Args:
            prompts: whole prompts.

        Raises:
            InputError: a prompt has more tokens than the text encoder reads.
        """
        limit = self._max_tokens
        for text in prompts:
            tokens = len(self.tokenizer(text).input_ids)
            if tokens > limit:
                raise InputError(
                    f"prompt '{text[:60]} …': has {tokens} tokens, {tokens - limit} more than the "
                    "text encoder reads; describe the person in fewer words"
                )

    def to(self, device: torch.device) -> Base:
        """Moves the networks, in place.

        Args:
            device: where they go.

        Returns:
            The same base.
        """
        networks: list[nn.Module | None] = [self.vae, self.text_encoder, self.unet, self.checker]
        for network in networks:
            if network is not None:
                network.to(device)
        return self

    def words(self, prompts: list[str]) -> Tensor:
        """Encodes prompts, for the cross-attention of U-Net and ControlNet.

        Args:
            prompts: N whole prompts.

        Returns:
            (N, L, D) embeddings of L tokens, padding included.

        Raises:
            InputError: a prompt has more tokens than the text encoder reads.
        """
        self.check_prompts(prompts)
        ids = self.tokenizer(
            prompts, padding="max_length", max_length=self._max_tokens, return_tensors="pt"
        ).input_ids
        device = next(self.text_encoder.parameters()).device
        embeddings: Tensor = self.text_encoder(ids.to(device)).last_hidden_state
        return embeddings


def noise_scheduler() -> DDPMScheduler:
    """The noise schedule of Stable Diffusion 1.x: 1000 steps, the square root of beta linear."""
    return DDPMScheduler(
        num_train_timesteps=1000,
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        steps_offset=1,
    )
