"""Checkpoints with the names and shapes of the published one, and the values of a rule.

``published-golden.npz`` holds what the published network itself computes with the values of
:func:`by_rule`, from the inputs below (evaluation mode, single precision): no trained weight.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from math import prod
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

_HERE = Path(__file__).parent
_KEYS = json.loads((_HERE / "published-keys.json").read_text())
_ENCODERS = json.loads((_HERE.parents[1] / "encoders" / "published-keys.json").read_text())

AVERAGE = "ema_model.averaged_model."
UNET = "model."
RECOGNISERS = (
    "label_mapping.backbone.backbone.",
    "face_model.backbone.",
    "id_model.backbone.",
    "recognition_model.backbone.",
)
STEPS = torch.tensor([100, 700])
"""Timesteps of the two images."""

Fill = Callable[[str, list[int]], Tensor]
"""A tensor for a key and its shape."""


def golden() -> dict[str, Tensor]:
    """What the published network computes."""
    with np.load(_HERE / "published-golden.npz") as arrays:
        return {name: torch.from_numpy(arrays[name]) for name in arrays}


def shapes() -> dict[str, list[int]]:
    """Key -> shape of all 2943 tensors of the published checkpoint."""
    out: dict[str, list[int]] = {k: s for part in _KEYS.values() for k, s in part.items()}
    out |= {AVERAGE + k.removeprefix(UNET): s for k, s in _KEYS["model"].items()}
    for prefix in RECOGNISERS:
        out |= {prefix + k: s for k, s in _ENCODERS["ir50"].items()}
    return out | {f"landmark_detector.{k}": s for k, s in _ENCODERS["mobilefacenet"].items()}


def by_rule(key: str, shape: list[int]) -> Tensor:
    """The value of the rule, from the key's own generator."""
    n = np.random.default_rng(zlib.crc32(key.encode())).standard_normal(shape)
    gain = 1.1 if key.startswith("landmark_detector.") else 0.8
    prelu = (".prelu.weight", ".input_layer.2.weight", ".res_layer.3.weight")
    if key.endswith("num_batches_tracked"):
        return torch.tensor(0)
    if key == "label_mapping.scaler.0":
        n = np.full(shape, 0.1)
    elif key == "label_mapping.pos_emb.0":
        n = 0.5 * n
    elif key.endswith((".running_mean", ".bias")):
        n = 0.1 * n
    elif key.endswith(".running_var"):
        n = 1 + 0.1 * abs(n)
    elif len(shape) > 1:
        n = n * (gain / np.sqrt(prod(shape[1:])))
    elif key.endswith(prelu):
        n = 0.25 + 0.05 * n
    else:
        n = 1 + 0.1 * n
    return torch.from_numpy(n.astype("float32"))


def blank(key: str, shape: list[int]) -> Tensor:
    """Zeros that take no room, in memory or in a file."""
    return torch.zeros(()).expand(shape)


def checkpoint(fill: Fill, without: str | tuple[str, ...] = ()) -> dict[str, Tensor]:
    """A state dict with the published keys.

    Args:
        fill: makes the tensors.
        without: beginnings of keys that are left out.
    """
    return {k: fill(k, s) for k, s in shapes().items() if not k.startswith(without)}


def inputs() -> dict[str, Tensor]:
    """``identity`` and ``expression`` images in 0 … 1 and noisy images ``x_t``, two of each."""
    out = {"x_t": np.random.default_rng(3).standard_normal((2, 3, 112, 112)).astype("float32")}
    for seed, name in ((1, "identity"), (2, "expression")):
        coarse = 0.5 * np.random.default_rng(seed).standard_normal((2, 3, 8, 8))
        coarse = (np.clip(coarse, -1, 1) + 1) / 2
        out[name] = np.repeat(np.repeat(coarse, 14, 2), 14, 3).astype("float32")
    return {name: torch.from_numpy(array) for name, array in out.items()}
