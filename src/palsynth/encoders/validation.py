"""Validation pictures, which no encoder is trained on."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from palsynth.data.examples import stack
from palsynth.data.synthetic_source import SyntheticSource
from palsynth.subjects import VALIDATION_SEEDS

PEOPLE, EACH = 32, 4


@lru_cache(maxsize=1)
def validation_batch() -> dict[str, Tensor]:
    """Four pictures of each of 32 synthetic subjects; the first 32 pictures show each one once."""
    source = SyntheticSource(VALIDATION_SEEDS, PEOPLE, seed=9)
    batch = stack([source[n] for n in range(PEOPLE * EACH)])
    return {name: torch.from_numpy(array) for name, array in batch.items()}


def on(device: torch.device) -> dict[str, Tensor]:
    """Moves the validation batch to a device.

    Args:
        device: the device.

    Returns:
        Field name -> tensor (128, …).
    """
    return {name: tensor.to(device) for name, tensor in validation_batch().items()}
