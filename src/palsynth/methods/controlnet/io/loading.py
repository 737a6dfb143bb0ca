"""Stable Diffusions and ControlNets from disk, published layouts included, each fault in one line.

Weights are read from safetensors (or pickles that hold nothing but tensors), never from the
network: a hub's name is looked up among what was downloaded before.
"""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.controlnets.controlnet import ControlNetModel
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from safetensors import SafetensorError
from transformers import CLIPTextModel, CLIPTokenizer

from palsynth.errors import InputError
from palsynth.methods.controlnet.base import BESIDE, SMALL, Base

PIPELINES = ("StableDiffusionPipeline", "StableDiffusionControlNetPipeline")
OTHER_KINDS = (
    "depth", "openpose", "seg", "scribble", "normal", "normalbae", "hed", "mlsd", "lineart",
    "softedge", "shuffle", "tile", "inpaint", "ip2p", "qrcode", "brightness",
)  # fmt: skip
"""Words in the names of ControlNets that are told something else than Canny edges: their files
do not differ otherwise."""

SD2_WIDTH = 1024
"""Numbers a token of Stable Diffusion 2's text encoder; 1.x has 768."""

_FAULTS = (OSError, ValueError, SafetensorError, RuntimeError, KeyError, TypeError, EOFError)


def read_base(where: Path | str | None = None, tokenizer: Path | None = None) -> Base:
    """A Stable Diffusion 1.x: a folder as diffusers lays it out, a hub's name that was downloaded
    before, a single ``.safetensors`` or ``.ckpt`` file with a ``tokenizer`` folder beside, or None
    for the small one that ships.

    Raises InputError for anything else, SDXL and SD 2 by name.
    """
    if where is None:
        return _folder(SMALL / BESIDE)
    path = _local(where)
    if path.is_dir():
        return _folder(path)
    from palsynth.methods.controlnet.io.single_file import base_from_file

    if tokenizer is None:
        raise InputError(
            f"{path}: a single file holds no tokenizer; give --tokenizer, the folder of one "
            "(vocab.json and merges.txt)"
        )
    return base_from_file(path, read_tokenizer(tokenizer))


def read_controlnet(where: Path | str | None, base: Base) -> ControlNetModel:
    """A Canny ControlNet that fits a base, from a folder, a hub's name or a single file; None is
    the one that ships. Raises InputError where it does not fit."""
    path = SMALL / "controlnet" if where is None else _local(where)
    if path.is_dir():
        if (path / BESIDE).is_dir():
            raise InputError(
                f"{path}: holds a base that was trained with it; give it as --weights, or its "
                f"controlnet and {BESIDE} folders"
            )
        inner = path / "controlnet"
        path = inner if inner.is_dir() else path
        found = _network(ControlNetModel, path)
    else:
        from palsynth.methods.controlnet.io.single_file import controlnet_from_file

        found = controlnet_from_file(path)
    _check_fits(found, base, path, Path(str(where)).name)
    return found


def read_autoencoder(path: Path) -> AutoencoderKL:
    """An autoencoder, from its folder or that of its training."""
    inner = path / "vae"
    return _network(AutoencoderKL, inner if inner.is_dir() else path)


def read_unet(path: Path) -> UNet2DConditionModel:
    """A U-Net from its folder."""
    return _network(UNet2DConditionModel, path)


def read_tokenizer(path: Path) -> CLIPTokenizer:
    """A tokenizer from a folder with vocab.json and merges.txt, or tokenizer.json."""
    if not path.is_dir():
        raise InputError(f"{path}: no such folder; give a tokenizer's")
    files = {p.name for p in path.iterdir()}
    if "tokenizer.json" not in files and not {"vocab.json", "merges.txt"} <= files:
        raise InputError(f"{path}: holds no tokenizer (vocab.json and merges.txt)")
    try:
        found: CLIPTokenizer = CLIPTokenizer.from_pretrained(path, local_files_only=True)
    except _FAULTS as error:
        raise InputError(f"{path}: no tokenizer can be read ({_line(error)})") from None
    if len(found) < 10:  # some releases read a file that is not there as an empty vocabulary
        raise InputError(f"{path}: the tokenizer knows {len(found)} words; its files are damaged")
    return found


def _local(where: Path | str) -> Path:
    """A folder or file on this machine; a hub's name is looked up among downloads."""
    path = Path(where)
    if path.exists():
        return path
    a_file = path.suffix in (".safetensors", ".ckpt", ".pth", ".pt", ".bin")
    if str(where).count("/") == 1 and not path.is_absolute() and not a_file:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import LocalEntryNotFoundError

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
    try:
        kind = json.loads(index.read_text("utf-8"))["_class_name"]
    except OSError:
        raise InputError(f"{path}: holds no Stable Diffusion (no model_index.json)") from None
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{index}: damaged; download it again") from None
    if kind not in PIPELINES:
        what = "Stable Diffusion XL" if "XL" in str(kind) else f"a {kind}"
        raise InputError(f"{path}: is {what}; this method needs Stable Diffusion 1.x")
    unet = read_unet(path / "unet")
    if unet.config["cross_attention_dim"] == SD2_WIDTH:
        raise InputError(f"{path}: is Stable Diffusion 2; this method needs Stable Diffusion 1.x")
    vae = _network(AutoencoderKL, path / "vae")
    takes = unet.config["in_channels"]
    if takes != vae.config["latent_channels"]:
        raise InputError(
            f"{path}: its U-Net takes {takes} channels, as for inpainting; give a base for "
            "pictures from words"
        )
    scheduler = _scheduler(path / "scheduler")
    checker, extractor = _checker(path)
    return Base(vae, _text_encoder(path / "text_encoder"), read_tokenizer(path / "tokenizer"),
                unet, scheduler, checker, extractor)  # fmt: skip


