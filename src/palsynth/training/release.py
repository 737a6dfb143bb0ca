"""Weights of a finished run for publication: half precision, with recipe and metrics."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from palsynth.documents import read_json, read_json_lines
from palsynth.errors import InputError
from palsynth.files import atomic_folder
from palsynth.folders import list_files


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
        InputError: the run is not finished, or a file cannot be written.
    """
    weights = run / "weights"
    if not weights.is_dir():
        raise InputError(f"{run}: has no weights; finish its training first")
    with atomic_folder(folder) as temporary:
        for path in list_files(weights):
            target = temporary / path.relative_to(weights)
            target.parent.mkdir(parents=True, exist_ok=True)
            _copy(path, target)
        (temporary / "metrics.json").write_text(
            json.dumps(_last_figures(run), indent=1) + "\n", "utf-8"
        )
        return sum(path.stat().st_size for path in temporary.rglob("*.safetensors"))


def _copy(path: Path, target: Path) -> None:
    """Copies a file of the weights, in half precision and without paths of this machine."""
    if path.suffix == ".safetensors":
        tensors = {name: _to_half(tensor) for name, tensor in load_file(path).items()}
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
        save_file(tensors, target, metadata={**metadata, "format": "pt"})
        target.chmod(0o644)  # safetensors makes files readable by the owner only
    elif path.name == "config.json":
        config = read_json(path, "train again")
        config.pop("_name_or_path", None)  # path of the weights it was initialised from
        target.write_text(json.dumps(config, indent=2) + "\n", "utf-8")
    else:
        shutil.copyfile(path, target)


def _to_half(tensor: torch.Tensor) -> torch.Tensor:
    if not tensor.is_floating_point():
        return tensor
    half = tensor.half()
    return half if torch.isfinite(half).all() else tensor


def _last_figures(run: Path) -> dict[str, float]:
    """The last value of each figure in the log."""
    figures: dict[str, float] = {}
    for _, row in read_json_lines(run / "metrics.jsonl", "delete the line"):
        figures.update(row)
    return figures
