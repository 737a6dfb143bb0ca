"""SER-FIQ: how usable a face is to a recogniser, by how much its embedding trembles."""

from __future__ import annotations

import numpy as np


def ser_fiq(embeddings: np.ndarray) -> float:
    """Quality 0 … 1 of one image from m stochastic embeddings (m, D) of it (Terhörst et al.
    2020): 2 sigmoid(-mean distance of all pairs), embeddings at unit length, m = 100 there.

    The reference code rescales this: see :func:`ser_fiq_rescaled`.
    """
    x = embeddings.astype(np.float64)
    x = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
    squared = np.maximum(2 - 2 * (x @ x.T), 0)
    upper = np.triu_indices(len(x), 1)
    return float(2 / (1 + np.exp(np.sqrt(squared[upper]).mean())))


def ser_fiq_rescaled(quality: float, alpha: float = 130.0, r: float = 0.88) -> float:
    """The reference code's last step, which spreads figures out: sigmoid(alpha (quality - r))."""
    return float(1 / (1 + np.exp(-alpha * (quality - r))))
