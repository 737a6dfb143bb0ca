"""Loads Stable Diffusions and ControlNets from disk, published layouts included.

Weights are read from safetensors (or from pickles with tensors only), never from the network: the
name of a hub model is looked up among earlier downloads. Each fault is a one-line error.
"""

from __future__ import annotations

import re
from pathlib import Path

from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.controlnets.controlnet import ControlNetModel
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from huggingface_hub import snapshot_download
from huggingface_hub.errors import LocalEntryNotFoundError

from palsynth.documents import read_json
from palsynth.errors import InputError
from palsynth.methods.controlnet.io.components import (
    read_network,
    read_safety_checker,
    read_scheduler,
    read_text_encoder,
    read_tokenizer,
)
from palsynth.methods.controlnet.io.layout import BASE_FOLDER, SMALL
from palsynth.methods.controlnet.io.single_file import base_from_file, controlnet_from_file
from palsynth.methods.controlnet.networks.base import Base
from palsynth.training.init import check_fits

PIPELINES = ("StableDiffusionPipeline", "StableDiffusionControlNetPipeline")
OTHER_KINDS = (
    "depth",
    "openpose",
    "seg",
    "scribble",
    "normal",
    "normalbae",
    "hed",
    "mlsd",
    "lineart",
    "softedge",
    "shuffle",
    "tile",
    "inpaint",
    "ip2p",
    "qrcode",
    "brightness",
)
"""Words in the names of ControlNets for other conditions than Canny edges: their files do not
differ otherwise."""

SD2_WIDTH = 1024
"""Width of Stable Diffusion 2's text embeddings; that of 1.x is 768."""


def read_base(where: Path | str | None = None, tokenizer: Path | None = None) -> Base:
    """Loads a Stable Diffusion 1.x.

    Args:
        where: a folder in the layout of diffusers, the name of a hub model that was downloaded
            before, or a single ``.safetensors`` or ``.ckpt`` file; default: the small one that
            ships.
        tokenizer: folder of the tokenizer, if ``where`` is a single file.

    Returns:
        The base, its networks frozen and in evaluation mode.

    Raises:
        InputError: it is anything else; SDXL and SD 2 are named.
    """
    if where is None:
        return _folder(SMALL / BASE_FOLDER)
    path = _local(where)
    if path.is_dir():
        return _folder(path)
    if tokenizer is None:
        raise InputError(
            f"{path}: a single file holds no tokenizer; give --tokenizer, the folder of one "
            "(vocab.json and merges.txt)"
        )
    return base_from_file(path, read_tokenizer(tokenizer))


def read_controlnet(where: Path | str | None, base: Base) -> ControlNetModel:
    """Loads a Canny ControlNet that fits a base.

    Args:
        where: a folder, the name of a downloaded hub model, or a single file; default: the one
            that ships.
        base: the Stable Diffusion that it must fit.

    Returns:
        The ControlNet, frozen and in evaluation mode.

    Raises:
        InputError: it cannot be read, is for another condition than Canny edges, does not fit, or
            has a base of its own.
    """
    path = SMALL / "controlnet" if where is None else _local(where)
    if path.is_dir():
        if (path / BASE_FOLDER).is_dir():
            raise InputError(
                f"{path}: holds a base that was trained with it; give it as --weights, or its "
                f"controlnet and {BASE_FOLDER} folders"
            )
        inner = path / "controlnet"
        path = inner if inner.is_dir() else path
        controlnet = read_network(ControlNetModel, path)
    else:
        controlnet = controlnet_from_file(path)
    _check_fits(controlnet, base, path, Path(str(where)).name)
    return controlnet


def read_autoencoder(path: Path | None = None) -> AutoencoderKL:
    """Loads an autoencoder.

    Args:
        path: its folder, or the weights of its training; default: the one that ships.

    Returns:
        The autoencoder, frozen and in evaluation mode.

    Raises:
        InputError: it cannot be read.
    """
    path = SMALL / BASE_FOLDER if path is None else path
    inner = path / "vae"
    return read_network(AutoencoderKL, inner if inner.is_dir() else path)


def read_unet(path: Path) -> UNet2DConditionModel:
    """Loads a U-Net.

    Args:
        path: its folder.

    Returns:
        The U-Net, frozen and in evaluation mode.

    Raises:
        InputError: it cannot be read.
    """
    return read_network(UNet2DConditionModel, path)


def _local(where: Path | str) -> Path:
    """A folder or file on this machine; the name of a hub model is looked up among downloads."""
    path = Path(where)
    if path.exists():
        return path
    names_file = path.suffix in (".safetensors", ".ckpt", ".pth", ".pt", ".bin")
    if str(where).count("/") == 1 and not path.is_absolute() and not names_file:
        try:
            return Path(snapshot_download(str(where), local_files_only=True))
        except (LocalEntryNotFoundError, OSError, ValueError):
            raise InputError(
                f"{where}: is no folder here, and no model of that name was downloaded before; "
                "give the folder of the weights"
            ) from None
    raise InputError(f"{where}: no such folder or file; give the path of the weights")


def _folder(path: Path) -> Base:
    index = path / "model_index.json"
    if not index.is_file():
        raise InputError(f"{path}: holds no Stable Diffusion (no model_index.json)")
    try:
        kind = read_json(index, "download it again")["_class_name"]
    except (KeyError, TypeError):
        raise InputError(f"{index}: damaged; download it again") from None
    if kind not in PIPELINES:
        what = "Stable Diffusion XL" if "XL" in str(kind) else f"a {kind}"
        raise InputError(f"{path}: is {what}; this method needs Stable Diffusion 1.x")
    unet = read_unet(path / "unet")
    if unet.config["cross_attention_dim"] == SD2_WIDTH:
        raise InputError(f"{path}: is Stable Diffusion 2; this method needs Stable Diffusion 1.x")
    vae = read_network(AutoencoderKL, path / "vae")
    channels = unet.config["in_channels"]
    if channels != vae.config["latent_channels"]:
        raise InputError(
            f"{path}: its U-Net takes {channels} channels, as for inpainting; give a text-to-image "
            "base"
        )
    scheduler = read_scheduler(path / "scheduler")
    checker, extractor = read_safety_checker(path)
    return Base(
        vae,
        read_text_encoder(path / "text_encoder"),
        read_tokenizer(path / "tokenizer"),
        unet,
        scheduler,
        checker,
        extractor,
    )


def _check_fits(controlnet: ControlNetModel, base: Base, path: Path, name: str) -> None:
    """Refuses a ControlNet for another condition, by its ``name``, or of another shape."""
    words = set(re.split(r"[^a-z0-9]+", name.lower()))
    other = next((word for word in OTHER_KINDS if word in words), None)
    if other is not None and "canny" not in words:
        raise InputError(f"{path}: is a ControlNet for {other}; this method needs Canny edges")
    fields = ("cross_attention_dim", "block_out_channels", "in_channels")
    expected = {field: getattr(base.unet.config, field) for field in fields}
    check_fits(controlnet, expected, path, "the base")
