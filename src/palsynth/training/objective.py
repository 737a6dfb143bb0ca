"""What one training step computes: the only interface between the loop and a model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor, nn

TIMESTEP_BINS = 10
TIMESTEPS = 1000


class Losses(NamedTuple):
    """The losses of a batch of B images."""

    total: Tensor
    """() what is minimised."""
    parts: dict[str, Tensor]
    """Name -> () that is logged."""
    timesteps: Tensor | None = None
    """(B,) 0 … 999, for diffusion objectives: the loss per tenth of the timesteps is logged."""
    per_image: Tensor | None = None
    """(B,) from which an audit infers which images were trained on."""


class Objective(nn.Module):
    """A model with its loss. All parameters with a gradient are trained, averaged and saved.

    Child modules named in ``frozen`` (teachers, feature extractors; an optional one may be None)
    move to the device with the rest, but are neither trained nor saved and stay in evaluation mode.
    """

    frozen: ClassVar[tuple[str, ...]] = ()

    rates: Mapping[str, float] = MappingProxyType({})
    """Name of an optimiser -> its learning rate as a share of the loop's; 1 where it is missing."""

    def forward(self, batch: dict[str, Tensor], rng: torch.Generator) -> Losses:
        """Computes the losses of a batch.

        An objective with several optimisers takes a third argument, the name of the one whose turn
        it is, and computes what that one minimises.

        Args:
            batch: field name -> tensor (B, …), as the source's examples are collated.
            rng: generator on the model's device. Besides it, only torch's global generators may be
                used, which the loop seeds for every micro-step.

        Returns:
            The losses.
        """
        raise NotImplementedError

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """Name of an optimiser -> the parameters that it trains, in the order of their turns.

        By default one optimiser without a name trains everything. A GAN, for example, names
        ``discriminator`` and ``generator``; every trained parameter belongs to exactly one.
        """
        return {"": [p for p in self.parameters() if p.requires_grad]}

    def train(self, mode: bool = True) -> Self:
        """Sets training mode for all modules except the frozen ones.

        Args:
            mode: True for training, False for evaluation.

        Returns:
            The objective.
        """
        super().train(mode)
        for name in self.frozen:
            if (child := getattr(self, name)) is not None:
                child.eval()
        return self

    def validate(self) -> dict[str, float]:
        """Metrics of the averaged weights, logged every ``validate_every`` steps."""
        return {}

    def picture(self) -> np.ndarray | None:
        """A sample picture (H, W, 3) uint8 RGB of the averaged weights, if the model has one."""
        return None

    def export(self, folder: Path) -> None:
        """Writes the weights for use after training, in ``save_pretrained`` form.

        Args:
            folder: the folder; created if needed.
        """
        raise NotImplementedError

    def trained_state(self) -> dict[str, Tensor]:
        """All tensors that training changes, by name: parameters with a gradient, and the
        buffers of modules that are not frozen."""
        state = {n: p for n, p in self.named_parameters() if p.requires_grad}
        buffers = {n: b for n, b in self.named_buffers() if n.split(".")[0] not in self.frozen}
        return {**state, **buffers}
