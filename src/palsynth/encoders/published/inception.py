"""Inception v3 as FID is defined with it, from its published file (``pt_inception-2015-12-05``).

The weights are those of the TensorFlow graph of 2015 (Szegedy et al. 2015; Heusel et al. 2017).
That graph differs from the paper's network in two places: average pools do not count their
padding, and the last block pools by maximum. Keys are torchvision's names.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from palsynth.encoders.published.files import load_exactly, read_tensors


class _Conv(nn.Module):
    """Convolution, norm, ReLU. ``size`` and ``padding`` are (height, width)."""

    def __init__(
        self,
        channels_in: int,
        channels: int,
        size: tuple[int, int] = (1, 1),
        stride: int = 1,
        padding: tuple[int, int] = (0, 0),
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels, size, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(channels, eps=0.001)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.bn(self.conv(x)))


_ONE, _THREE, _FIVE = (1, 1), (3, 3), (5, 5)
_ROW7, _COLUMN7, _ROW3, _COLUMN3 = (1, 7), (7, 1), (1, 3), (3, 1)

_Step = tuple[str, int, tuple[int, int]]
"""Key, channels and size of one convolution."""


def _a(pooled: int) -> tuple[list[list[_Step]], int]:
    return [
        [("branch1x1", 64, _ONE)],
        [("branch5x5_1", 48, _ONE), ("branch5x5_2", 64, _FIVE)],
        [
            ("branch3x3dbl_1", 64, _ONE),
            ("branch3x3dbl_2", 96, _THREE),
            ("branch3x3dbl_3", 96, _THREE),
        ],
    ], pooled


def _c(channels: int) -> tuple[list[list[_Step]], int]:
    double = [
        (_ONE, channels),
        (_COLUMN7, channels),
        (_ROW7, channels),
        (_COLUMN7, channels),
        (_ROW7, 192),
    ]
    return [
        [("branch1x1", 192, _ONE)],
        [
            ("branch7x7_1", channels, _ONE),
            ("branch7x7_2", channels, _ROW7),
            ("branch7x7_3", 192, _COLUMN7),
        ],
        [(f"branch7x7dbl_{k}", w, size) for k, (size, w) in enumerate(double, 1)],
    ], 192


class _Mixed(nn.Module):
    """Branches of convolutions, and one of average pooling and a convolution, at one resolution."""

    def __init__(self, channels_in: int, plan: tuple[list[list[_Step]], int]) -> None:
        super().__init__()
        chains, pooled = plan
        self.chains = [[name for name, _, _ in chain] for chain in chains]
        for chain in chains:
            previous = channels_in
            for name, channels, size in chain:
                padding = (size[0] // 2, size[1] // 2)
                self.add_module(name, _Conv(previous, channels, size, padding=padding))
                previous = channels
        self.branch_pool = _Conv(channels_in, pooled)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([*_along(self, self.chains, x), self.branch_pool(_average(x))], 1)


class _Reduce(nn.Module):
    """Branches that end in a strided convolution, and one of strided max pooling."""

    def __init__(self, channels_in: int, chains: list[list[_Step]]) -> None:
        super().__init__()
        self.chains = [[name for name, _, _ in chain] for chain in chains]
        for chain in chains:
            previous = channels_in
            for name, channels, size in chain:
                last = name == chain[-1][0]
                padding = (0, 0) if last else (size[0] // 2, size[1] // 2)
                self.add_module(name, _Conv(previous, channels, size, 2 if last else 1, padding))
                previous = channels

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([*_along(self, self.chains, x), functional.max_pool2d(x, 3, 2)], 1)


class _Wide(nn.Module):
    """The last blocks: two branches that split into a row and a column convolution."""

    def __init__(self, channels_in: int, by_maximum: bool) -> None:
        super().__init__()
        self.by_maximum = by_maximum
        self.branch1x1 = _Conv(channels_in, 320)
        self.branch3x3_1 = _Conv(channels_in, 384)
        self.branch3x3_2a = _Conv(384, 384, _ROW3, padding=(0, 1))
        self.branch3x3_2b = _Conv(384, 384, _COLUMN3, padding=(1, 0))
        self.branch3x3dbl_1 = _Conv(channels_in, 448)
        self.branch3x3dbl_2 = _Conv(448, 384, _THREE, padding=(1, 1))
        self.branch3x3dbl_3a = _Conv(384, 384, _ROW3, padding=(0, 1))
        self.branch3x3dbl_3b = _Conv(384, 384, _COLUMN3, padding=(1, 0))
        self.branch_pool = _Conv(channels_in, 192)

    def forward(self, x: Tensor) -> Tensor:
        one = self.branch3x3_1(x)
        two = self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        pooled = functional.max_pool2d(x, 3, 1, 1) if self.by_maximum else _average(x)
        return torch.cat(
            [
                self.branch1x1(x),
                self.branch3x3_2a(one),
                self.branch3x3_2b(one),
                self.branch3x3dbl_3a(two),
                self.branch3x3dbl_3b(two),
                self.branch_pool(pooled),
            ],
            1,
        )


def _along(block: nn.Module, chains: list[list[str]], x: Tensor) -> list[Tensor]:
    """The output of each branch of convolutions in a block."""
    out = []
    for chain in chains:
        y = x
        for name in chain:
            y = getattr(block, name)(y)
        out.append(y)
    return out


def _average(x: Tensor) -> Tensor:
    return functional.avg_pool2d(x, 3, 1, 1, count_include_pad=False)


class FidInception(nn.Module):
    """Images (N, 3, H, W), RGB in 0 … 1, to the 2048 features before the classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = _Conv(3, 32, _THREE, 2)
        self.Conv2d_2a_3x3 = _Conv(32, 32, _THREE)
        self.Conv2d_2b_3x3 = _Conv(32, 64, _THREE, padding=(1, 1))
        self.Conv2d_3b_1x1 = _Conv(64, 80)
        self.Conv2d_4a_3x3 = _Conv(80, 192, _THREE)
        self.Mixed_5b = _Mixed(192, _a(32))
        self.Mixed_5c = _Mixed(256, _a(64))
        self.Mixed_5d = _Mixed(288, _a(64))
        self.Mixed_6a = _Reduce(
            288,
            [
                [("branch3x3", 384, _THREE)],
                [
                    ("branch3x3dbl_1", 64, _ONE),
                    ("branch3x3dbl_2", 96, _THREE),
                    ("branch3x3dbl_3", 96, _THREE),
                ],
            ],
        )
        self.Mixed_6b = _Mixed(768, _c(128))
        self.Mixed_6c = _Mixed(768, _c(160))
        self.Mixed_6d = _Mixed(768, _c(160))
        self.Mixed_6e = _Mixed(768, _c(192))
        self.Mixed_7a = _Reduce(
            768,
            [
                [("branch3x3_1", 192, _ONE), ("branch3x3_2", 320, _THREE)],
                [
                    ("branch7x7x3_1", 192, _ONE),
                    ("branch7x7x3_2", 192, _ROW7),
                    ("branch7x7x3_3", 192, _COLUMN7),
                    ("branch7x7x3_4", 192, _THREE),
                ],
            ],
        )
        self.Mixed_7b = _Wide(1280, by_maximum=False)
        self.Mixed_7c = _Wide(2048, by_maximum=True)
        self.fc = nn.Linear(2048, 1008)  # present in the file, but not used

    def forward(self, images: Tensor) -> Tensor:
        """Images (N, 3, H, W), RGB in 0 … 1, to features (N, 2048).

        Images are resized to 299 px, bilinear without antialiasing, as in pytorch-fid.
        """
        x = functional.interpolate(images, (299, 299), mode="bilinear", align_corners=False)
        x = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(2 * x - 1)))
        x = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(functional.max_pool2d(x, 3, 2)))
        x = functional.max_pool2d(x, 3, 2)
        for name, block in self.named_children():
            if name.startswith("Mixed"):
                x = block(x)
        return x.mean((2, 3))


def fid_inception(path: Path) -> FidInception:
    """Loads the network from a local file.

    Args:
        path: the published weight file.

    Returns:
        The frozen network.

    Raises:
        InputError: the file cannot be read or holds another network.
    """
    model = FidInception()
    load_exactly(model, read_tensors(path), path)
    return model.requires_grad_(False).eval()
