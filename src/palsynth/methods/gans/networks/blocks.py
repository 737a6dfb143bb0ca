"""Blocks that generators and discriminators consist of."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

SLOPE = 0.2
"""Slope of the leaky rectifiers below zero (Isola et al. 2017, appendix)."""


class Down(nn.Sequential):
    """Halves the sides: a convolution of stride 2, a norm, and a leaky rectifier.

    Args:
        channels_in: channels of the input.
        channels_out: channels of the output.
        norm: whether there is an instance norm; the first block of a network has none (Isola et al.
            2017), so that colours survive.
    """

    def __init__(self, channels_in: int, channels_out: int, norm: bool = True) -> None:
        layers: list[nn.Module] = [nn.Conv2d(channels_in, channels_out, 4, 2, 1)]
        if norm:
            layers.append(nn.InstanceNorm2d(channels_out, affine=True))
        super().__init__(*layers, nn.LeakyReLU(SLOPE))


class Up(nn.Module):
    """Doubles the sides: nearest neighbours, then a convolution, a norm and a leaky rectifier.

    A transposed convolution, as published, leaves a checkerboard (Odena et al. 2016).

    Args:
        channels_in: channels of the input.
        channels_out: channels of the output.
    """

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.norm = nn.InstanceNorm2d(channels_out, affine=True)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, channels_in, H, W) to (N, channels_out, 2H, 2W)."""
        doubled = functional.interpolate(x, scale_factor=2.0, mode="nearest")
        normed: Tensor = self.norm(self.convolution(doubled))
        return functional.leaky_relu(normed, SLOPE)


class Residual(nn.Module):
    """Two convolutions with instance norms, added to their input (He et al. 2016).

    Args:
        channels: channels of input and output.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.InstanceNorm2d(channels, affine=True),
            nn.LeakyReLU(SLOPE),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.InstanceNorm2d(channels, affine=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, channels, H, W) to the same shape."""
        changed: Tensor = self.layers(x)
        return x + changed
