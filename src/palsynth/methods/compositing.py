"""Puts a crop that a network made back into the picture around it."""

from __future__ import annotations

import cv2
import numpy as np

from palsynth.face.face import Face
from palsynth.face.regions import region_mask

RIM = 0.08
"""Width of the border over which a crop fades into the photo around it, as a share of its side."""

SOFT = 0.05
"""Blur of the face mask that limits a change of the draft, as a share of the outer-eye distance."""


def soft_face_mask(crop: Face) -> np.ndarray:
    """A mask of where an expression has an effect.

    Args:
        crop: a face, (S, S).

    Returns:
        (S, S) float32: 1 in the face, falling to 0 around it.
    """
    mask = region_mask(crop.landmarks, "face", crop.image.shape).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), SOFT * crop.outer_eyes))


def add_change(image: np.ndarray, change: np.ndarray, to_image: np.ndarray) -> np.ndarray:
    """Adds the change of a crop to an image, where the crop lies in it.

    A larger image keeps its own sharpness, and only what changes is as coarse as the crop.

    Args:
        image: (H, W, 3) uint8 RGB.
        change: (S, S, 3) float, grey levels.
        to_image: (2, 3) affine transform from the crop's pixels to the image's.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    faded = change * _fade(change.shape[0])[..., None]
    warped = _warp(faded, to_image, image.shape)
    return (image + warped).round().clip(0, 255).astype(np.uint8)


def paste(image: np.ndarray, crop: np.ndarray, to_image: np.ndarray) -> np.ndarray:
    """Pastes a crop into an image, blended at the crop's border.

    Args:
        image: (H, W, 3) uint8 RGB.
        crop: (S, S, 3), 0 … 255.
        to_image: (2, 3) affine transform from the crop's pixels to the image's.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    alpha = _warp(_fade(crop.shape[0]), to_image, image.shape)[..., None].clip(0, 1)
    warped = _warp(crop, to_image, image.shape, cv2.BORDER_REPLICATE)
    return (image * (1 - alpha) + warped * alpha).round().clip(0, 255).astype(np.uint8)


def _warp(
    crop: np.ndarray,
    to_image: np.ndarray,
    shape: tuple[int, ...],
    border: int = cv2.BORDER_CONSTANT,
) -> np.ndarray:
    """Warps a crop to the pixels of an image of a shape (H, W, ...)."""
    return cv2.warpAffine(
        crop.astype(np.float32),
        to_image,
        (shape[1], shape[0]),
        flags=cv2.INTER_CUBIC,
        borderMode=border,
    )


def _fade(size: int) -> np.ndarray:
    """(S, S) float32: 1 in the middle, falling to 0 at the border."""
    rim = RIM * size
    edge = np.minimum(np.arange(size) + 0.5, size - np.arange(size) - 0.5) / rim
    line = edge.clip(0, 1).astype(np.float32)
    return np.minimum(line[:, None], line[None])
