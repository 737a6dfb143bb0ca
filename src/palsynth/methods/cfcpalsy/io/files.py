"""A model on disk: a folder with settings.yaml, unet/ and conditioner/, safetensors only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from diffusers.configuration_utils import ConfigMixin
from safetensors import SafetensorError
from torch import nn

from palsynth.encoders.published.files import load_exactly, read_tensors
from palsynth.errors import InputError
from palsynth.files import atomic_write
from palsynth.methods.cfcpalsy.config import CFCPalsySettings
from palsynth.methods.cfcpalsy.networks.conditioner import Conditioner
from palsynth.methods.cfcpalsy.networks.model import CFCPalsyModel, build_conditioner, build_unet
from palsynth.methods.cfcpalsy.networks.unet import CFCPalsyUNet
from palsynth.training.recipe import from_dict, to_yaml

DEFAULT = Path(__file__).parents[1] / "assets" / "default"
"""The model that ships."""

WEIGHTS = "diffusion_pytorch_model.safetensors"


def save_model(model: CFCPalsyModel, folder: Path) -> None:
    """Writes a model. The frozen encoders are written too, so that a later release's encoders do
    not change it.

    Args:
        model: the model.
        folder: folder to write to; created if missing.

    Raises:
        InputError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        model.unet.save_pretrained(folder / "unet")
        model.conditioner.save_pretrained(folder / "conditioner")
    except (OSError, SafetensorError) as error:
        raise InputError(f"{folder}: cannot be written ({error})") from None
    with atomic_write(folder / "settings.yaml") as temporary:
        temporary.write_text(to_yaml(model.settings), "utf-8")


def load_model(folder: Path) -> CFCPalsyModel:
    """Loads a model.

    Args:
        folder: folder that :func:`save_model` wrote.

    Returns:
        The model, frozen, in evaluation mode and single precision, on the CPU.

    Raises:
        InputError: the folder does not exist, holds no model, or holds a damaged one.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give that of a CFCPalsy model's weights")
    settings = _read_settings(folder)
    unet, conditioner = (
        _read_network(folder / name, network_class)
        for name, network_class in (("unet", CFCPalsyUNet), ("conditioner", Conditioner))
    )
    model = CFCPalsyModel(settings, unet, conditioner)  # type: ignore[arg-type]
    return model.requires_grad_(False).eval()


def _read_settings(folder: Path) -> CFCPalsySettings:
    path = folder / "settings.yaml"
    try:
        data = yaml.safe_load(path.read_text("utf-8"))
    except OSError:
        raise InputError(f"{folder}: holds no CFCPalsy model (no settings.yaml)") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a YAML file ({str(error).splitlines()[0]})") from None
    return from_dict(CFCPalsySettings, data, str(path))


def _read_network(folder: Path, network_class: type[CFCPalsyUNet | Conditioner]) -> nn.Module:
    if not (folder / "config.json").is_file():  # else diffusers would look for it on the hub
        raise InputError(f"{folder}: holds no weights (no config.json)")
    try:
        config: Any = network_class.load_config(folder, local_files_only=True)
    except (OSError, ValueError) as error:
        line = str(error).splitlines()[0]
        raise InputError(f"{folder}: holds no weights ({line})") from None
    network: Any = network_class.from_config(config)
    tensors = {name: tensor.float() for name, tensor in read_tensors(folder / WEIGHTS).items()}
    load_exactly(network, tensors, folder / WEIGHTS)
    return network


def initialised_from(settings: CFCPalsySettings, folder: Path, whole: bool) -> CFCPalsyModel:
    """A model that is initialised from the weights of another.

    Args:
        settings: settings of the new model.
        folder: folder of the weights, as :func:`save_model` wrote it.
        whole: True takes all weights, False those of the U-Net alone.

    Returns:
        The model, ready for training.

    Raises:
        InputError: the folder holds no model, or one of another architecture.
    """
    pretrained = load_model(folder)
    unet = build_unet(settings)
    conditioner = build_conditioner(settings, unet)
    _check_same_architecture(unet, pretrained.unet, folder)
    unet.load_state_dict(pretrained.unet.state_dict())
    if whole:
        _check_same_architecture(conditioner, pretrained.conditioner, folder)
        conditioner = Conditioner.from_config(pretrained.conditioner.config)
        conditioner.load_state_dict(pretrained.conditioner.state_dict())
    return CFCPalsyModel(settings, unet, conditioner)


def _check_same_architecture(expected: ConfigMixin, found: ConfigMixin, folder: Path) -> None:
    """Raises InputError naming the first field that differs; ``encoders`` may differ."""
    for name, value in expected.config.items():
        other = found.config.get(name, value)
        same = list(other) == list(value) if isinstance(value, (tuple, list)) else other == value
        if not same and not name.startswith("_") and name != "encoders":
            raise InputError(
                f"{folder}: its {type(found).__name__} has {name} {other}, the recipe {value}; "
                "give weights of the same model, or change the recipe"
            )
