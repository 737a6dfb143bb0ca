"""The published recognisers: IR-50 and IR-101 at 112 px, with vectors of 512 numbers.

Two families name their layers differently: AdaFace (Kim et al. 2022; also the expression network
and all recognisers within CFCPalsy) and InsightFace's ArcFace (Deng et al. 2019). The attribute
names here are theirs, because they are the keys in the files.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from palsynth.encoders.base import Features, Pixels
from palsynth.face.face import Face

WIDTHS = (64, 128, 256, 512)
DEPTHS = {50: (3, 4, 14, 3), 101: (3, 13, 30, 3)}
"""Blocks of each stage; every stage halves the resolution, 112 px to 7."""


class _AdaFaceBlock(nn.Module):
    def __init__(self, width_in: int, width: int, stride: int) -> None:
        super().__init__()
        self.shortcut_layer: nn.Module = nn.MaxPool2d(1, stride)
        if width_in != width:
            self.shortcut_layer = nn.Sequential(
                nn.Conv2d(width_in, width, 1, stride, bias=False), nn.BatchNorm2d(width)
            )
        self.res_layer = nn.Sequential(
            nn.BatchNorm2d(width_in),
            nn.Conv2d(width_in, width, 3, 1, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.PReLU(width),
            nn.Conv2d(width, width, 3, stride, 1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.add(self.res_layer(x), self.shortcut_layer(x))


class AdaFaceIR(nn.Module):
    """AdaFace's IR network. BGR, -1 … 1; vectors are not normalised.

    Args:
        depths: blocks of each stage.
        widths: channels of each stage.
        map_block: residual block, counted from 0, whose output is the feature map; default: the
            last.
    """

    def __init__(
        self,
        depths: Sequence[int] = DEPTHS[50],
        widths: Sequence[int] = WIDTHS,
        map_block: int | None = None,
    ) -> None:
        super().__init__()
        self.pixels = Pixels(bgr=True)
        self.map_block = sum(depths) - 1 if map_block is None else map_block
        first = widths[0]
        self.input_layer = nn.Sequential(
            nn.Conv2d(3, first, 3, 1, 1, bias=False), nn.BatchNorm2d(first), nn.PReLU(first)
        )
        self.body = nn.Sequential(*(_AdaFaceBlock(i, o, s) for i, o, s in _plan(depths, widths)))
        last = widths[-1]
        self.output_layer = nn.Sequential(
            nn.BatchNorm2d(last),
            nn.Dropout(0.4),
            nn.Flatten(),
            nn.Linear(last * 49, 512),
            nn.BatchNorm1d(512, affine=False),
        )

    def forward(self, images: Tensor) -> Features:
        """Images (N, 3, H, W), RGB in 0 … 1, to vectors (N, 512) and maps (N, 512, 7, 7)."""
        x = feature_map = self.input_layer(self.pixels(images))
        for number, block in enumerate(self.body):
            x = block(x)
            if number == self.map_block:
                feature_map = x
        return Features(self.output_layer(x), feature_map)

    def crop(self, face: Face) -> Face:
        """ArcFace's five-point crop."""
        return face.recogniser_crop()


class _ArcFaceBlock(nn.Module):
    def __init__(self, width_in: int, width: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(width_in, eps=1e-5)
        self.conv1 = nn.Conv2d(width_in, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width, eps=1e-5)
        self.prelu = nn.PReLU(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(width, eps=1e-5)
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or width_in != width:
            self.downsample = nn.Sequential(
                nn.Conv2d(width_in, width, 1, stride, bias=False), nn.BatchNorm2d(width)
            )

    def forward(self, x: Tensor) -> Tensor:
        out = self.prelu(self.bn2(self.conv1(self.bn1(x))))
        return torch.add(self.bn3(self.conv2(out)), self.downsample(x))


class ArcFaceIR(nn.Module):
    """InsightFace's IResNet. RGB, -1 … 1; vectors are not normalised.

    Args:
        depths: blocks of each stage.
        widths: channels of each stage.
    """

    def __init__(self, depths: Sequence[int] = DEPTHS[50], widths: Sequence[int] = WIDTHS) -> None:
        super().__init__()
        self.pixels = Pixels(bgr=False)
        self.conv1 = nn.Conv2d(3, widths[0], 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        self.prelu = nn.PReLU(widths[0])
        blocks = [_ArcFaceBlock(i, o, s) for i, o, s in _plan(depths, widths)]
        for number, depth in enumerate(depths, 1):
            start = sum(depths[: number - 1])
            setattr(self, f"layer{number}", nn.Sequential(*blocks[start : start + depth]))
        self.bn2 = nn.BatchNorm2d(widths[-1])
        self.dropout = nn.Dropout(0.4)
        self.fc = nn.Linear(widths[-1] * 49, 512)
        self.features = nn.BatchNorm1d(512)

    def forward(self, images: Tensor) -> Features:
        """Images (N, 3, H, W), RGB in 0 … 1, to vectors (N, 512) and maps (N, 512, 7, 7)."""
        x = self.prelu(self.bn1(self.conv1(self.pixels(images))))
        for number in range(1, 5):
            x = getattr(self, f"layer{number}")(x)
        vector = self.features(self.fc(self.dropout(self.bn2(x).flatten(1))))
        return Features(vector, x)

    def crop(self, face: Face) -> Face:
        """ArcFace's five-point crop."""
        return face.recogniser_crop()


def _plan(depths: Sequence[int], widths: Sequence[int]) -> list[tuple[int, int, int]]:
    """Input channels, channels and stride of every block."""
    out, width_in = [], widths[0]
    for depth, width in zip(depths, widths, strict=True):
        for k in range(depth):
            out.append((width_in, width, 2 if k == 0 else 1))
            width_in = width
    return out
