"""A face-swap autoencoder: one encoder for all people, one decoder a person (Faceswap 2017)."""

from __future__ import annotations

from itertools import pairwise

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from palsynth.methods.gans.networks.blocks import Down, Residual, Up

DESCRIPTION = 512
"""Length of the recogniser's vector of a person."""


class SwapEncoder(nn.Module):
    """Images to feature maps, the outermost first.

    Args:
        widths: channels of the levels.
        blocks: residual blocks behind the last level.
    """

    def __init__(self, widths: tuple[int, ...], blocks: int) -> None:
        super().__init__()
        # the innermost level has no norm either: at 4 x 4 positions, one would leave little of how
        # strongly a feature is there
        last = len(widths) - 1
        self.levels = nn.ModuleList(
            Down(a, b, norm=0 < level < last) for level, (a, b) in enumerate(pairwise((3, *widths)))
        )
        self.blocks = nn.Sequential(*(Residual(widths[-1]) for _ in range(blocks)))

    def forward(self, images: Tensor) -> list[Tensor]:
        """Maps (N, 3, S, S) in -1 … 1 to one map a level, (N, C, S / 2, S / 2) and smaller."""
        maps: list[Tensor] = []
        x = images
        for level in self.levels:
            x = level(x)
            maps.append(x)
        maps[-1] = self.blocks(x)
        return maps


class SwapDecoder(nn.Module):
    """Feature maps to images of one person (or of one kind of people).

    Skip connections (Tajima et al. 2023) bring it the maps of the encoder's levels, of which the
    innermost ones are connected. The last layer doubles the sides by shuffling channels, as all
    layers of Faceswap do: at full size, anything more would cost as much as all else together.

    Args:
        widths: channels of the encoder's levels.
        skips: number of levels that are connected, besides the last.
    """

    def __init__(self, widths: tuple[int, ...], skips: int) -> None:
        super().__init__()
        outwards = widths[::-1]
        self.skips = skips
        doubled = [1 + (0 < level <= skips) for level in range(len(widths))]
        self.levels = nn.ModuleList(
            Up(twice * a, b) for twice, (a, b) in zip(doubled, pairwise(outwards), strict=False)
        )
        self.out = nn.Sequential(
            nn.Conv2d(doubled[-1] * outwards[-1], 3 * 4, 3, padding=1), nn.PixelShuffle(2)
        )

    def forward(self, maps: list[Tensor]) -> Tensor:
        """Maps the encoder's maps to images (N, 3, S, S), -1 … 1."""
        x = maps[-1]
        for level, block in enumerate((*self.levels, self.out)):
            if 0 < level <= self.skips:
                x = torch.cat([x, maps[-1 - level]], 1)
            x = block(x)
        return x.tanh()


class FaceSwap(ModelMixin, ConfigMixin):  # type: ignore[misc]
    """An encoder and a decoder for each of several people.

    With one person it is a generator of CycleGAN.

    Attributes:
        vectors: (P, 512) unit vectors by which our recogniser knows the people, to find who looks
            like somebody else.

    Args:
        people: number of people.
        size: side of the images in pixels.
        widths: channels of the levels.
        skips: innermost levels that are connected to the decoder, besides the last.
        blocks: residual blocks behind the encoder's last level.
    """

    vectors: Tensor

    @register_to_config
    def __init__(
        self,
        people: int,
        size: int = 64,
        widths: tuple[int, ...] = (32, 64, 96, 192),
        skips: int = 1,
        blocks: int = 1,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        widths = tuple(widths)
        self.encoder = SwapEncoder(widths, blocks)
        self.decoders = nn.ModuleList(SwapDecoder(widths, skips) for _ in range(people))
        self.register_buffer("vectors", torch.zeros(people, DESCRIPTION))

    def decode(self, maps: list[Tensor], person: Tensor) -> Tensor:
        """Decodes each image by the decoder of its person.

        Args:
            maps: what the encoder returns for N images.
            person: (N,) int64, 0 … P - 1.

        Returns:
            Images (N, 3, S, S), -1 … 1.
        """
        parts, order = [], []
        for k in person.unique().tolist():
            rows = (person == k).nonzero()[:, 0]
            parts.append(self.decoders[int(k)]([x[rows] for x in maps]))
            order.append(rows)
        return torch.cat(parts)[torch.cat(order).argsort()]

    def forward(self, images: Tensor, person: Tensor | None = None) -> Tensor:
        """Shows people with the expressions of images.

        Args:
            images: (N, 3, S, S) of anybody, -1 … 1.
            person: (N,) int64, 0 … P - 1, who is to be shown; default: the first.

        Returns:
            Images (N, 3, S, S), -1 … 1.
        """
        if person is None:
            person = torch.zeros(len(images), dtype=torch.long, device=images.device)
        return self.decode(self.encoder(images), person)
