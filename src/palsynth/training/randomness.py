"""Randomness as a pure function of (seed, step, rank), without state to save or restore.

numpy's SeedSequence hashes the numbers, so neighbouring steps are independent. As in EDM2 (Karras
et al. 2024), a run that is resumed at a step gets the random numbers that it would have had.
"""

from __future__ import annotations

import numpy as np
import torch


def derive_seed(*numbers: int) -> int:
    """Hashes several integers into one seed.

    Args:
        numbers: integers, 0 or more; their order matters.

    Returns:
        An integer in 0 … 2**63 - 1.

    Example:
        >>> derive_seed(7, 3, 1, 2)
        4651114350542137209
    """
    high, low = np.random.SeedSequence(numbers).generate_state(2, np.uint32)
    return (int(high) << 31) ^ int(low)


def make_generator(
    seed: int, step: int, rank: int, micro: int, device: torch.device
) -> torch.Generator:
    """Makes the generator of one micro-step and seeds torch's global generators with it.

    Dropout layers use the global generators.

    Args:
        seed: the recipe's seed.
        step: optimiser step, from 1.
        rank: the process, from 0.
        micro: micro-step within the optimiser step, from 0.
        device: device of the generator.

    Returns:
        A seeded generator on the device.
    """
    value = derive_seed(seed, step, rank, micro)
    torch.manual_seed(value)
    return torch.Generator(device).manual_seed(value)
