"""Frames of a disc that moves over bars of known colours."""

from __future__ import annotations

import numpy as np

BARS = (
    (200, 150, 120),
    (90, 60, 45),
    (255, 255, 255),
    (128, 128, 128),
    (180, 40, 50),
    (40, 60, 160),
)
"""Light and dark skin, white, grey, lips, cloth."""


def moving(number: int = 12, width: int = 96, height: int = 64) -> list[np.ndarray]:
    """Frames, (height, width, 3) uint8 each, all different."""
    rows, columns = np.mgrid[:height, :width]
    bars = np.array(BARS, np.uint8)[columns * len(BARS) // width]
    frames = []
    for k in range(number):
        centre = width * (0.2 + 0.6 * k / number)
        disc = np.hypot(columns - centre, rows - height / 2) < height / 5
        frames.append(np.where(disc[..., None], np.array([20, 120, 60], np.uint8), bars))
    return frames


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    """Peak signal-to-noise ratio, dB."""
    return float(10 * np.log10(255**2 / np.square(one.astype(float) - other).mean()))
