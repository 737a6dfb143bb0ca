"""A network that restores degraded faces (after Sakai et al. 2023): a residual U-Net, small."""

from __future__ import annotations

from itertools import pairwise

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from palsynth.methods.gans.networks.blocks import SLOPE, Down, Residual, Up


class FaceRestoration(ModelMixin, ConfigMixin):  # type: ignore[misc]
    """Adds to a face what it has lost; a new network changes nothing.

    Args:
        widths: channels at full size and at each level, which halves the sides.
        blocks: residual blocks behind the last level.
    """

    @register_to_config
    def __init__(self, widths: tuple[int, ...] = (24, 48, 96, 128), blocks: int = 2) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        widths = tuple(widths)
        self.first = nn.Sequential(nn.Conv2d(3, widths[0], 3, padding=1), nn.LeakyReLU(SLOPE))
        # without a norm at the first level, as in the generators: contrast is what is restored
        self.down = nn.ModuleList(
            Down(a, b, norm=level > 0) for level, (a, b) in enumerate(pairwise(widths))
        )
        self.residuals = nn.Sequential(*(Residual(widths[-1]) for _ in range(blocks)))
        outwards = widths[::-1]
        self.up = nn.ModuleList(
            Up(a * (2 if level else 1), b) for level, (a, b) in enumerate(pairwise(outwards))
        )
        self.last = nn.Conv2d(2 * widths[0], 3, 3, padding=1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

    def forward(self, images: Tensor) -> Tensor:
        """Restores faces (N, 3, S, S), -1 … 1; S is a multiple of 2 for each level."""
        maps = [self.first(images)]
        for block in self.down:
            maps.append(block(maps[-1]))
        x = self.residuals(maps.pop())
        for block in self.up:
            x = torch.cat([block(x), maps.pop()], 1)
        restored: Tensor = images + self.last(x)
        return restored.clamp(-1, 1)
