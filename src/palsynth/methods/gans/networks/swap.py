"""A face-swap autoencoder: one encoder for all people, one decoder a person (Faceswap 2017)."""

from __future__ import annotations

from itertools import pairwise

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from palsynth.methods.gans.networks.blocks import SLOPE, Down, Residual, Up

DESCRIPTION = 512
"""Length of the recogniser's vector of a person."""


class Bottleneck(nn.Sequential):
    """A map squeezed into a few numbers, and a map made from these (Faceswap 2017).

    What a decoder learns of its person from so few numbers, others' numbers tell it too: they are
    an expression and a pose. A map has places, and a decoder fails where a face of another shape
    has other features in them.

    Args:
        channels: channels of the map.
        side: its side.
        numbers: how many numbers.
    """

    def __init__(self, channels: int, side: int, numbers: int) -> None:
        values = channels * side * side
        super().__init__(
            nn.Flatten(),
            nn.Linear(values, numbers),
            nn.Linear(numbers, values),
            nn.LeakyReLU(SLOPE),
            nn.Unflatten(1, (channels, side, side)),
        )


class SwapEncoder(nn.Module):
    """Images to feature maps, the outermost first.

    Args:
        size: side of the images in pixels.
        widths: channels of the levels.
        blocks: residual blocks behind the last level.
        bottleneck: numbers that the last level's map is squeezed into; 0: it is not.
        norm_ends: whether the first and the last level have norms too.
    """

    def __init__(
        self, size: int, widths: tuple[int, ...], blocks: int, bottleneck: int, norm_ends: bool
    ) -> None:
        super().__init__()
        # without a norm at the first level, colours survive; at 4 x 4 positions, one would leave
        # little of how strongly a feature is there
        last = len(widths) - 1
        self.levels = nn.ModuleList(
            Down(a, b, norm=norm_ends or 0 < level < last)
            for level, (a, b) in enumerate(pairwise((3, *widths)))
        )
        inner: list[nn.Module] = [Residual(widths[-1]) for _ in range(blocks)]
        if bottleneck:
            inner.append(Bottleneck(widths[-1], size >> len(widths), bottleneck))
        self.inner = nn.Sequential(*inner)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Maps (N, 3, S, S) in -1 … 1 to one map a level, (N, C, S / 2, S / 2) and smaller."""
        maps: list[Tensor] = []
        x = images
        for level in self.levels:
            x = level(x)
            maps.append(x)
        maps[-1] = self.inner(x)
        return maps


class SwapDecoder(nn.Module):
    """Feature maps to images of one person (or of one kind of people).

    Skip connections (Tajima et al. 2023) bring it the maps of the encoder's levels, of which the
    innermost ones are connected. Sides are doubled by nearest neighbours and a convolution, since
    channels that are shuffled, as in Faceswap, left a grid.

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
            nn.Upsample(scale_factor=2, mode="nearest"),
            nn.Conv2d(doubled[-1] * outwards[-1], 3, 5, padding=2),
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
        bottleneck: numbers that the last level's map is squeezed into; 0: it is not.
        norm_ends: whether the encoder's first and last level have norms too.
    """

    vectors: Tensor

    @register_to_config
    def __init__(
        self,
        people: int,
        size: int = 64,
        widths: tuple[int, ...] = (32, 64, 96, 192),
        skips: int = 0,
        blocks: int = 0,
        bottleneck: int = 128,
        norm_ends: bool = False,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        widths = tuple(widths)
        self.encoder = SwapEncoder(size, widths, blocks, bottleneck, norm_ends)
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
        for k in torch.unique(person).tolist():
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
