"""Landmarks as an image of lines, and their normalisation to the shape of another face.

Yaotome et al. (2020) give MC-GAN the patient's expression as an image of landmarks; Sakai et al.
(2021) normalise the face's shape first. Their papers leave open how; what follows is ours.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor

from palsynth.face import topology

_JAW = topology.FACE_OVAL[8:29]  # from ear to ear, by the chin


class Part(NamedTuple):
    """Lines of a part of the face: landmark indices, and whether the lines are closed."""

    lines: tuple[tuple[int, ...], ...]
    closed: bool = False


PARTS = {
    "brows": Part(tuple(topology.BROW_UPPER.values()) + tuple(topology.BROW_LOWER.values())),
    "lids": Part(tuple(topology.UPPER_LID.values()) + tuple(topology.LOWER_LID.values())),
    "irises": Part(tuple(points[1:] for points in topology.IRIS.values()), closed=True),
    "nose": Part(((168, 6, 197, 195, 5, 4), (129, 98, 97, 2, 326, 327, 358))),
    "lips": Part((topology.OUTER_UPPER_LIP, topology.OUTER_LOWER_LIP)),
    "mouth": Part((topology.INNER_UPPER_LIP, topology.INNER_LOWER_LIP)),
    "jaw": Part((_JAW,)),
}
"""The parts, each a channel of the image: at 64 px the lines of lids and iris, and those of the
lips and the mouth's opening, are a pixel apart and would merge in one channel."""

_BITS = 4
"""Fractional bits of the coordinates that are drawn."""

_EYES = tuple(topology.OUTER_CANTHUS.values())
_SIDES = (234, 454)
"""Sides of the jaw at the level of the ears, the patient's right and left."""

LIPS = 0.18
"""How far lips part while the teeth are closed, as a share of the height from the base of the nose
to the chin: that of the simulator's full grin. What they part further is the jaw's doing, which is
expression, and is left out of the height that is mapped."""


def draw(points: Tensor, size: int) -> Tensor:
    """Draws landmarks as anti-aliased lines, 1 pixel wide.

    Args:
        points: (N, 478, 2) x and y as fractions of the image's side, as a landmark encoder gives.
        size: side of the image in pixels.

    Returns:
        (N, len(PARTS), size, size) float32, 1 on a line and 0 off it, on the device of the points.
    """
    pixels = (points.detach().cpu().numpy() * size - 0.5) * 2**_BITS
    pixels = np.nan_to_num(pixels).clip(-(2**20), 2**20).round().astype(np.int32)
    images = np.zeros((len(pixels), len(PARTS), size, size), np.uint8)
    for image, face in zip(images, pixels, strict=True):
        for channel, part in zip(image, PARTS.values(), strict=True):
            lines = [face[list(line)] for line in part.lines]
            cv2.polylines(channel, lines, part.closed, 255, 1, cv2.LINE_AA, _BITS)
    return torch.from_numpy(images).to(points.device, torch.float32) / 255


def normalise_shape(points: Tensor, onto: Tensor) -> Tensor:
    """Maps the landmarks of one face to the proportions of another.

    An axis-aligned, piecewise linear map between anchors that no palsy moves: the sides of the jaw
    and the outer corners of the eyes across; the corners of the eyes, the base of the nose and the
    chin down. Beyond the outermost anchors, lengths are kept. What the face expresses is kept too,
    asymmetries included. A jaw that is open stays open: see :data:`LIPS`.

    Args:
        points: (N, 478, 2) landmarks of the faces whose expression is kept, cropped upright.
        onto: (N, 478, 2) landmarks of the faces whose proportions they get.

    Returns:
        (N, 478, 2) the landmarks of ``points`` in the proportions of ``onto``.
    """
    across = [_SIDES[0], *_EYES, _SIDES[1]]
    x = _interpolate(points[..., 0], points[:, across, 0], onto[:, across, 0])
    y = _interpolate(points[..., 1], *_heights(points, onto))
    return torch.stack([x, y], -1)


def _heights(points: Tensor, onto: Tensor) -> tuple[Tensor, Tensor]:
    """The anchors down, (N, 3), on either face: eyes, base of the nose and chin."""
    eyes, nose, chin = (
        torch.stack([p[:, index, 1].mean(1) for p in (points, onto)])
        for index in (_EYES, topology.PHILTRUM[:1], (topology.CHIN,))
    )
    height, target_height = chin - nose
    parted = points[:, topology.INNER_LOWER_LIP[5], 1] - points[:, topology.INNER_UPPER_LIP[5], 1]
    closed = height - (parted - LIPS * target_height).clamp(min=0)
    scale = target_height / closed.clamp(min=1e-6)
    chin = torch.stack([chin[0], nose[1] + scale * height])
    source, target = torch.stack([eyes, nose, chin], -1)
    return source, target


def _interpolate(values: Tensor, source: Tensor, target: Tensor) -> Tensor:
    """Piecewise linear interpolation; beyond the anchors, the slope is 1.

    Args:
        values: (N, P).
        source: (N, K) anchors among the values, increasing.
        target: (N, K) where they go.
    """
    out = target[:, :1] + (values - source[:, :1]).clamp(max=0)
    for k in range(source.shape[1] - 1):
        length = (source[:, k + 1] - source[:, k]).clamp(min=1e-6)[:, None]
        share = (values - source[:, k, None]) / length
        out = out + share.clamp(0, 1) * (target[:, k + 1] - target[:, k])[:, None]
    return out + (values - source[:, -1:]).clamp(min=0)
