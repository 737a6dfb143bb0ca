"""Random smooth warps of images."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

KNOTS = 5
"""Knots of the grid along either side, as in Faceswap."""


def random_warp(
    images: Tensor, deviation: float, rng: torch.Generator, knots: int = KNOTS
) -> Tensor:
    """Warps each image by a smooth random field: knots on a grid are displaced at random, and the
    field between them is interpolated (Faceswap 2017). Computed in single precision, also within a
    training in half precision, which cannot tell neighbouring places of a large image apart.

    Args:
        images: (N, C, S, S) float.
        deviation: standard deviation of the displacements, as a share of the side.
        rng: source of the displacements.
        knots: knots along either side.

    Returns:
        (N, C, S, S) the warped images, their borders repeated outwards.
    """
    count, _, height, width = images.shape
    moves = torch.randn(count, 2, knots, knots, generator=rng, device=images.device)
    moves = 2 * deviation * moves  # grid_sample's coordinates go from -1 to 1
    smooth = functional.interpolate(moves, (height, width), mode="bicubic", align_corners=True)
    identity = torch.eye(2, 3, device=images.device).expand(count, 2, 3)
    with torch.autocast(images.device.type, enabled=False):
        grid = functional.affine_grid(identity, [count, 1, height, width], align_corners=False)
        return functional.grid_sample(
            images.float(),
            grid + smooth.permute(0, 2, 3, 1),
            padding_mode="border",
            align_corners=False,
        )
