"""What one training step computes. The loop knows nothing else about a model."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor, nn

TIMESTEP_BINS = 10
TIMESTEPS = 1000


class Losses(NamedTuple):
    """``total`` () is what is minimised; ``parts`` () each are logged beside it.

    ``per_image`` (B,) are the losses of the images, from which an audit tells what was trained
    on; diffusion objectives add ``timesteps`` (B,), 0 … 999, and then the loss per tenth of the
    timesteps is logged.
    """

    total: Tensor
    parts: dict[str, Tensor]
    timesteps: Tensor | None = None
    per_image: Tensor | None = None


class Objective(nn.Module):
    """A model with its loss. Everything with a gradient trains, is averaged and is saved.

    Children named in ``frozen`` (teachers, extractors; None where not needed) move to the device
    with the rest, but neither train nor get saved; they stay in evaluation mode.
    """

    frozen: ClassVar[tuple[str, ...]] = ()

    def forward(self, batch: dict[str, Tensor], rng: torch.Generator) -> Losses:
        """The losses of a batch; draws only from ``rng`` and from torch's seeded generators."""
        raise NotImplementedError

    def train(self, mode: bool = True) -> Self:
        """Training mode for all but the frozen children."""
        super().train(mode)
        for name in self.frozen:
            if (child := getattr(self, name)) is not None:
                child.eval()
        return self

    def validate(self) -> dict[str, float]:
        """Figures of the averaged weights, logged every ``validate_every`` steps."""
        return {}

    def picture(self) -> np.ndarray | None:
        """A picture (H, W, 3) uint8 that shows what the averaged weights do, if there is one."""
        return None

    def export(self, folder: Path) -> None:
        """Writes what is used after training, in ``save_pretrained`` form."""
        raise NotImplementedError

    def trained_state(self) -> dict[str, Tensor]:
        """Name -> tensor of all that training changes: parameters with a gradient, and the
        buffers of modules that are not frozen."""
        state = {n: p for n, p in self.named_parameters() if p.requires_grad}
        buffers = {n: b for n, b in self.named_buffers() if n.split(".")[0] not in self.frozen}
        return {**state, **buffers}
