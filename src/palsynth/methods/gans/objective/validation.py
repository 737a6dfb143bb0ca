"""What the GANs' validations measure and show."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity, pdist

from palsynth.encoders.base import as_images


def to_range(images: Tensor) -> Tensor:
    """Bytes as images in the range of the networks.

    Args:
        images: (N, S, S, 3) uint8.

    Returns:
        (N, 3, S, S) float32, -1 … 1.
    """
    return 2 * as_images(images) - 1


def psnr(images: Tensor, truth: Tensor) -> float:
    """Mean PSNR of images.

    Args:
        images: (N, 3, S, S), -1 … 1.
        truth: the same shape and range.

    Returns:
        dB, for the range of 2.
    """
    errors = ((images - truth) / 2).square().flatten(1).mean(1)
    return float((-10 * torch.log10(errors.clamp(min=1e-9))).mean())


def spread(images: Tensor, truth: Tensor, person: Tensor) -> float:
    """How different one person's images are, relative to what they should be: near 0, they show one
    expression whatever is asked for (mode collapse).

    Args:
        images: (N, 3, S, S).
        truth: the same shape.
        person: (N,) who is in each image; two or more images of somebody.

    Returns:
        The mean distance of two images of a person, over that of the true ones.
    """
    distances: list[list[Tensor]] = [[], []]
    for k in torch.unique(person):
        for out, x in zip(distances, (images, truth), strict=True):
            out.append(pdist(x[person == k].flatten(1)))
    made, true = (torch.cat(found).mean() for found in distances)
    return float(made / true)


def agreement(images: Tensor, truth: Tensor, person: Tensor) -> float:
    """Whether one person's images differ as they should, which PSNR hardly sees: an expression is a
    small part of a face.

    Args:
        images: (N, 3, S, S).
        truth: the same shape.
        person: (N,) who is in each image; two or more images of somebody.

    Returns:
        The mean cosine of the difference between two images of a person with that of the true ones:
        1 where the expressions are shown, near 0 where nothing of them is.
    """
    cosines = []
    for k in torch.unique(person):
        made, true = images[person == k].flatten(1), truth[person == k].flatten(1)
        first, second = torch.triu_indices(len(made), len(made), 1)
        cosines.append(cosine_similarity(made[first] - made[second], true[first] - true[second]))
    return float(torch.cat(cosines).mean())


def in_rows(*columns: Tensor) -> np.ndarray:
    """Puts images side by side, a row for each number, in two halves.

    Args:
        *columns: (N, S, S, 3) uint8, or (N, 3, S, S), -1 … 1.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    images = [_as_bytes(column) for column in columns]
    rows = [np.hstack([x[k] for x in images]) for k in range(len(images[0]))]
    half = len(rows) // 2
    return np.hstack([np.vstack(rows[:half]), np.vstack(rows[half : 2 * half])])


def _as_bytes(images: Tensor) -> np.ndarray:
    if images.dtype == torch.uint8:
        return images.cpu().numpy()
    scaled = (images.float().clamp(-1, 1) + 1) * 127.5
    return scaled.round().byte().permute(0, 2, 3, 1).cpu().numpy()
