"""Our small Stable Diffusion: the same classes as the published one's, an eightieth of the size.

128 px pictures, latents of 32 x 32 x 4, and a vocabulary of the words that describe people.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.transformers.transformer_2d import Transformer2DModel
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from palsynth.errors import InputError
from palsynth.methods.controlnet.prompts import SENTENCES
from palsynth.methods.controlnet.small.thumbnail import CARRIED, COLOURS
from palsynth.settings import Settings

LENGTH = 77
"""Tokens of a prompt, as the published text encoder has it."""

_BEGIN, _END = "<|startoftext|>", "<|endoftext|>"


@dataclass(frozen=True)
class AutoencoderSettings(Settings):
    """The autoencoder (diffusers' AutoencoderKL)."""

    size: int = 128
    """Pixels a side."""
    channels: tuple[int, ...] = (32, 64, 128)
    """Of each level; each further level halves the side."""
    blocks: int = 1
    latent: int = 4

    def __post_init__(self) -> None:
        if self.size % 2 ** (len(self.channels) - 1):
            raise InputError(
                f"size {self.size}: must be a multiple of {2 ** (len(self.channels) - 1)}"
            )
        if min(self.channels) < CARRIED or self.latent < COLOURS:
            raise InputError(
                f"channels must be at least {CARRIED} and latent {COLOURS}: training begins with "
                "what keeps a thumbnail in colour"
            )

    def build(self) -> AutoencoderKL:
        """The network, newly initialised."""
        depth = len(self.channels)
        return AutoencoderKL(
            block_out_channels=self.channels, layers_per_block=self.blocks,
            down_block_types=("DownEncoderBlock2D",) * depth,
            up_block_types=("UpDecoderBlock2D",) * depth, latent_channels=self.latent,
            norm_num_groups=4, sample_size=self.size,
        )  # fmt: skip


@dataclass(frozen=True)
class SmallUNetSettings(Settings):
    """The U-Net (diffusers' UNet2DConditionModel) and its text encoder."""

    channels: tuple[int, ...] = (64, 128, 192)
    """Of each level; all but the first have attention."""
    blocks: int = 1
    text: int = 96
    """Numbers a token of the prompt."""
    text_layers: int = 2

    def unet(self, size: int, latent: int) -> UNet2DConditionModel:
        """The U-Net, newly initialised, for latents (latent, size, size)."""
        deeper = len(self.channels) - 1
        found = UNet2DConditionModel(
            sample_size=size, in_channels=latent, out_channels=latent,
            block_out_channels=self.channels, layers_per_block=self.blocks,
            down_block_types=("DownBlock2D", *("CrossAttnDownBlock2D",) * deeper),
            up_block_types=(*("CrossAttnUpBlock2D",) * deeper, "UpBlock2D"),
            cross_attention_dim=self.text, attention_head_dim=8, norm_num_groups=16,
        )  # fmt: skip
        # each block begins as nothing added (Dhariwal & Nichol 2021)
        for module in found.modules():
            if isinstance(module, ResnetBlock2D):
                _zero(module.conv2)
            elif isinstance(module, Transformer2DModel):
                _zero(module.proj_out)
        _zero(found.conv_out)
        return found

    def text_encoder(self, tokenizer: CLIPTokenizer) -> CLIPTextModel:
        """The text encoder, newly initialised."""
        vocab = tokenizer.get_vocab()
        begin, end = vocab[_BEGIN], vocab[_END]
        config = CLIPTextConfig(
            vocab_size=len(tokenizer), hidden_size=self.text, intermediate_size=2 * self.text,
            num_hidden_layers=self.text_layers, num_attention_heads=4,
            max_position_embeddings=LENGTH, projection_dim=self.text, bos_token_id=begin,
            eos_token_id=end, pad_token_id=end,
        )  # fmt: skip
        return CLIPTextModel(config)


def _zero(layer: nn.Module) -> None:
    for tensor in layer.parameters():
        nn.init.zeros_(tensor)


def small_tokenizer() -> CLIPTokenizer:
    """A tokenizer that reads words of people as one token each, and all others by their letters."""
    learner = Tokenizer(models.BPE(end_of_word_suffix="</w>", unk_token=_END))
    learner.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=4000, initial_alphabet=alphabet, end_of_word_suffix="</w>", show_progress=False
    )
    learner.train_from_iterator([s.lower() for s in SENTENCES], trainer)
    found = json.loads(learner.to_str())["model"]
    letters = [*alphabet, *(f"{letter}</w>" for letter in alphabet)]
    merged = ["".join(pair) for pair in found["merges"]]
    vocab = {t: k for k, t in enumerate(dict.fromkeys([*letters, *merged, _BEGIN, _END]))}
    merges: Any = [tuple(pair) for pair in found["merges"]]  # typed as texts, wanted as pairs
    return CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=LENGTH)
