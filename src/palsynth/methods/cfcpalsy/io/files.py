"""A model on disk: a folder with settings.yaml, unet/ and conditioner/, safetensors only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from palsynth.encoders.published.files import load_exactly, read_tensors
from palsynth.encoders.shipped import check_class
from palsynth.errors import InputError
from palsynth.methods.cfcpalsy.config import CFCPalsySettings
from palsynth.methods.cfcpalsy.io.convert import convert_networks
from palsynth.methods.cfcpalsy.networks.conditioner import Conditioner
from palsynth.methods.cfcpalsy.networks.model import CFCPalsyModel
from palsynth.methods.cfcpalsy.networks.unet import CFCPalsyUNet
from palsynth.training.saved import load_settings, read_config, save_networks

DEFAULT = Path(__file__).parents[1] / "assets" / "default"
"""The model that ships."""

KIND = "cfcpalsy"

WEIGHTS = "diffusion_pytorch_model.safetensors"


def save_model(model: CFCPalsyModel, folder: Path) -> None:
    """Writes a model. The frozen encoders are written too, so that a later release's encoders do
    not change it.

    Args:
        model: the model.
        folder: folder to write to; created if missing.

    Raises:
        InputError: the folder cannot be written, or a tensor is not finite.
    """
    networks = {"unet": model.unet, "conditioner": model.conditioner}
    save_networks(networks, model.settings, KIND, folder)


def load_model(folder: Path | None = None) -> CFCPalsyModel:
    """Loads a model.

    Args:
        folder: folder that :func:`save_model` wrote; default: the model that ships.

    Returns:
        The model, frozen, in evaluation mode and single precision, on the CPU.

    Raises:
        InputError: the folder does not exist, holds no model, or holds a damaged one.
    """
    folder = folder or DEFAULT
    settings = load_settings(CFCPalsySettings, KIND, folder)
    unet, conditioner = (
        _read_network(folder / name, network_class)
        for name, network_class in (("unet", CFCPalsyUNet), ("conditioner", Conditioner))
    )
    model = CFCPalsyModel(settings, unet, conditioner)  # type: ignore[arg-type]
    return model.requires_grad_(False).eval()


def load_networks(folder: Path | None = None) -> dict[str, nn.Module]:
    """Loads the networks of a model, to initialise others from them.

    Args:
        folder: folder that :func:`save_model` wrote, the published checkpoint, or a file of a U-Net
            alone; default: the model that ships.

    Returns:
        ``unet`` and ``conditioner``, frozen; of a U-Net's file ``unet`` alone.

    Raises:
        InputError: the folder or file holds no model.
    """
    if folder is not None and folder.is_file():
        networks = convert_networks(folder)
        return {name: network.requires_grad_(False).eval() for name, network in networks.items()}
    model = load_model(folder)
    return {"unet": model.unet, "conditioner": model.conditioner}


def _read_network(folder: Path, network_class: type[CFCPalsyUNet | Conditioner]) -> nn.Module:
    if not (folder / "config.json").is_file():  # else diffusers would look for it on the hub
        raise InputError(f"{folder}: holds no weights (no config.json)")
    config = read_config(folder / "config.json")
    check_class(config, network_class.__name__, folder)
    try:
        network: Any = network_class.from_config(config)
    except (ValueError, TypeError, RuntimeError, LookupError, AttributeError, ArithmeticError) as e:
        line = (str(e).splitlines() or [type(e).__name__])[0]
        raise InputError(
            f"{folder / 'config.json'}: describes no {network_class.__name__} ({line}); get the "
            "weights again"
        ) from None
    tensors = {name: tensor.float() for name, tensor in read_tensors(folder / WEIGHTS).items()}
    load_exactly(network, tensors, folder / WEIGHTS)
    return network
