"""Weights of a finished run for publication: half precision, with recipe and metrics."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from palsynth.documents import kind_of, read_json, read_json_lines
from palsynth.errors import InputError
from palsynth.files import atomic_folder
from palsynth.folders import list_files
from palsynth.paths import FileNames
from palsynth.training.finite import check_finite


def release(run: Path, folder: Path) -> int:
    """Writes the weights of a run in half precision, with its recipe and metrics.json.

    The folder holds all of them or, after an error, what it held before. metrics.json holds the
    last value of each figure in the log. Tensors with values outside the range of half precision
    are copied unchanged. Other files in the folder, such as a model card, are left alone.

    Args:
        run: folder of the run.
        folder: folder of the released weights; created if needed.

    Returns:
        Size of the weights in bytes.

    Raises:
        InputError: the run is not finished or a file of it is damaged or a link to elsewhere, a
            tensor is not finite, the folder is the run's own, or a file cannot be written.
    """
    check_run(run, folder)
    weights = run / "weights"
    names, files = FileNames(weights, "weights"), list_files(weights)
    for path in files:  # what a link leads to is not for publication
        names.join(path.relative_to(weights).as_posix(), str(weights))
    with atomic_folder(folder) as temporary:
        for path in files:
            target = temporary / path.relative_to(weights)
            target.parent.mkdir(parents=True, exist_ok=True)
            _copy(path, target)
        (temporary / "metrics.json").write_text(
            json.dumps(_last_figures(run / "metrics.jsonl"), indent=1) + "\n", "utf-8"
        )
        return sum(path.stat().st_size for path in temporary.rglob("*.safetensors"))


def check_run(run: Path, folder: Path) -> None:
    """Checks that a run can be released into a folder.

    Args:
        run: folder of the run.
        folder: folder of the released weights.

    Raises:
        InputError: the run is not finished or holds no weights, or the folder is the run's own.
    """
    weights = run / "weights"
    if not weights.is_dir():
        raise InputError(f"{run}: has no weights; finish its training first")
    if not any(weights.rglob("*.safetensors")):
        raise InputError(f"{weights}: holds no safetensors file; train again")
    out, own = folder.resolve(), run.resolve()
    if out == own or out.is_relative_to(weights.resolve()):
        raise InputError(f"{folder}: holds the run's own weights; give another --out")


def _copy(path: Path, target: Path) -> None:
    """Copies a file of the weights, in half precision and without paths of this machine."""
    if path.suffix == ".safetensors":
        try:
            tensors = load_file(path)
            with safe_open(path, "pt") as file:
                metadata = file.metadata() or {}
        except (OSError, SafetensorError) as error:
            raise InputError(f"{path}: cannot be read ({error}); train again") from None
        check_finite(tensors, path)
        halves = {name: _to_half(tensor) for name, tensor in tensors.items()}
        save_file(halves, target, metadata={**metadata, "format": "pt"})
        target.chmod(0o644)  # safetensors makes files readable by the owner only
    elif path.name == "config.json":
        config = read_json(path, "train again")
        if not isinstance(config, dict):
            raise InputError(f"{path}: holds {kind_of(config)}, no settings; train again")
        config.pop("_name_or_path", None)  # path of the weights it was initialised from
        target.write_text(json.dumps(config, indent=2) + "\n", "utf-8")
    else:
        shutil.copyfile(path, target)


def _to_half(tensor: torch.Tensor) -> torch.Tensor:
    if not tensor.is_floating_point():
        return tensor
    half = tensor.half()
    return half if torch.isfinite(half).all() else tensor


def _last_figures(log: Path) -> dict[str, float]:
    """The last value of each figure in the log of a run."""
    figures: dict[str, float] = {}
    for _, row in read_json_lines(log, "delete the line"):
        figures.update(row)
    return figures
