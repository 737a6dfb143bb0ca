"""Weights that are numbers: checked before they are written and where they are read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from palsynth.errors import InputError


def first_not_finite(tensors: Mapping[str, Tensor]) -> str | None:
    """Finds a tensor with a value that is infinite or not a number.

    Args:
        tensors: name -> tensor, on any device.

    Returns:
        The name of the first such tensor; None if all values are finite.
    """
    floats = {name: t.detach() for name, t in tensors.items() if t.is_floating_point()}
    # one number a tensor, so that a GPU is waited for once a device
    by_device: dict[torch.device, list[str]] = {}
    for name, tensor in floats.items():
        by_device.setdefault(tensor.device, []).append(name)
    faulty: set[str] = set()
    for names in by_device.values():
        finite = torch.stack([_all_finite(floats[name]) for name in names]).tolist()
        faulty |= {name for name, fine in zip(names, finite, strict=True) if not fine}
    return next((name for name in floats if name in faulty), None)


def check_finite(tensors: Mapping[str, Tensor], where: Path | str) -> None:
    """Checks that all values of a network's tensors are finite.

    Args:
        tensors: name -> tensor.
        where: the file or folder of the weights, for the error message.

    Raises:
        InputError: names the first tensor with a value that is infinite or not a number.
    """
    if (name := first_not_finite(tensors)) is not None:
        raise InputError(
            f"{where}: tensor {name} has values that are not finite; its training diverged or the "
            "file is damaged: use other weights"
        )


def check_saved(folder: Path, where: Path | str) -> None:
    """Checks that all values in the safetensors files of a folder are finite.

    Args:
        folder: the folder, with its subfolders.
        where: the folder's name in messages, which differs while it is written.

    Raises:
        InputError: a file is damaged; or names the first tensor with a value that is infinite or
            not a number.
    """
    for path in sorted(folder.rglob("*.safetensors")):
        name = f"{where}/{path.relative_to(folder)}"
        try:
            tensors = load_file(path)
        except (OSError, SafetensorError) as error:
            raise InputError(f"{name}: cannot be read ({error})") from None
        check_finite(tensors, name)


def _all_finite(tensor: Tensor) -> Tensor:
    """Whether a tensor's values are finite, as a tensor of one value; in no more memory."""
    if not tensor.numel():
        return torch.tensor(True, device=tensor.device)
    wide = tensor.float() if tensor.element_size() == 1 else tensor  # 8 bit have no minimum
    smallest, largest = torch.aminmax(wide)  # both are NaN where any value is
    return torch.isfinite(smallest) & torch.isfinite(largest)
