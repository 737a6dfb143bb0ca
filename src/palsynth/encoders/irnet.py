"""The network of our encoders: improved residual blocks (ArcFace, Deng et al. 2019), small.

It starts at half resolution and ends in a 7 x 7 map like the published IR networks, which are ten
times larger. A 1 x 1 convolution reduces the channels before the linear layer, which would
otherwise hold most of the weights.
"""

from __future__ import annotations

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from palsynth.encoders.base import Features, Pixels, upright_crop
from palsynth.face.face import Face


class Block(nn.Module):
    """Residual block: norm, convolution, PReLU, strided convolution, norm.

    Args:
        channels_in: channels of the input.
        channels: channels of the output.
        stride: of the last convolution and of the shortcut.
    """

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.BatchNorm2d(channels_in),
            nn.Conv2d(channels_in, channels, 3, 1, 1, bias=False),
            nn.BatchNorm2d(channels),
            nn.PReLU(channels),
            nn.Conv2d(channels, channels, 3, stride, 1, bias=False),
            nn.BatchNorm2d(channels),
        )
        self.shortcut: nn.Module = nn.MaxPool2d(1, stride)
        if channels_in != channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels_in, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels_in, H, W) to (N, channels, H / stride, W / stride)."""
        return torch.add(self.residual(x), self.shortcut(x))


class IRNet(ModelMixin, ConfigMixin):  # type: ignore[misc]
    """A small IR network: images to vectors (N, dim) and maps (N, widths[-1], 7, 7).

    Args:
        widths: channels of the stages at 56, 28, 14 and 7 px.
        depths: residual blocks of these stages.
        narrow: channels of the 7 x 7 map before the linear layer.
        dim: dimension of the vector.
        dropout: just before the linear layer; SER-FIQ needs a recogniser trained with it.
    """

    @register_to_config
    def __init__(
        self,
        widths: tuple[int, ...] = (24, 48, 96, 192),
        depths: tuple[int, ...] = (1, 2, 4, 2),
        narrow: int = 32,
        dim: int = 512,
        dropout: float = 0.4,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.features = dim
        channels = widths[0]
        self.pixels = Pixels()
        self.stem = nn.Sequential(
            nn.Conv2d(3, channels, 3, 2, 1, bias=False),
            nn.BatchNorm2d(channels),
            nn.PReLU(channels),
        )
        blocks = []
        for stage, (width, depth) in enumerate(zip(widths, depths, strict=True)):
            for k in range(depth):
                blocks.append(Block(channels, width, 2 if k == 0 and stage else 1))
                channels = width
        self.body = nn.Sequential(*blocks, nn.BatchNorm2d(channels))
        self.narrowing = nn.Conv2d(channels, narrow, 1, bias=False)
        self.head = nn.Sequential(
            nn.BatchNorm2d(narrow),
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(narrow * 49, dim),
            nn.BatchNorm1d(dim, affine=False),
        )

    def forward(self, images: Tensor) -> Features:
        """Images (N, 3, H, W), RGB in 0 … 1, to vectors (N, dim) and maps (N, widths[-1], 7, 7)."""
        x = self.pixels(images).contiguous(memory_format=torch.channels_last)
        feature_map = self.body(self.stem(x))
        return Features(self.head(self.narrowing(feature_map)).float(), feature_map)

    def crop(self, face: Face) -> Face:
        """The face aligned as in training."""
        return upright_crop(face)
