"""Randomness as a pure function of (seed, step, rank): nothing to save, nothing to restore.

The numbers are mixed by numpy's SeedSequence, so neighbouring steps share nothing. As in
EDM2 (Karras et al. 2024), a run that starts again at a step draws what it would have drawn.
"""

from __future__ import annotations

import numpy as np
import torch


def derive_seed(*numbers: int) -> int:
    """One whole number, 0 … 2**63 - 1, from several that are 0 or more."""
    high, low = np.random.SeedSequence(numbers).generate_state(2, np.uint32)
    return (int(high) << 31) ^ int(low)


def make_generator(
    seed: int, step: int, rank: int, micro: int, device: torch.device
) -> torch.Generator:
    """The generator of one micro-step, on ``device``.

    Also seeds torch's global generators, which dropout layers draw from.
    """
    value = derive_seed(seed, step, rank, micro)
    torch.manual_seed(value)
    return torch.Generator(device).manual_seed(value)
