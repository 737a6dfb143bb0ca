"""Canny edges of a picture."""

from __future__ import annotations

import cv2
import numpy as np


def canny(
    image: np.ndarray, low: float = 0.66, high: float = 1.33, sigma: float = 1.0
) -> np.ndarray:
    """Canny edge detection (Canny 1986) with adaptive thresholds.

    The thresholds are multiples of the 85th percentile of the non-zero gradient magnitudes, so
    that edges are also found on dark skin and in dim light; this rule is ours.

    Args:
        image: (H, W, 3) uint8 RGB.
        low: lower hysteresis threshold, in multiples of the percentile.
        high: upper hysteresis threshold, in multiples of the percentile.
        sigma: standard deviation of the Gaussian blur before the gradient, pixels.

    Returns:
        Edge map (H, W) uint8, 0 or 255.
    """
    grey = cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (0, 0), sigma)
    dx = cv2.Sobel(grey, cv2.CV_16S, 1, 0)
    dy = cv2.Sobel(grey, cv2.CV_16S, 0, 1)
    magnitude = np.abs(dx.astype(np.int32)) + np.abs(dy.astype(np.int32))
    scale = float(np.percentile(magnitude[magnitude > 0], 85)) if (magnitude > 0).any() else 1.0
    return np.asarray(cv2.Canny(dx, dy, low * scale, high * scale, L2gradient=False))
