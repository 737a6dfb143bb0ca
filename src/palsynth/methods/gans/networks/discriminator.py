"""A discriminator that judges patches of an image (PatchGAN; Isola et al. 2017)."""

from __future__ import annotations

from itertools import pairwise

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from palsynth.errors import InputError
from palsynth.methods.gans.networks.blocks import SLOPE, Down

LEAST_SIDE = 3
"""Least side that the levels may leave: each of the two further convolutions takes a pixel off."""


def check_levels(levels: int, size: int, field: str) -> None:
    """Checks that a discriminator can judge images of a size.

    Args:
        levels: its levels.
        size: side of the images, pixels.
        field: the field of the recipe that has the levels, for the error message.

    Raises:
        InputError: the levels leave too little of the image.
    """
    if size >> levels < LEAST_SIDE:
        raise InputError(
            f"{field} {levels}: leave too little of {size} px to judge; give fewer, or larger "
            "images"
        )


class PatchDiscriminator(ModelMixin, ConfigMixin):  # type: ignore[misc]
    """Judges overlapping patches of an image, given the images that it was generated from.

    Each level halves the sides; two further convolutions follow. With three levels, as published, a
    patch is 70 pixels wide.

    Args:
        channels: channels of the image and of its conditions together.
        width: channels of the first level; each further level has twice as many, at most 8 times.
        levels: number of levels.
    """

    @register_to_config
    def __init__(self, channels: int = 3, width: int = 64, levels: int = 3) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        widths = [width * min(2**level, 8) for level in range(levels + 1)]
        layers: list[nn.Module] = [Down(channels, widths[0], norm=False)]
        layers += [Down(a, b) for a, b in pairwise(widths[:-1])]
        self.layers = nn.Sequential(
            *layers,
            nn.Conv2d(widths[-2], widths[-1], 4, padding=1),
            nn.InstanceNorm2d(widths[-1], affine=True),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(widths[-1], 1, 4, padding=1),
        )

    def forward(self, image: Tensor, *conditions: Tensor) -> Tensor:
        """Judges a batch.

        Args:
            image: (N, C, S, S), -1 … 1.
            *conditions: (N, C', S, S) each, -1 … 1; C and all C' add up to ``channels``.

        Returns:
            One value a patch, (N, 1, H, W): high where it looks real.
        """
        judged: Tensor = self.layers(torch.cat([image, *conditions], 1))
        return judged
