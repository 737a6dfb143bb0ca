"""The smooth step that gates, fades and tapers are made of."""

from __future__ import annotations

import numpy as np


def smoothstep(value: np.ndarray | float) -> np.ndarray:
    """0 up to 0, 1 from 1 on, and a cubic with level ends between them."""
    t = np.clip(value, 0, 1)
    return np.asarray(t * t * (3 - 2 * t))
