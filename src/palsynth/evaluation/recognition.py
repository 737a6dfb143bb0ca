"""How well features tell people apart: top-1, verification AUC, TAR at a false-accept rate."""

from __future__ import annotations

import numpy as np


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cosine similarities (N, M) of features (N, D) and (M, D), in float64."""
    a, b = (x.astype(np.float64) for x in (a, b))
    a /= np.maximum(np.linalg.norm(a, axis=1, keepdims=True), 1e-12)
    b /= np.maximum(np.linalg.norm(b, axis=1, keepdims=True), 1e-12)
    return a @ b.T


def top1(similarity: np.ndarray, probe: np.ndarray, gallery: np.ndarray) -> float:
    """Share of probes whose most similar gallery entry is the same person.

    ``similarity`` (N, M) higher is more alike; ``probe`` (N,) and ``gallery`` (M,) names.
    """
    return float((gallery[similarity.argmax(1)] == probe).mean())


def verification(
    similarity: np.ndarray, probe: np.ndarray, gallery: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Similarities of all pairs of one person, and of all pairs of two."""
    same = probe[:, None] == gallery[None]
    return similarity[same], similarity[~same]


def auc(same: np.ndarray, other: np.ndarray) -> float:
    """Area under the ROC curve: the chance that a pair of one person is more alike than a pair
    of two (Mann-Whitney); ties count half."""
    other = np.sort(other)
    below = np.searchsorted(other, same, "left") + np.searchsorted(other, same, "right")
    return float(below.mean() / 2 / len(other))


def tar_at_far(same: np.ndarray, other: np.ndarray, far: float = 0.01) -> float:
    """True-accept rate at the threshold that accepts at most a share ``far`` of ``other``."""
    allowed = int(np.floor(far * len(other) + 1e-9))
    threshold = np.sort(other)[::-1][allowed] if allowed < len(other) else -np.inf
    return float((same > threshold).mean())
