"""The published landmark network: MobileFaceNet (Chen et al. 2018), 68 points at 112 px."""

from __future__ import annotations

from torch import Tensor, nn

from palsynth.encoders.base import Pixels
from palsynth.encoders.landmarks import Landmarks
from palsynth.face.face import Face


class _Conv(nn.Module):
    """Convolution and norm, then PReLU unless ``linear``; depth-wise if ``groups`` is set."""

    def __init__(
        self,
        channels_in: int,
        channels: int,
        size: int = 1,
        stride: int = 1,
        padding: int = 0,
        groups: int = 1,
        linear: bool = False,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(
            channels_in, channels, size, stride, padding, groups=groups, bias=False
        )
        self.bn = nn.BatchNorm2d(channels)
        self.prelu = nn.Identity() if linear else nn.PReLU(channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.prelu(self.bn(self.conv(x)))


class _Bottleneck(nn.Module):
    """Widen, depth-wise 3 x 3, narrow."""

    def __init__(
        self, channels_in: int, channels: int, groups: int, stride: int, residual: bool
    ) -> None:
        super().__init__()
        self.conv = _Conv(channels_in, groups)
        self.conv_dw = _Conv(groups, groups, 3, stride, 1, groups)
        self.project = _Conv(groups, channels, linear=True)
        self.residual = residual

    def forward(self, x: Tensor) -> Tensor:
        out = self.project(self.conv_dw(self.conv(x)))
        return x + out if self.residual else out


class _Stage(nn.Module):
    def __init__(self, channels: int, depth: int, groups: int) -> None:
        super().__init__()
        self.model = nn.Sequential(
            *(_Bottleneck(channels, channels, groups, 1, True) for _ in range(depth))
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)


class _Output(nn.Module):
    """Global depth-wise convolution, linear layer, norm."""

    def __init__(self, channels: int, numbers: int) -> None:
        super().__init__()
        self.conv_6_dw = _Conv(channels, channels, 7, groups=channels, linear=True)
        self.linear = nn.Linear(channels, numbers, bias=False)
        self.bn = nn.BatchNorm1d(numbers)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.linear(self.conv_6_dw(x).flatten(1)))


class MobileFaceNet(nn.Module):
    """68 points (300-W order) as fractions of the image's side; RGB in 0 … 1, not normalised.

    Args:
        signed: whether the first convolution is given -1 … 1 instead, as in CFCPalsy's published
            code.
    """

    def __init__(self, signed: bool = False) -> None:
        super().__init__()
        self.pixels = Pixels() if signed else Pixels(mean=0.0, std=1.0)
        self.conv1 = _Conv(3, 64, 3, 2, 1)
        self.conv2_dw = _Conv(64, 64, 3, 1, 1, 64)
        self.conv_23 = _Bottleneck(64, 64, 128, 2, False)
        self.conv_3 = _Stage(64, 4, 128)
        self.conv_34 = _Bottleneck(64, 128, 256, 2, False)
        self.conv_4 = _Stage(128, 6, 256)
        self.conv_45 = _Bottleneck(128, 128, 512, 2, False)
        self.conv_5 = _Stage(128, 2, 256)
        self.conv_6_sep = _Conv(128, 512)
        self.output_layer = _Output(512, 136)

    def forward(self, images: Tensor) -> Landmarks:
        """Images (N, 3, H, W), RGB in 0 … 1, to points (N, 68, 2) and maps (N, 512, 7, 7)."""
        x = self.conv2_dw(self.conv1(self.pixels(images)))
        for stage in (self.conv_23, self.conv_3, self.conv_34, self.conv_4, self.conv_45):
            x = stage(x)
        feature_map = self.conv_6_sep(self.conv_5(x))
        return Landmarks(self.output_layer(feature_map).view(-1, 68, 2), feature_map)

    def crop(self, face: Face) -> Face:
        """ArcFace's five-point crop."""
        return face.recogniser_crop()
