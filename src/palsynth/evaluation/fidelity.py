"""How near pictures come to the true ones: PSNR and SSIM, per image, whole or where it moves.

Papers pool these figures in different ways; here every image has its own and is averaged last.
Pooling the squared error over a batch first gives other numbers (10.6 dB where the mean per
image is 23.7).
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torchmetrics.functional.image import (
    peak_signal_noise_ratio,
    structural_similarity_index_measure,
)

MOVES = 8.0
"""Grey levels by which the truth differs from the identity image where something moved."""


def psnr(images: np.ndarray, truth: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    """Peak signal-to-noise ratio of each image, (N,) dB; infinite where nothing differs.

    ``images`` and ``truth`` (N, H, W, 3) uint8; ``mask`` (N, H, W) bool limits it to those
    pixels (NaN where an image has none).
    """
    if mask is None:
        found = peak_signal_noise_ratio(
            _tensor(images), _tensor(truth), 255.0, reduction="none", dim=(1, 2, 3)
        )
        return found.double().numpy()
    squared = np.square(images.astype(np.float64) - truth).mean(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.where(mask, squared, 0).sum((1, 2)) / mask.sum((1, 2))
        return np.asarray(10 * np.log10(255.0**2 / error))


def ssim(images: np.ndarray, truth: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    """Structural similarity of each image, (N,), at most 1 (Wang et al. 2004: Gaussian window
    of 11 px, sigma 1.5, K 0.01 and 0.03, mean over the channels).

    With ``mask`` (N, H, W) bool the mean of the similarity map over those pixels (NaN where an
    image has none).
    """
    values, full = structural_similarity_index_measure(
        _tensor(images).float(),  # ten times as quick as double; about 1e-5 apart
        _tensor(truth).float(),
        data_range=255.0,
        reduction="none",
        return_full_image=True,
    )
    if mask is None:
        return values.double().numpy()
    similarity = full.double().mean(1).numpy()
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(mask, similarity, 0).sum((1, 2)) / mask.sum((1, 2)))


def moving(identity: np.ndarray, truth: np.ndarray, threshold: float = MOVES) -> np.ndarray:
    """Where the truth differs from the identity image, (N, H, W) bool, with a rim of 1/56 of
    the side: where a method had something to do."""
    apart = np.abs(identity.astype(np.int16) - truth).max(-1) > threshold
    rim = max(1, round(identity.shape[1] / 56))
    kernel = np.ones((2 * rim + 1, 2 * rim + 1), np.uint8)
    return np.stack([cv2.dilate(a.astype(np.uint8), kernel) for a in apart]).astype(bool)


def _tensor(images: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2))).double()
