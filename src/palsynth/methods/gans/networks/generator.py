"""The generator of pix2pix: a U-Net with skip connections (Isola et al. 2017)."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from palsynth.methods.gans.networks.blocks import Down, Up

DROPPED = 3
"""Innermost levels on the way up that have dropout (Isola et al. 2017, appendix)."""


class Generated(NamedTuple):
    """What a generator makes of N identity images and conditions."""

    image: Tensor
    """(N, 3, S, S) the result, -1 … 1."""
    drawn: Tensor
    """(N, 3, S, S) the same before a mask blended it with the identity image, if one did."""


class UNetGenerator(ModelMixin, ConfigMixin):  # type: ignore[misc]
    """Generates images from identity images and conditions.

    Departures from the paper: instance norms, with which an image does not depend on its batch,
    none at the innermost level, which may be a single pixel; no transposed convolutions (see
    :class:`Up`).

    Args:
        condition_channels: channels of the condition.
        width: channels of the outermost level; each further level has twice as many, at most 8
            times.
        levels: number of levels.
        dropout: of the innermost levels on the way up, during training. The paper drops at
            inference too, as its only noise; here a request's image is certain.
    """

    @register_to_config
    def __init__(
        self, condition_channels: int = 3, width: int = 64, levels: int = 8, dropout: float = 0.5
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        widths = [width * min(2**level, 8) for level in range(levels)]
        self.down = nn.ModuleList([Down(3 + condition_channels, widths[0], norm=False)])
        self.down.extend(Down(a, b) for a, b in pairwise(widths[:-1]))
        self.down.append(Down(widths[-2], widths[-1], norm=False))
        self.up = nn.ModuleList([Up(widths[-1], widths[-2])])
        self.up.extend(Up(2 * a, b) for a, b in pairwise(widths[-2::-1]))
        self.drop = nn.Dropout(dropout)
        self.last = nn.ConvTranspose2d(2 * widths[0], 3, 4, 2, 1)

    def forward(self, identity: Tensor, condition: Tensor) -> Generated:
        """Generates a batch.

        Args:
            identity: (N, 3, S, S), -1 … 1.
            condition: (N, C, S, S), -1 … 1.

        Returns:
            The images, which no mask blends.
        """
        x = torch.cat([identity, condition], 1)
        skips = []
        for down in self.down:
            x = down(x)
            skips.append(x)
        skips.pop()
        for k, up in enumerate(self.up):
            x = up(x)
            if k < DROPPED:
                x = self.drop(x)
            x = torch.cat([x, skips.pop()], 1)
        image = self.last(x).tanh()
        return Generated(image, image)
