"""Random light on images."""

from __future__ import annotations

import torch
from torch import Tensor

CHANNELS = 0.4
"""How much the channels deviate from one another, as a share of their common deviation."""


def random_tint(images: Tensor, deviation: float, rng: torch.Generator) -> Tensor:
    """Scales the brightness of each image at random, and of each of its channels a little.

    Args:
        images: (N, 3, S, S), -1 … 1.
        deviation: standard deviation of the logarithm of the brightness's factor.
        rng: source of the factors.

    Returns:
        (N, 3, S, S), -1 … 1.
    """
    count, device = len(images), images.device
    common = torch.randn(count, 1, 1, 1, generator=rng, device=device)
    own = torch.randn(count, 3, 1, 1, generator=rng, device=device)
    factors = torch.exp(deviation * (common + CHANNELS * own))
    return ((images + 1) * factors - 1).clamp(-1, 1)
