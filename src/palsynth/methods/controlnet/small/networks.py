"""Our small Stable Diffusion: the classes of the published one at an eightieth of its size.

Images of 128 px, latents of 32 x 32 x 4, and a vocabulary of words that describe people.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.transformers.transformer_2d import Transformer2DModel
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from palsynth.documents import parse_json
from palsynth.errors import InputError
from palsynth.limits import check_side
from palsynth.methods.controlnet.prompts import SENTENCES
from palsynth.methods.controlnet.small.thumbnail import CARRIED, COLOURS
from palsynth.methods.networks import zero_init
from palsynth.settings import Settings

LENGTH = 77
"""Largest number of tokens of a prompt, that of the published text encoder."""

_START, _END = "<|startoftext|>", "<|endoftext|>"


@dataclass(frozen=True)
class AutoencoderSettings(Settings):
    """The autoencoder (diffusers' AutoencoderKL)."""

    size: int = 128
    """Side of the images, pixels."""
    channels: tuple[int, ...] = (32, 64, 128)
    """Channels of each level; each further level halves the side."""
    blocks: int = 1
    """Residual blocks per level."""
    latent: int = 4
    """Channels of the latents."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_side(self.size)
        if self.size % 2 ** (len(self.channels) - 1):
            raise InputError(
                f"size {self.size}: must be a multiple of {2 ** (len(self.channels) - 1)}"
            )
        if min(self.channels) < CARRIED or self.latent < COLOURS:
            raise InputError(
                f"channels must be at least {CARRIED} and latent {COLOURS}: training starts from "
                "an autoencoder of thumbnails in colour"
            )

    def build(self) -> AutoencoderKL:
        """The network, newly initialised."""
        depth = len(self.channels)
        return AutoencoderKL(
            block_out_channels=self.channels,
            layers_per_block=self.blocks,
            down_block_types=("DownEncoderBlock2D",) * depth,
            up_block_types=("UpDecoderBlock2D",) * depth,
            latent_channels=self.latent,
            norm_num_groups=4,
            sample_size=self.size,
        )


@dataclass(frozen=True)
class SmallUNetSettings(Settings):
    """The U-Net (diffusers' UNet2DConditionModel) and its text encoder."""

    channels: tuple[int, ...] = (64, 128, 192)
    """Channels of each level; all but the first have attention."""
    blocks: int = 1
    """Residual blocks per level."""
    text: int = 96
    """Width of the text embeddings."""
    text_layers: int = 2
    """Layers of the text encoder."""

    def unet(self, size: int, latent: int) -> UNet2DConditionModel:
        """The U-Net, newly initialised.

        Args:
            size: side of the latents.
            latent: channels of the latents.

        Returns:
            A U-Net that predicts 0 until it is trained.
        """
        deeper = len(self.channels) - 1
        unet = UNet2DConditionModel(
            sample_size=size,
            in_channels=latent,
            out_channels=latent,
            block_out_channels=self.channels,
            layers_per_block=self.blocks,
            down_block_types=("DownBlock2D", *("CrossAttnDownBlock2D",) * deeper),
            up_block_types=(*("CrossAttnUpBlock2D",) * deeper, "UpBlock2D"),
            cross_attention_dim=self.text,
            attention_head_dim=8,
            norm_num_groups=16,
        )
        # zero-initialised residual branches (Dhariwal & Nichol 2021)
        for module in unet.modules():
            if isinstance(module, ResnetBlock2D):
                zero_init(module.conv2)
            elif isinstance(module, Transformer2DModel):
                zero_init(module.proj_out)
        zero_init(unet.conv_out)
        return unet

    def text_encoder(self, tokenizer: CLIPTokenizer) -> CLIPTextModel:
        """The text encoder, newly initialised.

        Args:
            tokenizer: gives the size of the vocabulary and the special tokens.

        Returns:
            The text encoder.
        """
        vocab = tokenizer.get_vocab()
        start, end = vocab[_START], vocab[_END]
        config = CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=self.text,
            intermediate_size=2 * self.text,
            num_hidden_layers=self.text_layers,
            num_attention_heads=4,
            max_position_embeddings=LENGTH,
            projection_dim=self.text,
            bos_token_id=start,
            eos_token_id=end,
            pad_token_id=end,
        )
        return CLIPTextModel(config)


def small_tokenizer() -> CLIPTokenizer:
    """A tokenizer with one token for each word of the training prompts; it spells other words."""
    bpe = Tokenizer(models.BPE(end_of_word_suffix="</w>", unk_token=_END))
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=4000, initial_alphabet=alphabet, end_of_word_suffix="</w>", show_progress=False
    )
    bpe.train_from_iterator([s.lower() for s in SENTENCES], trainer)
    trained = parse_json(bpe.to_str(), "tokenizer")["model"]
    letters = [*alphabet, *(f"{letter}</w>" for letter in alphabet)]
    joined = ["".join(pair) for pair in trained["merges"]]
    vocab = {t: k for k, t in enumerate(dict.fromkeys([*letters, *joined, _START, _END]))}
    merges: Any = [tuple(pair) for pair in trained["merges"]]  # annotated as strings, read as pairs
    return CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=LENGTH)
