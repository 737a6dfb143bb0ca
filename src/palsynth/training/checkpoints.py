"""Checkpoints: folders of safetensors and JSON that are there whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from palsynth.errors import InputError


def write(
    run: Path,
    step: int,
    tensors: Mapping[str, Mapping[str, Tensor]],
    state: Any,
    max_checkpoints: int,
) -> Path:
    """Writes ``checkpoints/step-N`` and removes all but the ``max_checkpoints`` newest.

    ``tensors`` file stem -> tensors; ``state`` anything JSON holds.
    """
    folder = run / "checkpoints"
    final = folder / f"step-{step}"
    temporary = folder / f".step-{step}.partial"
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        for stem, named in tensors.items():
            save_file({n: t.detach().contiguous() for n, t in named.items()},
                      temporary / f"{stem}.safetensors")  # fmt: skip
        (temporary / "state.json").write_text(json.dumps(state, indent=1) + "\n", "utf-8")
        for path in temporary.iterdir():
            _to_disk(path)
        if final.exists():
            shutil.rmtree(final)
        os.replace(temporary, final)
        _to_disk(folder)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise InputError(f"{final}: cannot be written ({error})") from None
    for old in steps(run)[:-max_checkpoints]:
        shutil.rmtree(folder / f"step-{old}")
    return final


def _to_disk(path: Path) -> None:
    """Waits until a file or folder would survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def steps(run: Path) -> list[int]:
    """Steps of the whole checkpoints of a run, oldest first."""
    found = (p.name.removeprefix("step-") for p in (run / "checkpoints").glob("step-*"))
    return sorted(int(number) for number in found if number.isdigit())


def read(folder: Path, stem: str) -> dict[str, Tensor]:
    """One file of tensors. Raises InputError where it is damaged."""
    path = folder / f"{stem}.safetensors"
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path}: cannot be read ({error}); use an older checkpoint") from None


def read_state(folder: Path) -> Any:
    """What ``write`` was given as state. Raises InputError where it is damaged."""
    path = folder / "state.json"
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error}); use an older checkpoint") from None


@torch.no_grad()
def fill(uncached: dict[str, Tensor], saved: dict[str, Tensor], where: Path) -> None:
    """Copies saved tensors into live ones. Raises InputError naming the first that does not fit."""
    for name in uncached.keys() ^ saved.keys():
        which = "is missing" if name in uncached else "does not belong to this recipe"
        raise InputError(f"{where}: tensor {name} {which}; resume with the recipe it was made with")
    for name, tensor in uncached.items():
        if tensor.shape != saved[name].shape:
            raise InputError(
                f"{where}: tensor {name} is {tuple(saved[name].shape)}, "
                f"this recipe needs {tuple(tensor.shape)}"
            )
        tensor.copy_(saved[name])


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """State of an optimiser as flat names ``index.slot``; its options are the recipe's."""
    state = optimizer.state_dict()["state"]
    return {f"{i}.{slot}": torch.as_tensor(t) for i, s in state.items() for slot, t in s.items()}


def fill_optimizer(optimizer: torch.optim.Optimizer, saved: dict[str, Tensor]) -> None:
    """The reverse of :func:`optimizer_tensors`."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in saved.items():
        index, slot = name.split(".", 1)
        state.setdefault(int(index), {})[slot] = tensor
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
