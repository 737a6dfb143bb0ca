"""A model on disk: settings.yaml, and a folder for each network, safetensors only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from diffusers.models.modeling_utils import ModelMixin
from safetensors import SafetensorError

from palsynth.encoders.shipped import load_exact
from palsynth.errors import InputError
from palsynth.files import atomic_folder
from palsynth.training.finite import check_saved
from palsynth.training.saved import load_settings, save_settings

S = TypeVar("S")

ASSETS = Path(__file__).parents[1] / "assets"
"""The weights that ship, a folder for each method."""


def shipped(method: str) -> Path:
    """The folder of the weights that ship for a method.

    Args:
        method: name of the method.

    Returns:
        The folder.

    Raises:
        InputError: none ship for it.
    """
    folder = ASSETS / method
    if not folder.is_dir():
        raise InputError(
            f"method {method}: no weights ship; train recipes/{method}-small.yaml and give the "
            "folder of its weights"
        )
    return folder


def save_networks(
    networks: Mapping[str, ModelMixin], settings: Any, kind: str, folder: Path
) -> None:
    """Writes networks and their settings.

    Args:
        networks: name of a subfolder -> the network.
        settings: the settings dataclass.
        kind: kind of the recipe that trains them.
        folder: folder to write to; created if missing.

    Raises:
        InputError: the folder cannot be written, or a tensor is not finite.
    """
    try:
        with atomic_folder(folder) as temporary:
            for name, network in networks.items():
                network.save_pretrained(temporary / name)
            save_settings(settings, kind, temporary)
            check_saved(temporary, folder)
    except SafetensorError as error:
        raise InputError(f"{folder}: cannot be written ({error})") from None


def load_networks(
    classes: Mapping[str, type[ModelMixin]], settings: type[S], kind: str, folder: Path
) -> tuple[dict[str, Any], S]:
    """Loads what :func:`save_networks` wrote.

    Args:
        classes: name of a subfolder -> class of its network.
        settings: the settings dataclass.
        kind: kind of weights that is expected.
        folder: the folder.

    Returns:
        The networks by name, frozen, in evaluation mode and single precision, on the CPU; and their
        settings.

    Raises:
        InputError: the folder does not exist, holds weights of another kind, or damaged ones.
    """
    found = load_settings(settings, kind, folder)
    networks = {
        name: load_exact(network_class, folder / name).requires_grad_(False)
        for name, network_class in classes.items()
    }
    return networks, found
