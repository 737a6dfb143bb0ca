"""Checkpoints: folders of safetensors and JSON, written completely or not at all."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from pydantic import FiniteFloat, NonNegativeInt, PositiveInt, TypeAdapter, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from palsynth.documents import DocumentError, read_json
from palsynth.errors import InputError
from palsynth.training.finite import check_finite


def write(
    run: Path,
    step: int,
    tensors: Mapping[str, Mapping[str, Tensor]],
    state: Any,
    max_checkpoints: int,
) -> Path:
    """Writes ``checkpoints/step-N`` and removes old checkpoints.

    Args:
        run: folder of the run.
        step: optimiser steps done.
        tensors: file stem -> name -> tensor.
        state: any value that JSON can represent.
        max_checkpoints: number of newest checkpoints that remain, at least 1.

    Returns:
        The folder of the checkpoint.

    Raises:
        InputError: the checkpoint cannot be written, or a tensor is not finite.
    """
    folder = run / "checkpoints"
    final = folder / f"step-{step}"
    temporary = folder / f".step-{step}.partial"
    for stem, named in tensors.items():
        check_finite(named, final / f"{stem}.safetensors")
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        for stem, named in tensors.items():
            contiguous = {name: tensor.detach().contiguous() for name, tensor in named.items()}
            save_file(contiguous, temporary / f"{stem}.safetensors")
        (temporary / "state.json").write_text(json.dumps(state, indent=1) + "\n", "utf-8")
        for path in temporary.iterdir():
            _sync_to_disk(path)
        if final.exists():
            _remove(final)
        os.replace(temporary, final)
        _sync_to_disk(folder)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise InputError(f"{final}: cannot be written ({error})") from None
    tidy(run, max_checkpoints)
    return final


def tidy(run: Path, max_checkpoints: int) -> None:
    """Removes old checkpoints, and what a killed run left of one.

    Args:
        run: folder of the run.
        max_checkpoints: number of newest checkpoints that remain, at least 1.

    Raises:
        InputError: a checkpoint cannot be removed.
    """
    folder = run / "checkpoints"
    try:
        for old in steps(run)[:-max_checkpoints]:
            _remove(folder / f"step-{old}")
        for leftover in folder.glob(".step-*"):
            shutil.rmtree(leftover)
    except OSError as error:
        raise InputError(f"{folder}: an old checkpoint cannot be removed ({error})") from None


def _remove(checkpoint: Path) -> None:
    """Deletes a checkpoint, of which a kill leaves nothing that looks like a complete one."""
    old = checkpoint.with_name(f".{checkpoint.name}.old")
    os.replace(checkpoint, old)
    shutil.rmtree(old)


def _sync_to_disk(path: Path) -> None:
    """Waits until a file or folder would survive a power failure."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def steps(run: Path) -> list[int]:
    """Lists the complete checkpoints of a run.

    Args:
        run: folder of the run.

    Returns:
        Their steps, oldest first.
    """
    folders = (path for path in (run / "checkpoints").glob("step-*") if path.is_dir())
    found = (path.name.removeprefix("step-") for path in folders)
    return sorted(int(number) for number in found if re.fullmatch("0|[1-9][0-9]{0,17}", number))


def read(folder: Path, stem: str) -> dict[str, Tensor]:
    """Reads one tensor file of a checkpoint.

    Args:
        folder: folder of the checkpoint.
        stem: file name without suffix: ``model``, ``ema`` or ``optimizer``.

    Returns:
        Name -> tensor, on the CPU.

    Raises:
        InputError: the file is missing or damaged, or a tensor is not finite.
    """
    path = folder / f"{stem}.safetensors"
    try:
        found = load_file(path)
    except (OSError, SafetensorError, ValueError, KeyError) as error:
        raise InputError(f"{path}: cannot be read ({_line(error)}); {remedy(folder)}") from None
    check_finite(found, path)
    return found


@dataclass(frozen=True)
class RunState:
    """What a run's ``state.json`` holds.

    Attributes:
        step: optimiser steps done.
        ranks: number of processes.
        window: losses since the last row of the log.
        scaler: state of what scales the loss, in fp16.
    """

    step: NonNegativeInt
    ranks: PositiveInt
    window: list[list[FiniteFloat]]
    scaler: dict[str, int | FiniteFloat] = field(default_factory=dict)


