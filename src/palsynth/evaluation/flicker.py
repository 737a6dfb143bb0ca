"""Flicker of a clip: how much changes from frame to frame where nothing moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Flicker:
    """Change between consecutive frames in regions that do not move, grey levels.

    Attributes:
        mean: mean absolute change.
        worst: the 99.9th percentile of the absolute change; local popping shows here.
        pixels: pixels that were compared, over all pairs of frames.
    """

    mean: float
    worst: float
    pixels: int


def flicker(frames: Sequence[np.ndarray], still: Sequence[np.ndarray]) -> Flicker:
    """Measures the flicker of a clip.

    To judge it, compare it with what a JPEG does to the same pixels: pass pairs of a frame and its
    decoded copy.

    Args:
        frames: N images (H, W, 3) uint8 RGB, in time.
        still: N - 1 masks (H, W) bool of the pixels where nothing moves from a frame to the next.

    Returns:
        The flicker; not a number (NaN) where no pixel is still.

    Raises:
        ValueError: there is not one mask per pair of consecutive frames.

    Example:
        >>> dark, light = np.zeros((2, 2, 3), np.uint8), np.full((2, 2, 3), 3, np.uint8)
        >>> flicker([dark, light], [np.ones((2, 2), bool)]).mean
        3.0
    """
    if len(still) != len(frames) - 1:
        raise ValueError(f"{len(frames)} frames need {len(frames) - 1} masks, not {len(still)}")
    changes = np.concatenate(
        [
            np.abs(after.astype(np.int16) - before)[mask].ravel()
            for before, after, mask in zip(frames[:-1], frames[1:], still, strict=True)
        ]
    )
    if not len(changes):
        return Flicker(float("nan"), float("nan"), 0)
    return Flicker(float(changes.mean()), float(np.percentile(changes, 99.9)), len(changes) // 3)
