"""The generator of MC-GAN (Park et al. 2018).

Synthesis blocks decide, from the foreground, how much of the base image's features enters at each
resolution, and a mask blends the result with the base. Park et al. describe the foreground by a
text; with Yaotome et al. (2020) it is an image of landmarks, and the base is a public face.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from palsynth.methods.gans.networks.blocks import SLOPE, Down, Up
from palsynth.methods.gans.networks.generator import Generated


class SynthesisBlock(nn.Module):
    """Lets features of the base image into those of the foreground: f' + σ(g) · b, where f' and the
    gate g are two halves of a map computed from the foreground (Park et al. 2018, section 3.2).

    Args:
        channels: channels of foreground, base and result.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, 2 * channels, 3, padding=1),
            nn.InstanceNorm2d(2 * channels, affine=True),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(2 * channels, 2 * channels, 3, padding=1),
            nn.InstanceNorm2d(2 * channels, affine=True),
        )

    def forward(self, foreground: Tensor, base: Tensor) -> Tensor:
        """Maps two batches (N, channels, H, W) to one of the same shape."""
        features, gate = self.layers(foreground).chunk(2, 1)
        result: Tensor = features + gate.sigmoid() * base
        return result


class SynthesisGenerator(ModelMixin, ConfigMixin):  # type: ignore[misc]
    """Generates images from identity images, the base, and landmark images, the foreground.

    Departures from the paper: a text has no places, but a landmark image has, so the features of
    its encoder are added to the foreground's at each resolution; the mask, which Park et al. show
    to the discriminator alone, blends; instance norms in place of batch norms.

    Args:
        condition_channels: channels of the landmark image.
        width: channels of the outermost level; each further level has twice as many, at most 8
            times.
        levels: number of levels.
    """

    @register_to_config
    def __init__(self, condition_channels: int = 7, width: int = 128, levels: int = 4) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        widths = [width * min(2**level, 8) for level in range(levels)]
        self.foreground, self.base = (
            nn.ModuleList(
                [Down(channels, widths[0], norm=False), *(Down(a, b) for a, b in pairwise(widths))]
            )
            for channels in (condition_channels, 3)
        )
        self.synthesis = nn.ModuleList(SynthesisBlock(channels) for channels in reversed(widths))
        channels = [*reversed(widths), max(widths[0] // 2, 8)]
        self.up = nn.ModuleList(Up(a, b) for a, b in pairwise(channels))
        self.image = nn.Conv2d(channels[-1], 3, 3, padding=1)
        self.mask = nn.Conv2d(channels[-1], 1, 3, padding=1)

    def forward(self, identity: Tensor, condition: Tensor) -> Generated:
        """Generates a batch.

        Args:
            identity: (N, 3, S, S), -1 … 1.
            condition: (N, C, S, S), -1 … 1.

        Returns:
            The images, and what they were before the mask blended them with the identity images.
        """
        base, bases = identity, []
        for down in self.base:
            base = down(base)
            bases.append(base)
        x, foregrounds = condition, []
        for down in self.foreground:
            x = down(x)
            foregrounds.append(x)
        x = torch.zeros_like(x)
        for synthesis, up in zip(self.synthesis, self.up, strict=True):
            x = up(synthesis(x + foregrounds.pop(), bases.pop()))
        drawn, mask = self.image(x).tanh(), self.mask(x).sigmoid()
        return Generated(mask * drawn + (1 - mask) * identity, drawn)