def read_run_state(folder: Path, scaler: Collection[str] | None) -> RunState:
    """Reads and checks the state of a run.

    Args:
        folder: folder of the checkpoint.
        scaler: names in the scaler's state; None for a run without one.

    Returns:
        The state.

    Raises:
        InputError: the file is missing or damaged, or of another step than the folder's name says.
    """
    path = folder / "state.json"
    try:
        state = TypeAdapter(RunState).validate_python(read_state(folder))
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(map(str, fault["loc"])) or "the state"
        raise InputError(f"{path}: {place}: {fault['msg']}; {remedy(folder)}") from None
    if folder.name != f"step-{state.step}":
        raise InputError(f"{path}: is of step {state.step}; {remedy(folder)}")
    if len(set(map(len, state.window))) > 1:
        raise InputError(f"{path}: window: its rows differ in length; {remedy(folder)}")
    if scaler is not None and set(scaler) != state.scaler.keys():
        raise InputError(f"{path}: scaler: holds other values; {remedy(folder)}")
    return state


def remedy(folder: Path) -> str:
    """What to do about a damaged checkpoint, for error messages.

    Args:
        folder: folder of the checkpoint.

    Returns:
        The end of a message.
    """
    older = len(steps(folder.parent.parent)) > 1
    then = "to resume from the one before it" if older else "and train from scratch"
    return f"the checkpoint is damaged: delete {folder} {then}"


def _line(error: Exception) -> str:
    """The first line of an error of another library."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def read_state(folder: Path) -> Any:
    """Reads the state that was passed to :func:`write`.

    Args:
        folder: folder of the checkpoint.

    Returns:
        The state as JSON represents it.

    Raises:
        InputError: the file is missing or damaged.
    """
    path = folder / "state.json"
    try:
        return read_json(path)
    except DocumentError as error:
        fault = f"cannot be read ({error.fault})"
        raise DocumentError(path, fault, remedy(folder)) from None


@torch.no_grad()
def fill(current: dict[str, Tensor], saved: dict[str, Tensor], where: Path) -> None:
    """Copies saved tensors into the tensors of a model, in place.

    Args:
        current: name -> tensor of the model.
        saved: name -> tensor of the checkpoint, with the same names and shapes.
        where: the checkpoint, for the error message.

    Raises:
        InputError: a tensor is missing, unknown or of another shape.
    """
    for name in current.keys() ^ saved.keys():
        which = "is missing" if name in current else "does not belong to this recipe"
        raise InputError(f"{where}: tensor {name} {which}; resume with the recipe it was made with")
    for name, tensor in current.items():
        if tensor.shape != saved[name].shape:
            raise InputError(
                f"{where}: tensor {name} is {tuple(saved[name].shape)}, "
                f"this recipe needs {tuple(tensor.shape)}"
            )
        tensor.copy_(saved[name])


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Flattens the state of an optimiser; its hyperparameters are in the recipe.

    Args:
        optimizer: the optimiser.

    Returns:
        ``index.slot`` -> tensor, the index being that of the parameter.
    """
    state = optimizer.state_dict()["state"]
    return {f"{i}.{slot}": torch.as_tensor(t) for i, s in state.items() for slot, t in s.items()}


def fill_optimizer(optimizer: torch.optim.Optimizer, saved: dict[str, Tensor], where: Path) -> None:
    """Restores the state that :func:`optimizer_tensors` flattened.

    Args:
        optimizer: an optimiser of the same parameters.
        saved: ``index.slot`` -> tensor.
        where: their file, for the error message.

    Raises:
        InputError: a tensor belongs to no parameter, is of another shape than its own, or is
            missing.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in saved.items():
        index, _, slot = name.partition(".")
        number = int(index) if re.fullmatch("[0-9]{1,9}", index) else len(parameters)
        if number >= len(parameters) or tensor.shape not in ((), parameters[number].shape):
            raise InputError(f"{where}: tensor {name} fits no parameter; {remedy(where.parent)}")
        state.setdefault(number, {})[slot] = tensor
    slots = {slot for values in state.values() for slot in values}
    for number, values in state.items():
        for slot in slots - values.keys():
            raise InputError(f"{where}: tensor {number}.{slot} is missing; {remedy(where.parent)}")
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