def _scheduler(path: Path) -> DDPMScheduler:
    try:
        found: DDPMScheduler = DDPMScheduler.from_pretrained(path, local_files_only=True)
    except _FAULTS as error:
        raise InputError(f"{path}: no scheduler can be read ({_line(error)})") from None
    kind = found.config["prediction_type"]
    if kind != "epsilon":
        raise InputError(
            f"{path}: predicts {kind}; this method needs a base that predicts noise (epsilon)"
        )
    return found


def _network(kind: Any, path: Path) -> Any:
    """A diffusers network from its folder, no tensor missing or left over."""
    if not (path / "config.json").is_file():
        raise InputError(f"{path}: holds no {kind.__name__} (no config.json)")
    plain = (path / "diffusion_pytorch_model.safetensors").is_file()
    half = (path / "diffusion_pytorch_model.fp16.safetensors").is_file()
    if not plain and not half:
        raise InputError(
            f"{path}: holds no safetensors file of {kind.__name__}; ask for that format"
        )
    try:
        found, info = kind.from_pretrained(
            path, local_files_only=True, use_safetensors=True, variant=None if plain else "fp16",
            torch_dtype=torch.float32, output_loading_info=True,
        )  # fmt: skip
    except _FAULTS as error:
        raise InputError(f"{path}: damaged or no {kind.__name__} ({_line(error)})") from None
    _check_complete(info, path, kind.__name__)
    return found.requires_grad_(False).eval()


def _text_encoder(path: Path) -> CLIPTextModel:
    if not (path / "config.json").is_file() or not list(path.glob("model*.safetensors")):
        raise InputError(f"{path}: holds no text encoder (config.json and a safetensors file)")
    plain = (path / "model.safetensors").is_file()
    shown = logging.getLogger("transformers").level
    logging.getLogger("transformers").setLevel(logging.ERROR)
    try:
        loaded: Any = CLIPTextModel.from_pretrained(
            path, local_files_only=True, use_safetensors=True, variant=None if plain else "fp16",
            dtype=torch.float32, output_loading_info=True,
        )  # fmt: skip
    except _FAULTS as error:
        raise InputError(f"{path}: damaged or no text encoder ({_line(error)})") from None
    finally:
        logging.getLogger("transformers").setLevel(shown)
    found, info = loaded
    _check_complete(info, path, "CLIPTextModel")
    return found.requires_grad_(False).eval()


def _checker(path: Path) -> tuple[Any, Any]:
    """The safety checker of a base and what prepares pictures for it; None without one."""
    if not (path / "safety_checker" / "config.json").is_file():
        return None, None
    from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    try:
        plain = (path / "safety_checker" / "model.safetensors").is_file()
        checker = StableDiffusionSafetyChecker.from_pretrained(
            path / "safety_checker", local_files_only=True, use_safetensors=True,
            variant=None if plain else "fp16", dtype=torch.float32,
        )  # fmt: skip
        extractor = CLIPImageProcessorPil.from_pretrained(
            path / "feature_extractor", local_files_only=True
        )
    except _FAULTS as error:
        raise InputError(f"{path}: its safety checker cannot be read ({_line(error)})") from None
    return checker.eval(), extractor


def _check_complete(info: dict[str, Any], path: Path, kind: str) -> None:
    extra = [n for n in info.get("unexpected_keys", ()) if not n.endswith("position_ids")]
    if missing := sorted(info.get("missing_keys", ())):
        raise InputError(f"{path}: key {missing[0]} of {kind} is missing")
    if info.get("mismatched_keys"):
        raise InputError(f"{path}: {next(iter(info['mismatched_keys']))} does not fit {kind}")
    if extra:
        raise InputError(f"{path}: key {sorted(extra)[0]} does not belong to {kind}")


def _check_fits(controlnet: ControlNetModel, base: Base, path: Path, known: str) -> None:
    named = set(re.split(r"[^a-z0-9]+", known.lower()))
    other = next((word for word in OTHER_KINDS if word in named), None)
    if other is not None and "canny" not in named:
        raise InputError(f"{path}: is a ControlNet for {other}; this method tells Canny edges")
    theirs, ours = controlnet.config, base.unet.config
    for name in ("cross_attention_dim", "block_out_channels", "in_channels"):
        mine, wanted = getattr(theirs, name), getattr(ours, name)
        same = tuple(mine) == tuple(wanted) if isinstance(wanted, (list, tuple)) else mine == wanted
        if not same:
            raise InputError(
                f"{path}: does not fit the base: its {name} is {mine}, the base's {wanted}"
            )


def _line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
