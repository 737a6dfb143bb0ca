"""Loads our own encoders, from the package or from a folder."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, TypeVar

import torch

from palsynth import renamed
from palsynth.errors import InputError
from palsynth.training.finite import check_finite
from palsynth.training.saved import read_config

N = TypeVar("N")

ASSETS = Path(__file__).parent / "assets"

CLASSES = {
    "identity": "palsynth.encoders.irnet:IRNet",
    "expression": "palsynth.encoders.irnet:IRNet",
    "landmarks": "palsynth.encoders.landmarks:LandmarkNet",
    "judge": "palsynth.encoders.judge:JudgeNet",
    "reader": "palsynth.encoders.reader:ReaderNet",
}
"""Encoder -> module and class."""


def load_ours(name: str, folder: Path | None = None) -> Any:
    """Loads one of our networks in evaluation mode and single precision.

    Args:
        name: an encoder in CLASSES.
        folder: weights in ``save_pretrained`` form; default: those of this package.

    Returns:
        The network.

    Raises:
        InputError: the folder does not hold exactly the weights of this network.
    """
    module, kind = CLASSES[name].split(":")
    return load_exact(getattr(importlib.import_module(module), kind), folder or ASSETS / name)


def load_exact(network_class: type[N], where: Path) -> N:
    """Loads a network of ours in evaluation mode and single precision.

    Args:
        network_class: its class, a diffusers network.
        where: weights in ``save_pretrained`` form.

    Returns:
        The network.

    Raises:
        InputError: the folder does not hold exactly the weights of this network.
    """
    cls: Any = network_class
    kind = cls.__name__
    if not (where / "config.json").is_file():
        raise InputError(f"{where}: holds no weights (no config.json); give a trained folder")
    check_class(read_config(where / "config.json"), kind, where)
    try:
        model, loaded = cls.from_pretrained(
            where, torch_dtype=torch.float32, local_files_only=True, output_loading_info=True
        )
    except (
        *(OSError, ValueError, RuntimeError, TypeError),
        *(LookupError, AttributeError, ArithmeticError),
    ) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise InputError(f"{where}: cannot be loaded as {kind} ({first})") from None
    for fault in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        if loaded[fault]:  # diffusers only warns
            raise InputError(
                f"{where}: is no {kind} ({fault.replace('_', ' ')}: {sorted(loaded[fault])[0]})"
            )
    check_finite(model.state_dict(), where)
    network: N = model.eval()
    return network


def check_class(config: dict[str, Any], kind: str, where: Path) -> None:
    """Checks that the settings of a network are for the network that is to be loaded.

    Args:
        config: what its ``config.json`` holds.
        kind: name of the class; names of 0.1 are replaced.
        where: folder of the weights, for the message.

    Raises:
        InputError: they are of another class.
    """
    name = str(config.get("_class_name", kind))
    found = renamed.NETWORKS.get(name, name)
    if found != kind:
        raise InputError(f"{where}: holds {found}, not {kind}; give a folder of that kind")
