"""A model on disk: a folder with settings.yaml, unet/ and conditioner/, safetensors only."""

from __future__ import annotations

from pathlib import Path

import yaml
from diffusers.configuration_utils import ConfigMixin
from safetensors import SafetensorError
from torch import nn

from palsynth.encoders.published.files import load_exactly, read_tensors
from palsynth.errors import InputError
from palsynth.files import atomic_write
from palsynth.methods.cfcpalsy.conditioner import Conditioner
from palsynth.methods.cfcpalsy.model import CFCPalsyModel, conditioner_of, unet_of
from palsynth.methods.cfcpalsy.settings import CFCPalsySettings
from palsynth.methods.cfcpalsy.unet import CFCPalsyUNet
from palsynth.training.recipe import from_dict, to_yaml

WEIGHTS = "diffusion_pytorch_model.safetensors"


def save_model(model: CFCPalsyModel, folder: Path) -> None:
    """Writes a model; frozen networks too, so that later encoders do not change it."""
    folder.mkdir(parents=True, exist_ok=True)
    try:
        model.unet.save_pretrained(folder / "unet")
        model.conditioner.save_pretrained(folder / "conditioner")
    except (OSError, SafetensorError) as error:
        raise InputError(f"{folder}: cannot be written ({error})") from None
    with atomic_write(folder / "settings.yaml") as temporary:
        temporary.write_text(to_yaml(model.settings), "utf-8")


def load_model(folder: Path) -> CFCPalsyModel:
    """A model in evaluation mode and single precision.

    Raises InputError where the folder holds none or one that is damaged.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give that of a CFCPalsy model's weights")
    path = folder / "settings.yaml"
    try:
        data = yaml.safe_load(path.read_text("utf-8"))
    except OSError:
        raise InputError(f"{folder}: holds no CFCPalsy model (no settings.yaml)") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a YAML file ({str(error).splitlines()[0]})") from None
    settings = from_dict(CFCPalsySettings, data, str(path))
    parts: dict[str, nn.Module] = {}
    for name, kind in (("unet", CFCPalsyUNet), ("conditioner", Conditioner)):
        if not (folder / name / "config.json").is_file():  # diffusers would ask a hub for it
            raise InputError(f"{folder / name}: holds no weights (no config.json)")
        try:
            config = kind.load_config(folder / name, local_files_only=True)
        except (OSError, ValueError) as error:
            line = str(error).splitlines()[0]
            raise InputError(f"{folder / name}: holds no weights ({line})") from None
        parts[name] = kind.from_config(config)
        tensors = {n: t.float() for n, t in read_tensors(folder / name / WEIGHTS).items()}
        load_exactly(parts[name], tensors, folder / name / WEIGHTS)
    model = CFCPalsyModel(settings, parts["unet"], parts["conditioner"])  # type: ignore[arg-type]
    return model.requires_grad_(False).eval()


def initialised_from(settings: CFCPalsySettings, folder: Path, whole: bool) -> CFCPalsyModel:
    """A model of ``settings`` that begins with a folder's weights: with all of them, or with the
    U-Net's alone.

    Raises InputError where the folder holds another architecture.
    """
    found = load_model(folder)
    unet = unet_of(settings)
    conditioner = conditioner_of(settings, unet)
    _check_alike(unet, found.unet, folder)
    unet.load_state_dict(found.unet.state_dict())
    if whole:
        _check_alike(conditioner, found.conditioner, folder)
        conditioner = Conditioner.from_config(found.conditioner.config)
        conditioner.load_state_dict(found.conditioner.state_dict())
    return CFCPalsyModel(settings, unet, conditioner)


def _check_alike(wanted: ConfigMixin, found: ConfigMixin, folder: Path) -> None:
    """Raises InputError naming the first size or switch that differs; whose encoders read may."""
    for name, value in wanted.config.items():
        held = found.config.get(name, value)
        same = list(held) == list(value) if isinstance(value, (tuple, list)) else held == value
        if not same and not name.startswith("_") and name != "encoders":
            raise InputError(
                f"{folder}: its {type(found).__name__} has {name} {held}, the recipe {value}; give "
                "weights of the same model, or change the recipe"
            )
