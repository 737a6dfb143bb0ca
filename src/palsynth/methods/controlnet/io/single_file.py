"""Loads single files as published, whose tensors have the names of the original code.

They hold a base (``v1-5-pruned-emaonly.safetensors``, ``.ckpt``), a ControlNet
(``control_v11p_sd15_canny.pth``), or both (``control_sd15_canny.pth``).
"""

from __future__ import annotations

from pathlib import Path

from diffusers.loaders.single_file_utils import (
    convert_controlnet_checkpoint,
    convert_ldm_clip_checkpoint,
    convert_ldm_unet_checkpoint,
    convert_ldm_vae_checkpoint,
    infer_diffusers_model_type,
)
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.controlnets.controlnet import ControlNetModel
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from palsynth.encoders.published.files import load_exactly, read_tensors
from palsynth.errors import InputError
from palsynth.methods.controlnet.networks.base import Base, noise_scheduler

_NAMES = {
    "v2": "Stable Diffusion 2",
    "inpainting": "for inpainting",
    "inpainting_v2": "for inpainting",
    "controlnet": "a ControlNet",
}
_UNET = "model.diffusion_model."
_CONTROLNET = "control_model."


def sd15_networks() -> tuple[AutoencoderKL, CLIPTextModel, UNet2DConditionModel]:
    """The networks of Stable Diffusion 1.x at their published sizes, newly initialised."""
    vae = AutoencoderKL(
        block_out_channels=(128, 256, 512, 512),
        layers_per_block=2,
        latent_channels=4,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        sample_size=512,
    )
    config = CLIPTextConfig(
        vocab_size=49_408,
        hidden_size=768,
        intermediate_size=3072,
        num_hidden_layers=12,
        num_attention_heads=12,
        max_position_embeddings=77,
        projection_dim=768,
        bos_token_id=49_406,
        eos_token_id=49_407,
        pad_token_id=49_407,
    )
    text = CLIPTextModel(config)
    return vae, text, UNet2DConditionModel(sample_size=64, cross_attention_dim=768)


def sd15_controlnet() -> ControlNetModel:
    """A ControlNet for Stable Diffusion 1.x at its published size, newly initialised."""
    return ControlNetModel(cross_attention_dim=768)


def base_from_file(path: Path, tokenizer: CLIPTokenizer) -> Base:
    """Loads a Stable Diffusion 1.x from one file.

    Args:
        path: a ``.safetensors``, ``.ckpt`` or ``.pth`` file; a ControlNet beside the base is left.
        tokenizer: its tokenizer, which the file lacks.

    Returns:
        The base, its networks frozen and in evaluation mode.

    Raises:
        InputError: the file holds another model or is damaged.
    """
    tensors = read_tensors(path)
    has_base = any(name.startswith(_UNET) for name in tensors)
    if has_base:  # a ControlNet beside it would be taken for all that there is
        tensors = {n: t for n, t in tensors.items() if not n.startswith(_CONTROLNET)}
    kind = infer_diffusers_model_type(tensors)
    if kind != "v1" or not has_base:
        what = _NAMES.get(kind, "Stable Diffusion XL" if kind.startswith("xl") else None)
        what = what or "no Stable Diffusion"
        raise InputError(f"{path}: is {what}; this method needs Stable Diffusion 1.x")
    vae, text, unet = sd15_networks()
    config = dict(unet.config)
    load_exactly(unet, convert_ldm_unet_checkpoint(dict(tensors), config), path)
    load_exactly(vae, convert_ldm_vae_checkpoint(dict(tensors), dict(vae.config)), path)
    load_exactly(text, _clip(tensors, text), path)
    for network in (vae, text, unet):
        network.requires_grad_(False).eval()
    return Base(vae, text, tokenizer, unet, noise_scheduler())


def controlnet_from_file(path: Path) -> ControlNetModel:
    """Loads a ControlNet for Stable Diffusion 1.x from one file.

    Args:
        path: a ``.safetensors`` or ``.pth`` file; a base beside the ControlNet is left.

    Returns:
        The ControlNet, frozen and in evaluation mode.

    Raises:
        InputError: the file holds another model or is damaged.
    """
    tensors = read_tensors(path)
    if infer_diffusers_model_type(tensors) != "controlnet":
        raise InputError(f"{path}: is no ControlNet for Stable Diffusion 1.x")
    network = sd15_controlnet()
    converted = convert_controlnet_checkpoint(dict(tensors), dict(network.config))
    load_exactly(network, converted, path)
    return network.requires_grad_(False).eval()


def _clip(tensors: dict[str, Tensor], text: CLIPTextModel) -> dict[str, Tensor]:
    """The text encoder's tensors under the names of the installed transformers."""
    state = convert_ldm_clip_checkpoint(tensors)
    if not any(name.startswith("text_model.") for name in text.state_dict()):
        state = {name.removeprefix("text_model."): t for name, t in state.items()}
    return {name: t for name, t in state.items() if not name.endswith("position_ids")}
