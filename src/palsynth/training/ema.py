"""Exponential moving average (EMA) of the trained tensors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


class Ema:
    """Averages of a set of named tensors, in single precision, on their device.

    The decay at step s (from 0) is min(decay, 1 - (1 + s) ** -power): a power of 3/4 reaches
    0.9999 after about 215,000 steps. Integer tensors are copied, not averaged.

    Args:
        tensors: name -> trained tensor; the averages start as copies of these.
        decay: largest decay, in 0 … 1, 1 excluded.
        power: exponent of the warm-up, above 0.
    """

    def __init__(self, tensors: dict[str, Tensor], decay: float, power: float) -> None:
        self.decay, self.power = decay, power
        self._tensors = tensors
        self.averaged = {name: t.detach().clone() for name, t in tensors.items()}

    def decay_at(self, step: int) -> float:
        """Computes the decay at one step.

        Args:
            step: optimiser step, from 0.

        Returns:
            The decay, in 0 … 1.
        """
        return float(min(self.decay, 1 - (1 + step) ** -self.power))

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Updates the averages from the trained tensors.

        Args:
            step: the optimiser step that was just done, from 0.
        """
        floats = [n for n, t in self._tensors.items() if t.is_floating_point()]
        torch._foreach_lerp_(
            [self.averaged[n] for n in floats],
            [self._tensors[n].detach() for n in floats],
            1 - self.decay_at(step),
        )
        for name, tensor in self._tensors.items():
            if not tensor.is_floating_point():
                self.averaged[name].copy_(tensor)

    @contextmanager
    @torch.no_grad()
    def in_place(self) -> Iterator[None]:
        """Puts the averages into the model while the context is open, then the trained values."""
        trained = {name: tensor.detach().clone() for name, tensor in self._tensors.items()}
        try:
            for name, tensor in self._tensors.items():
                tensor.copy_(self.averaged[name])
            yield
        finally:
            for name, tensor in self._tensors.items():
                tensor.copy_(trained[name])
