"""A method's weights and, beside them, the settings: all that inference needs to know about them.

A folder of weights holds ``settings.yaml``, whether ``save_pretrained``, a training or ``palsynth
release`` wrote it. A single network, such as an encoder, has its diffusers ``config.json`` instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from safetensors import SafetensorError

from palsynth.documents import kind_of, read_json, read_yaml
from palsynth.errors import InputError
from palsynth.files import atomic_folder, atomic_write
from palsynth.training.finite import check_saved
from palsynth.training.recipe_file import from_dict, to_yaml

if TYPE_CHECKING:  # diffusers takes seconds to import, and reading settings needs none of it
    from diffusers.models.modeling_utils import ModelMixin

S = TypeVar("S")

SETTINGS = "settings.yaml"


def read_config(path: Path) -> dict[str, Any]:
    """Reads the settings of a network that diffusers or transformers wrote, before they do.

    Their own readers let the last of two equal keys win, and fail in many ways at damaged files.

    Args:
        path: ``config.json`` or the like.

    Returns:
        The settings.

    Raises:
        InputError: it cannot be read, is no JSON that can be trusted, or holds no settings.
    """
    config = read_json(path, "get the weights again")
    if not isinstance(config, dict):
        raise InputError(f"{path}: holds {kind_of(config)}, not settings; get the weights again")
    return config


def save_settings(settings: Any, kind: str, folder: Path) -> None:
    """Writes settings beside the weights that they are for.

    Args:
        settings: the settings dataclass.
        kind: kind of weights, as that of the recipe which trains them.
        folder: folder of the weights.

    Raises:
        InputError: the file cannot be written.
    """
    with atomic_write(folder / SETTINGS) as temporary:
        temporary.write_text(f"kind: {kind}\n{to_yaml(settings)}", "utf-8")


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


def load_settings(settings: type[S], kind: str, folder: Path) -> S:
    """Reads the settings that :func:`save_settings` wrote.

    Args:
        settings: the settings dataclass.
        kind: the kind of weights that is expected; files of 0.2 name none.
        folder: folder of the weights.

    Returns:
        The settings.

    Raises:
        InputError: the folder or the file does not exist, is for weights of another kind, or has a
            faulty value.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give one of {kind} weights")
    if not (folder / SETTINGS).is_file():
        raise InputError(f"{folder}: holds no {kind} weights (no {SETTINGS}); give another folder")
    data = read_yaml(folder / SETTINGS)
    if not isinstance(data, dict):
        raise InputError(f"{folder / SETTINGS}: holds no settings; write the weights again")
    found = data.pop("kind", kind)
    if found != kind:
        raise InputError(
            f"{folder}: holds weights of kind {found}, not {kind}; give another folder"
        )
    return from_dict(settings, data, str(folder / SETTINGS))
