"""A model on disk: settings.yaml, and a folder for each network, safetensors only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from diffusers.models.modeling_utils import ModelMixin

from palsynth.encoders.shipped import load_exact
from palsynth.training.saved import load_settings

S = TypeVar("S")

FAMILY = "gans"
"""Name of the package, in which the weights that ship lie."""


def load_networks(
    classes: Mapping[str, type[ModelMixin]], settings: type[S], kind: str, folder: Path
) -> tuple[dict[str, Any], S]:
    """Loads what :func:`palsynth.training.saved.save_networks` wrote.

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
