"""Loads the parts of a Stable Diffusion from their folders, with no tensor missing or left over."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import torch
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from safetensors import SafetensorError
from transformers import CLIPTextModel, CLIPTokenizer

from palsynth.documents import read_json
from palsynth.errors import InputError
from palsynth.paths import name_fault, shown_name
from palsynth.training.finite import check_finite

LOADING_ERRORS = (OSError, ValueError, SafetensorError, RuntimeError, KeyError, TypeError, EOFError)


def read_tokenizer(path: Path) -> CLIPTokenizer:
    """Loads a tokenizer.

    Args:
        path: a folder with vocab.json and merges.txt, or tokenizer.json.

    Returns:
        The tokenizer.

    Raises:
        InputError: it cannot be read, or its vocabulary is nearly empty.
    """
    if not path.is_dir():
        raise InputError(f"{path}: no such folder; give a tokenizer's")
    files = {p.name for p in path.iterdir()}
    if "tokenizer.json" not in files and not {"vocab.json", "merges.txt"} <= files:
        raise InputError(f"{path}: holds no tokenizer (vocab.json and merges.txt)")
    try:
        tokenizer: CLIPTokenizer = CLIPTokenizer.from_pretrained(path, local_files_only=True)
    except LOADING_ERRORS as error:
        raise InputError(f"{path}: no tokenizer can be read ({first_line(error)})") from None
    if len(tokenizer) < 10:  # some releases of transformers read a missing file as an empty one
        raise InputError(
            f"{path}: the tokenizer knows {len(tokenizer)} words; its files are damaged"
        )
    return tokenizer


def read_scheduler(path: Path) -> DDPMScheduler:
    """Loads the noise schedule of a base.

    Args:
        path: its folder.

    Returns:
        The scheduler.

    Raises:
        InputError: it cannot be read, or belongs to a base that does not predict noise.
    """
    try:
        scheduler: DDPMScheduler = DDPMScheduler.from_pretrained(path, local_files_only=True)
    except LOADING_ERRORS as error:
        raise InputError(f"{path}: no scheduler can be read ({first_line(error)})") from None
    kind = scheduler.config["prediction_type"]
    if kind != "epsilon":
        raise InputError(
            f"{path}: predicts {kind}; this method needs a base that predicts noise (epsilon)"
        )
    return scheduler


def read_network(kind: Any, path: Path) -> Any:
    """Loads a network of diffusers.

    Args:
        kind: its class.
        path: its folder, with ``config.json`` and a safetensors file in full or half precision.

    Returns:
        The network, single precision, frozen and in evaluation mode.

    Raises:
        InputError: it cannot be read, or a tensor is missing, left over, of another shape or not
            finite.
    """
    if not (path / "config.json").is_file():
        raise InputError(f"{path}: holds no {kind.__name__} (no config.json)")
    full = (path / "diffusion_pytorch_model.safetensors").is_file()
    half = (path / "diffusion_pytorch_model.fp16.safetensors").is_file()
    if not full and not half:
        raise InputError(
            f"{path}: holds no safetensors file of {kind.__name__}; get it in that format"
        )
    _check_shards(path)
    try:
        network, info = kind.from_pretrained(
            path,
            local_files_only=True,
            use_safetensors=True,
            variant=None if full else "fp16",
            torch_dtype=torch.float32,
            output_loading_info=True,
        )
    except LOADING_ERRORS as error:
        raise InputError(f"{path}: damaged or no {kind.__name__} ({first_line(error)})") from None
    _check_complete(info, path, kind.__name__)
    check_finite(network.state_dict(), path)
    return network.requires_grad_(False).eval()


def read_text_encoder(path: Path) -> CLIPTextModel:
    """Loads a CLIP text encoder.

    Args:
        path: its folder.

    Returns:
        The encoder, frozen and in evaluation mode.

    Raises:
        InputError: it cannot be read.
    """
    if not (path / "config.json").is_file() or not list(path.glob("model*.safetensors")):
        raise InputError(f"{path}: holds no text encoder (config.json and a safetensors file)")
    _check_shards(path)
    full = (path / "model.safetensors").is_file()
    level = logging.getLogger("transformers").level
    logging.getLogger("transformers").setLevel(logging.ERROR)
    try:
        loaded: Any = CLIPTextModel.from_pretrained(
            path,
            local_files_only=True,
            use_safetensors=True,
            variant=None if full else "fp16",
            dtype=torch.float32,
            output_loading_info=True,
        )
    except LOADING_ERRORS as error:
        raise InputError(f"{path}: damaged or no text encoder ({first_line(error)})") from None
    finally:
        logging.getLogger("transformers").setLevel(level)
    network, info = loaded
    _check_complete(info, path, "CLIPTextModel")
    check_finite(network.state_dict(), path)
    return network.requires_grad_(False).eval()


def read_safety_checker(path: Path) -> tuple[Any, Any]:
    """Loads the safety checker of a base and its image processor.

    Args:
        path: the base's folder.

    Returns:
        Both, or None and None if the base has no checker.

    Raises:
        InputError: they cannot be read.
    """
    if not (path / "safety_checker" / "config.json").is_file():
        return None, None
    # imported here, once the verbosity is set (see base.py)
    from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    _check_shards(path / "safety_checker")
    try:
        full = (path / "safety_checker" / "model.safetensors").is_file()
        checker = StableDiffusionSafetyChecker.from_pretrained(
            path / "safety_checker",
            local_files_only=True,
            use_safetensors=True,
            variant=None if full else "fp16",
            dtype=torch.float32,
        )
        extractor = CLIPImageProcessorPil.from_pretrained(
            path / "feature_extractor", local_files_only=True
        )
    except LOADING_ERRORS as error:
        raise InputError(
            f"{path}: its safety checker cannot be read ({first_line(error)})"
        ) from None
    check_finite(checker.state_dict(), path / "safety_checker")
    return checker.eval(), extractor


def _check_shards(path: Path) -> None:
    """Raises InputError where an index of weights in several files names one elsewhere.

    The files themselves may be links, as those of downloaded models are.
    """
    for index in sorted(path.glob("*.index*.json")):
        try:
            names = set(read_json(index)["weight_map"].values())
        except (ValueError, KeyError, TypeError, AttributeError):
            raise InputError(f"{index}: damaged; download it again") from None
        for name in sorted(map(str, names)):
            if (fault := name_fault(name)) is not None:
                raise InputError(f"{index}: {shown_name(name)} {fault}")


def _check_complete(info: dict[str, Any], path: Path, kind: str) -> None:
    extra = [n for n in info.get("unexpected_keys", ()) if not n.endswith("position_ids")]
    if missing := sorted(info.get("missing_keys", ())):
        raise InputError(f"{path}: key {missing[0]} of {kind} is missing")
    if info.get("mismatched_keys"):
        raise InputError(f"{path}: {next(iter(info['mismatched_keys']))} does not fit {kind}")
    if extra:
        raise InputError(f"{path}: key {sorted(extra)[0]} does not belong to {kind}")


def first_line(error: Exception) -> str:
    """The first line of an error of another library, at most 200 characters.

    Args:
        error: the error.

    Returns:
        Its first line, or the name of its class.
    """
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
