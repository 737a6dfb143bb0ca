"""The encoder interface: images in, a feature vector and a feature map out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from palsynth.face.face import Face
from palsynth.face.framing import RECOGNISER

SIZE = 112
"""Side length in pixels of every encoder's input."""


class Features(NamedTuple):
    """What an encoder extracts from N images."""

    vector: Tensor
    """(N, D) feature vectors."""
    map: Tensor
    """(N, C, 7, 7) the last feature map before the vector."""


class Encoder(Protocol):
    """Maps images (N, 3, H, W), RGB in 0 … 1, to :class:`Features`.

    Colour order, normalisation and resizing are internal to the encoder.
    """

    def __call__(self, images: Tensor) -> Features:
        """Extracts features.

        Args:
            images: (N, 3, H, W) float, RGB in 0 … 1.

        Returns:
            Vectors (N, D) and maps (N, C, 7, 7).
        """
        ...

    def crop(self, face: Face) -> Face:
        """Crops and aligns a face as in the network's training.

        Args:
            face: a detected face.

        Returns:
            The aligned face, 112 px a side.
        """
        ...


@dataclass(frozen=True)
class Pixels:
    """Input normalisation of a network: (x - mean) / std, after an optional swap to BGR."""

    bgr: bool = False
    """Whether the network takes BGR instead of RGB."""
    mean: float = 0.5
    std: float = 0.5

    def __call__(self, images: Tensor) -> Tensor:
        """Resizes and normalises images.

        Args:
            images: (N, 3, H, W) float, RGB in 0 … 1.

        Returns:
            The network's input (N, 3, 112, 112).

        Raises:
            ValueError: the images are not floating point or not of four axes.
        """
        if images.ndim != 4 or images.shape[1] != 3 or not images.is_floating_point():
            raise ValueError(
                f"images are {images.dtype} {tuple(images.shape)}; give floats in 0 … 1, "
                "(N, 3, H, W); as_images converts bytes"
            )
        if images.shape[-2:] != (SIZE, SIZE):
            images = functional.interpolate(
                images, (SIZE, SIZE), mode="bilinear", align_corners=False, antialias=True
            )
        return ((images.flip(1) if self.bgr else images) - self.mean) / self.std


def upright_crop(face: Face) -> Face:
    """Crops a face as our encoders expect it: aligned by the eye corners, which no palsy moves.

    Args:
        face: a detected face.

    Returns:
        The aligned face, 112 px a side.
    """
    return face.aligned(RECOGNISER, SIZE)


def as_images(batch: Tensor) -> Tensor:
    """Converts bytes to floating-point images.

    Args:
        batch: (N, H, W, 3) uint8.

    Returns:
        (N, 3, H, W) float32 in 0 … 1, in the same colour order.
    """
    return batch.permute(0, 3, 1, 2).to(torch.float32) / 255
