"""A fixed batch of pairs of subjects that no training uses, for metrics during training."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from palsynth.data.examples import stack
from palsynth.data.groups import MEMBERS, SCRIPTS, GroupsSource
from palsynth.data.training_pairs import PairExample, make_pair
from palsynth.encoders.validation import FIRST

GROUPS = 2


@lru_cache(maxsize=2)
def validation_batch(size: int) -> dict[str, Tensor]:
    """24 pairs of validation subjects, rendered once per process.

    Args:
        size: side of the images in pixels.

    Returns:
        A batch as the training loop makes it, such as ``identity`` (24, size, size, 3) uint8 RGB.
    """
    source = GroupsSource(FIRST + 2000, 500, seed=99, healthy=0.1)
    pairs: list[PairExample] = []
    for number in range(GROUPS):
        group = source[number]
        for member in range(MEMBERS):
            for script in range(SCRIPTS):
                pairs.append(make_pair(group, member, script, (member + 1) % MEMBERS, size))
    return {name: torch.from_numpy(array) for name, array in stack(pairs).items()}
