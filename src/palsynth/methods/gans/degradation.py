"""Degradation of faces, for a restoration network to learn from."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from palsynth.methods.gans.warping import random_warp

BLOCK = 8
"""Side of the blocks of JPEG, pixels."""


def degrade(images: Tensor, rng: torch.Generator) -> Tensor:
    """Degrades each image as cameras, files and generators do, in random measure.

    In this order: smeared as by a generator that is not sure of the place (the image's mean with
    warps of itself), blurred, reduced and enlarged, noisy, and quantised in blocks as in JPEG.
    Each happens to two images in three. Computed in single precision, also within a training in
    half precision, which would add errors of its own.

    Args:
        images: (N, 3, S, S), -1 … 1.
        rng: decides what happens to which image.

    Returns:
        (N, 3, S, S), -1 … 1.
    """
    with torch.autocast(images.device.type, enabled=False):
        return torch.cat([_degraded(image[None], rng) for image in images.float()])


def _degraded(image: Tensor, rng: torch.Generator) -> Tensor:
    happens = torch.rand(5, generator=rng, device=rng.device) < 2 / 3
    # uniform random numbers, one for the measure of each
    smear, softness, size, noise, loss = torch.rand(5, generator=rng, device=rng.device).tolist()
    x = image
    if happens[0]:
        x = smeared(x, 0.005 + 0.015 * smear, rng)
    if happens[1]:
        x = blurred(x, 0.3 + 1.2 * softness)
    if happens[2]:
        x = reduced(x, 1 + 1.5 * size)
    if happens[3]:
        white = torch.randn(x.shape, generator=rng, device=x.device)
        x = x + 0.06 * noise * white
    if happens[4]:
        x = quantised(x, 0.02 + 0.12 * loss)
    return x.clamp(-1, 1)


def smeared(images: Tensor, deviation: float, rng: torch.Generator) -> Tensor:
    """The mean of images with two fine random warps of themselves.

    Args:
        images: (N, C, S, S).
        deviation: of the warps, as a share of the side.
        rng: source of the warps.

    Returns:
        (N, C, S, S).
    """
    warped = [random_warp(images, deviation, rng, knots=9) for _ in range(2)]
    return (images + warped[0] + warped[1]) / 3


def blurred(images: Tensor, sigma: float) -> Tensor:
    """Gaussian blur.

    Args:
        images: (N, C, S, S).
        sigma: pixels.

    Returns:
        (N, C, S, S).
    """
    radius = max(1, math.ceil(3 * sigma))
    steps = torch.arange(-radius, radius + 1, device=images.device, dtype=images.dtype)
    weights = torch.exp(-(steps**2) / (2 * sigma**2))
    weights = weights / weights.sum()
    channels = images.shape[1]
    padded = functional.pad(images, (radius,) * 4, mode="replicate")
    across = weights.expand(channels, 1, 1, -1)
    x = functional.conv2d(padded, across, groups=channels)
    return functional.conv2d(x, across.transpose(2, 3), groups=channels)


def reduced(images: Tensor, factor: float) -> Tensor:
    """Reduces images and enlarges them again.

    Args:
        images: (N, C, S, S).
        factor: at least 1.

    Returns:
        (N, C, S, S).
    """
    side = images.shape[-1]
    small = functional.interpolate(images, (round(side / factor),) * 2, mode="area")
    return functional.interpolate(small, (side, side), mode="bicubic", align_corners=False)


def quantised(images: Tensor, step: float) -> Tensor:
    """Rounds the cosine coefficients of blocks of 8 x 8 pixels, high frequencies more coarsely, as
    JPEG does.

    Args:
        images: (N, C, S, S), -1 … 1; S is a multiple of 8.
        step: step of the lowest frequency.

    Returns:
        (N, C, S, S).
    """
    n = torch.arange(BLOCK, device=images.device, dtype=images.dtype)
    cosines = torch.cos(math.pi * (2 * n + 1) * n[:, None] / (2 * BLOCK))
    cosines = cosines * torch.where(n == 0, math.sqrt(1 / BLOCK), math.sqrt(2 / BLOCK))[:, None]
    steps = step * (1 + n[:, None] + n)
    count, channels, height, width = images.shape
    tiles = (count, channels, height // BLOCK, BLOCK, width // BLOCK, BLOCK)
    blocks = images.reshape(tiles).transpose(3, 4)
    coefficients = cosines @ blocks @ cosines.T
    rounded = (coefficients / steps).round() * steps
    return (cosines.T @ rounded @ cosines).transpose(3, 4).flatten(4, 5).flatten(2, 3)
