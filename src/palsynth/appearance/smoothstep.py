"""The smoothstep function, used for gates, fades and tapers."""

from __future__ import annotations

import numpy as np


def smoothstep(value: np.ndarray | float) -> np.ndarray:
    """Cubic interpolation between 0 and 1 with zero slope at both ends.

    Args:
        value: any shape; values are clamped to 0 … 1 first.

    Returns:
        ``3 t² − 2 t³`` of the clamped values, same shape, 0 … 1.

    Example:
        >>> smoothstep(0.5).item()
        0.5
    """
    t = np.clip(value, 0, 1)
    return np.asarray(t * t * (3 - 2 * t))
