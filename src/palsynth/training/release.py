"""From a finished run to weights that can be handed on: half precision, recipe, metrics."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from palsynth.errors import InputError
from palsynth.files import atomic_write


def release(run: Path, folder: Path) -> int:
    """Writes a run's weights into ``folder`` in half precision, with the recipe and the last
    figures of its log (metrics.json). Returns the bytes of the weights.

    Tensors that half precision cannot hold stay as they are. What else lies in the folder, a
    model card, stays. Raises InputError where the run is not finished.
    """
    weights = run / "weights"
    if not weights.is_dir():
        raise InputError(f"{run}: has no weights; finish its training first")
    folder.mkdir(parents=True, exist_ok=True)
    size = 0
    for path in sorted(p for p in weights.rglob("*") if p.is_file()):
        target = folder / path.relative_to(weights)
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(target) as temporary:
            if path.suffix == ".safetensors":
                tensors = {name: _halved(t) for name, t in load_file(path).items()}
                with safe_open(path, "pt") as file:
                    said = file.metadata() or {}
                save_file(tensors, temporary, metadata={**said, "format": "pt"})
                temporary.chmod(0o644)  # safetensors makes files that only their owner may read
                size += temporary.stat().st_size
            elif path.name == "config.json":
                config = json.loads(path.read_text("utf-8"))
                config.pop("_name_or_path", None)  # where the weights lay that it began with
                temporary.write_text(json.dumps(config, indent=2) + "\n", "utf-8")
            else:
                shutil.copyfile(path, temporary)
    with atomic_write(folder / "metrics.json") as temporary:
        temporary.write_text(json.dumps(_last_figures(run), indent=1) + "\n", "utf-8")
    return size


def _halved(tensor: torch.Tensor) -> torch.Tensor:
    if not tensor.is_floating_point():
        return tensor
    half = tensor.half()
    return half if torch.isfinite(half).all() else tensor


def _last_figures(run: Path) -> dict[str, float]:
    """The last value of each figure in the log."""
    figures: dict[str, float] = {}
    for line in (run / "metrics.jsonl").read_text("utf-8").splitlines():
        figures.update(json.loads(line))
    return figures
