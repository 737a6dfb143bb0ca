"""Pictures that no encoder trains on, to look at while one does."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from palsynth.data.examples import stack
from palsynth.data.synthetic_source import SyntheticSource
from palsynth.subjects import EVALUATION_SEEDS

PEOPLE, EACH = 32, 4
FIRST = EVALUATION_SEEDS - 10_000
"""Seed of the first validation person: neither for training nor for evaluation."""


@lru_cache(maxsize=1)
def validation_batch() -> dict[str, Tensor]:
    """32 people, four pictures each, as a batch; the first 32 show everybody once."""
    source = SyntheticSource(FIRST, PEOPLE, seed=9)
    batch = stack([source[n] for n in range(PEOPLE * EACH)])
    return {name: torch.from_numpy(array) for name, array in batch.items()}


def on(device: torch.device) -> dict[str, Tensor]:
    """The validation batch on a device."""
    return {name: tensor.to(device) for name, tensor in validation_batch().items()}
