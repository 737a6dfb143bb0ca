"""What every encoder is: images in, a feature vector and a feature map out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from palsynth.face.face import Face
from palsynth.face.framing import RECOGNISER

SIZE = 112
"""Pixels a side that every encoder here works at."""


class Features(NamedTuple):
    """``vector`` (N, D) and ``map`` (N, C, 7, 7), the last feature map before it."""

    vector: Tensor
    map: Tensor


class Encoder(Protocol):
    """Images (N, 3, H, W), RGB in 0 … 1, to Features. Colour order, normalisation and size are
    the encoder's own business; ``crop`` cuts a face as its network was trained on."""

    def __call__(self, images: Tensor) -> Features:
        """Features of a batch of images."""
        ...

    def crop(self, face: Face) -> Face:
        """The face as the network wants it, (112, 112)."""
        ...


@dataclass(frozen=True)
class Pixels:
    """How a network wants its pixels: (x - mean) / std per channel, after any swap to BGR."""

    bgr: bool = False
    mean: float = 0.5
    std: float = 0.5

    def __call__(self, images: Tensor) -> Tensor:
        """RGB images (N, 3, H, W) in 0 … 1 as the network's input, (N, 3, 112, 112).

        Raises ValueError for bytes or another number of axes.
        """
        if images.ndim != 4 or images.shape[1] != 3 or not images.is_floating_point():
            raise ValueError(
                f"images are {images.dtype} {tuple(images.shape)}; give floats in 0 … 1, "
                "(N, 3, H, W), as as_images makes them of bytes"
            )
        if images.shape[-2:] != (SIZE, SIZE):
            images = functional.interpolate(
                images, (SIZE, SIZE), mode="bilinear", align_corners=False, antialias=True
            )
        return ((images.flip(1) if self.bgr else images) - self.mean) / self.std


def upright_crop(face: Face) -> Face:
    """Our encoders' crop: by the eye corners alone, which no palsy moves."""
    return face.aligned(RECOGNISER, SIZE)


def as_images(batch: Tensor) -> Tensor:
    """Bytes (N, H, W, 3) as images (N, 3, H, W) in 0 … 1."""
    return batch.permute(0, 3, 1, 2).to(torch.float32) / 255
