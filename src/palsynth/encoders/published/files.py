"""Reads published weight files without executing code that they may contain."""

from __future__ import annotations

import pickle
import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals

from palsynth.errors import InputError
from palsynth.training.finite import check_finite

_DAMAGE = (
    SafetensorError,
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    struct.error,
    zipfile.BadZipFile,
)
"""Exceptions that reading a damaged file can raise."""


_REFUSALS = ("unsupported global", "unsupported class", "can only ", "trying to call")
"""What torch says of a pickle that would do more than build tensors and plain values."""

_CODE = "holds code, not only weights; it is not loaded. Ask for a safetensors file"


class _Ignored:
    """Stands for whatever else a training checkpoint pickles: it takes everything, does nothing."""

    def __init__(self, *args: Any) -> None:
        pass

    def __setstate__(self, state: Any) -> None:
        pass


def _ignored_dict(*args: Any) -> dict[Any, Any]:
    """Stands for a ``defaultdict``, whose items the pickle goes on to set."""
    return {}


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Reads the tensors of a weight file, without running any code that it may hold.

    Of a training checkpoint, tensors and plain values are read with torch's ``weights_only``; what
    else it pickles, such as the settings of its training, is neither imported nor called.

    Args:
        path: a ``.safetensors``, ``.ckpt``, ``.pth``, ``.pt`` or ``.tar`` file; of a training
            checkpoint, its ``state_dict`` is read.

    Returns:
        Name -> tensor, on the CPU.

    Raises:
        InputError: the file is missing, damaged, unsafe, or has no named tensors.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; give the path of the weights")
    try:
        loaded = load_file(path) if path.suffix == ".safetensors" else _load_pickle(path)
    except pickle.UnpicklingError as error:
        unsafe = any(text in str(error).lower() for text in _REFUSALS)
        fault = _CODE if unsafe else "damaged or not a weight file; download it again"
        raise InputError(f"{path}: {fault}") from None
    except _DAMAGE:
        raise InputError(f"{path}: damaged or not a weight file; download it again") from None
    tensors = loaded.get("state_dict", loaded) if isinstance(loaded, dict) else loaded
    values = list(tensors.values()) if isinstance(tensors, dict) else [tensors]
    if any(isinstance(value, _Ignored) for value in values):
        raise InputError(f"{path}: {_CODE}")
    if not isinstance(tensors, dict) or not all(isinstance(t, Tensor) for t in values):
        raise InputError(f"{path}: holds no named tensors; give a state dict")
    return tensors


def _load_pickle(path: Path) -> Any:
    """What ``torch.save`` wrote, with :class:`_Ignored` in place of unknown classes and functions.

    Files in torch's format before 1.6, which is no zip file, must hold plain values alone.
    """
    if not zipfile.is_zipfile(path):
        return torch.load(path, map_location="cpu", weights_only=True)
    stubs: list[Any] = [
        (_ignored_dict if name == "collections.defaultdict" else _Ignored, name)
        for name in get_unsafe_globals_in_checkpoint(str(path))
    ]
    with safe_globals(stubs):
        return torch.load(path, map_location="cpu", weights_only=True, mmap=True)


def holds(path: Path, prefix: str) -> bool:
    """Checks whether a file has tensors with a prefix.

    Args:
        path: the weight file.
        prefix: start of the names.

    Returns:
        Whether any name starts with the prefix.
    """
    return any(name.startswith(prefix) for name in read_tensors(path))


def take(tensors: dict[str, Tensor], prefixes: Sequence[str]) -> dict[str, Tensor]:
    """Selects the tensors of one network in a file.

    Args:
        tensors: name -> tensor.
        prefixes: prefixes of names, tried in order.

    Returns:
        The tensors with the first prefix that occurs, without it; all tensors if none occurs.
    """
    for prefix in prefixes:
        selected = {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}
        if selected:
            return selected
    return tensors


def load_exactly(model: nn.Module, tensors: dict[str, Tensor], where: Path) -> None:
    """Loads tensors into a model, strictly.

    The batch counters of norms (``num_batches_tracked``) may be missing: old files lack them, and
    no code here reads them.

    Args:
        model: the model.
        tensors: name -> tensor.
        where: the file, for the error message.

    Raises:
        InputError: a key is missing, unknown or of another shape, or has values that are not
            finite; names the first.
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
    check_finite(tensors, where)
    model.load_state_dict({**expected, **tensors})
