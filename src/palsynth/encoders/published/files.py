"""Reading published weight files without running what may be hidden in them."""

from __future__ import annotations

import pickle
import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from palsynth.errors import InputError

_DAMAGE = (
    SafetensorError, RuntimeError, EOFError, OSError, ValueError, LookupError, TypeError,
    AttributeError, struct.error, zipfile.BadZipFile,
)  # fmt: skip
"""What readers of damaged files raise."""


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Name -> tensor of a ``.safetensors``, ``.ckpt``, ``.pth``, ``.pt`` or ``.tar`` file.

    Pickles are read with ``weights_only``: a file that wants to run code is refused. Training
    checkpoints give their ``state_dict``.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; give the path of the weights")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        found = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        unsafe = "Unsupported global" in str(error) or "Unsupported class" in str(error)
        fault = (
            "holds code, not only weights; it is not loaded. Ask for a safetensors file"
            if unsafe
            else "damaged or not a weight file; download it again"
        )
        raise InputError(f"{path}: {fault}") from None
    except _DAMAGE:
        raise InputError(f"{path}: damaged or not a weight file; download it again") from None
    found = found.get("state_dict", found) if isinstance(found, dict) else found
    if not isinstance(found, dict) or not all(isinstance(t, Tensor) for t in found.values()):
        raise InputError(f"{path}: holds no named tensors; give a state dict")
    return found


def holds(path: Path, prefix: str) -> bool:
    """Whether a file has tensors below a prefix."""
    return any(name.startswith(prefix) for name in read_tensors(path))


def take(tensors: dict[str, Tensor], prefixes: Sequence[str]) -> dict[str, Tensor]:
    """The tensors below the first prefix that there is; all of them where there is none."""
    for prefix in prefixes:
        below = {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
        if below:
            return below
    return tensors


def load_exactly(model: nn.Module, tensors: dict[str, Tensor], where: Path) -> None:
    """Loads tensors into a model, none missing, none left over, every shape right.

    Raises InputError naming the first fault. Counters of norms may be missing: old files
    have none, and nothing here reads them.
    """
    expected = model.state_dict()
    needed = {name for name in expected if not name.endswith("num_batches_tracked")}
    missing = sorted(needed - tensors.keys())
    extra = sorted(tensors.keys() - expected.keys())
    kind = type(model).__name__
    if missing:
        also = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        other = f"; it has {extra[0]} instead" if extra else ""
        raise InputError(f"{where}: key {missing[0]}{also} of {kind} is missing{other}")
    if extra:
        also = f" and {len(extra) - 1} more" if len(extra) > 1 else ""
        raise InputError(f"{where}: key {extra[0]}{also} does not belong to {kind}")
    for name in needed:
        if expected[name].shape != tensors[name].shape:
            raise InputError(
                f"{where}: {name} is {tuple(tensors[name].shape)}, "
                f"{kind} needs {tuple(expected[name].shape)}"
            )
    model.load_state_dict({**expected, **tensors})
