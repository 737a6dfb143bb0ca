"""A trained ControlNet on disk: settings.yaml, controlnet/, and base/ if that was tuned too."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from diffusers.models.controlnets.controlnet import ControlNetModel

from palsynth.documents import read_yaml
from palsynth.errors import InputError
from palsynth.files import atomic_folder
from palsynth.methods.controlnet.config import InferenceSettings, Sampling
from palsynth.methods.controlnet.io.layout import ASSETS, BASE_FOLDER, save_base
from palsynth.methods.controlnet.io.loading import read_base, read_controlnet
from palsynth.methods.controlnet.networks.base import Base
from palsynth.training.finite import check_saved
from palsynth.training.init import init_path
from palsynth.training.recipe_file import from_dict
from palsynth.training.saved import SETTINGS, load_settings, save_settings

KIND = "controlnet"

_PRETRAINED = "pretrained"
"""Subfolder of a saved pipeline with the ControlNet that tuning started from."""


class Weights(NamedTuple):
    """The networks in a folder of weights, with their settings.

    Attributes:
        base: the Stable Diffusion.
        controlnet: the trained ControlNet.
        pretrained: the ControlNet that tuning started from, if ``sampling.outside`` needs it.
        settings: the folder's settings, with what replaces them.
    """

    base: Base
    controlnet: ControlNetModel
    pretrained: ControlNetModel | None
    settings: InferenceSettings


def _has_settings(folder: Path) -> bool:
    """Whether a folder holds the settings of a trained ControlNet, in any version's form."""
    return (folder / SETTINGS).is_file() or (folder / "recipe.yaml").is_file()


def read_settings(folder: Path) -> InferenceSettings:
    """Reads the settings beside trained weights.

    Args:
        folder: the weights.

    Returns:
        The settings; of weights of 0.2, which had none, those in the recipe.

    Raises:
        InputError: the folder has no settings, or they are faulty.
    """
    if not _has_settings(folder):
        raise InputError(
            f"{folder}: holds no such weights; give --weights, a training's folder, or --base and "
            "--controlnet (docs/controlnet.md)"
        )
    if (folder / SETTINGS).is_file():
        return load_settings(InferenceSettings, KIND, folder)
    path = folder / "recipe.yaml"
    recipe = read_yaml(path)
    if not isinstance(recipe, dict) or recipe.get("kind") != KIND:
        raise InputError(f"{path}: is no recipe of kind {KIND}; give the weights of a ControlNet")
    names = InferenceSettings.__dataclass_fields__
    data = {name: value for name, value in recipe.items() if name in names}
    return from_dict(InferenceSettings, data, str(path))


def load_weights(
    folder: Path | None = None,
    base: str | None = None,
    tokenizer: Path | None = None,
    sampling: Sampling | None = None,
) -> Weights:
    """Loads trained weights.

    Args:
        folder: the weights of a training; default: the partially fine-tuned ones that ship.
        base: the Stable Diffusion, in place of the one that the settings name.
        tokenizer: folder of its tokenizer, if ``base`` is a single file.
        sampling: in place of the settings'.

    Returns:
        The networks, frozen, in evaluation mode and on the CPU.

    Raises:
        InputError: the folder holds no trained ControlNet, lacks the base that was tuned with it,
            or has one while ``base`` is given too.
    """
    folder = folder or ASSETS / "pf"
    settings = _with_saved_paths(read_settings(folder), folder)
    model = settings.model
    has_base = (folder / BASE_FOLDER).is_dir()
    if model.strategy.tunes_base and not has_base:
        raise InputError(
            f"{folder}: the base that was tuned with it is missing ({BASE_FOLDER}/); bring "
            "it or train from scratch"
        )
    if base is not None:
        if has_base:
            raise InputError(f"{folder}: holds the base that it was tuned with; leave out --base")
        model = replace(model, base=base, tokenizer=tokenizer)
    if sampling is not None:
        model = replace(model, sampling=sampling)
    components = read_base(model.base, model.tokenizer)
    controlnet = read_controlnet(folder / "controlnet", components)
    pretrained = None
    if model.sampling.outside == "pretrained":
        pretrained = read_controlnet(init_path(settings.init_from), components)
    return Weights(components, controlnet, pretrained, replace(settings, model=model))


def _with_saved_paths(settings: InferenceSettings, folder: Path) -> InferenceSettings:
    """Points to the networks saved with the weights, wherever the folder has been moved."""
    if (folder / BASE_FOLDER).is_dir():
        model = replace(settings.model, base=str(folder / BASE_FOLDER), tokenizer=None)
        settings = replace(settings, model=model)
    if settings.init_from == Path(_PRETRAINED) and (folder / _PRETRAINED).is_dir():
        settings = replace(settings, init_from=folder / _PRETRAINED)
    return settings


def check_untuned(controlnet: Path) -> None:
    """Refuses a ControlNet whose settings, beside its weights, name patients.

    Args:
        controlnet: its folder, or a folder of weights with it.

    Raises:
        InputError: it was tuned on patients.
    """
    for folder in (controlnet, controlnet.parent):
        if (folder / "controlnet").is_dir() and _has_settings(folder):
            patients = read_settings(folder).patients
            if patients is not None:
                raise InputError(
                    f"{controlnet}: was tuned on patients (of {patients.dataset}), which is not "
                    "zero-shot; give it as --weights"
                )


def save_weights(
    folder: Path,
    controlnet: ControlNetModel,
    settings: InferenceSettings,
    base: Base | None = None,
    pretrained: ControlNetModel | None = None,
) -> None:
    """Writes what :func:`load_weights` reads.

    Args:
        folder: where it is written; made if missing.
        controlnet: the trained ControlNet.
        settings: its settings.
        base: the Stable Diffusion, if it is to be saved too; else the settings name it.
        pretrained: the ControlNet that tuning started from, if it is to be saved too.

    Raises:
        InputError: the folder cannot be written, or a tensor is not finite.
    """
    if base is not None:
        model = replace(settings.model, base=BASE_FOLDER, tokenizer=None)
        settings = replace(settings, model=model)
    if pretrained is not None:
        settings = replace(settings, init_from=Path(_PRETRAINED))
    with atomic_folder(folder) as temporary:
        controlnet.save_pretrained(temporary / "controlnet")
        if base is not None:
            save_base(base, temporary / BASE_FOLDER)
        if pretrained is not None:
            pretrained.save_pretrained(temporary / _PRETRAINED)
        save_settings(settings, KIND, temporary)
        check_saved(temporary, folder)
