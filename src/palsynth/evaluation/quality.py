"""SER-FIQ: face image quality for recognition, from the variability of stochastic embeddings."""

from __future__ import annotations

import numpy as np


def ser_fiq(embeddings: np.ndarray) -> float:
    """Quality of one image (Terhörst et al. 2020): 2 sigmoid(-mean distance of all pairs).

    The reference code rescales this: see :func:`ser_fiq_rescaled`.

    Args:
        embeddings: (m, D) embeddings of the image with different dropout masks, normalised here
            to unit length; the paper uses m = 100.

    Returns:
        The quality, 0 to 1.
    """
    x = embeddings.astype(np.float64)
    x = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
    squared = np.maximum(2 - 2 * (x @ x.T), 0)
    upper = np.triu_indices(len(x), 1)
    return float(2 / (1 + np.exp(np.sqrt(squared[upper]).mean())))


def ser_fiq_rescaled(quality: float, alpha: float = 130.0, r: float = 0.88) -> float:
    """Rescales a quality as the reference code does: sigmoid(alpha (quality - r)).

    Args:
        quality: output of :func:`ser_fiq`, 0 to 1.
        alpha: slope.
        r: quality that is mapped to 0.5.

    Returns:
        The rescaled quality, 0 to 1.

    Example:
        >>> ser_fiq_rescaled(0.88)
        0.5
    """
    return float(1 / (1 + np.exp(-alpha * (quality - r))))
