"""Face recognition metrics: top-1 accuracy, verification AUC, TAR at a false-accept rate."""

from __future__ import annotations

import numpy as np

from palsynth.evaluation import checks


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cosine similarities of features.

    Args:
        a: (N, D) features.
        b: (M, D) features.

    Returns:
        (N, M) float64, -1 to 1; NaN for rows of NaN.

    Raises:
        InputError: features are no numbers or differ in length.
    """
    checks.features("a", a)
    checks.features("b", b, a.shape[1])
    a, b = (x.astype(np.float64) for x in (a, b))
    a /= np.maximum(np.linalg.norm(a, axis=1, keepdims=True), 1e-12)
    b /= np.maximum(np.linalg.norm(b, axis=1, keepdims=True), 1e-12)
    return a @ b.T


def paired_cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cosine similarities of the features of each pair.

    Args:
        a: (N, D) features; rows of NaN have no face.
        b: (N, D) features.

    Returns:
        (N,) float64, -1 to 1; NaN without a face.

    Raises:
        InputError: features are no numbers, or the arrays differ in shape.
    """
    checks.features("a", a)
    checks.features("b", b)
    checks.same_shape("a", a, "b", b)
    return np.array([cosines(x[None], y[None])[0, 0] for x, y in zip(a, b, strict=True)])


def top1(similarity: np.ndarray, probe: np.ndarray, gallery: np.ndarray) -> float:
    """Share of probes whose most similar gallery entry is the same person.

    Args:
        similarity: (N, M) similarities of probes and gallery; higher is more similar.
        probe: (N,) names of the persons.
        gallery: (M,) names of the persons.

    Returns:
        The share, 0 to 1.

    Raises:
        InputError: there are no probes or no gallery, not a name each, or similarities are no
            numbers.
    """
    _check_similarity(similarity, probe, gallery)
    checks.at_least("probe", len(probe), 1, "pictures: at least one is needed")
    checks.at_least("gallery", len(gallery), 1, "pictures: there is nobody to compare with")
    return float((gallery[similarity.argmax(1)] == probe).mean())


def verification(
    similarity: np.ndarray, probe: np.ndarray, gallery: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Divides similarities into genuine and impostor pairs.

    Args:
        similarity: (N, M) similarities of probes and gallery.
        probe: (N,) names of the persons.
        gallery: (M,) names of the persons.

    Returns:
        The similarities of all pairs of one person, and of all pairs of two, both 1-D.

    Raises:
        InputError: there is not a name each, or similarities are no numbers.
    """
    _check_similarity(similarity, probe, gallery)
    same = probe[:, None] == gallery[None]
    return similarity[same], similarity[~same]


def auc(same: np.ndarray, other: np.ndarray) -> float:
    """Area under the ROC curve of verification (Mann-Whitney).

    Args:
        same: (N,) similarities of pairs of one person.
        other: (M,) similarities of pairs of two.

    Returns:
        The probability that a pair of one person is more similar than a pair of two, ties counting
        half.

    Raises:
        InputError: there are no pairs of one kind, or similarities are no numbers.

    Example:
        >>> auc(np.array([0.9, 0.5]), np.array([0.1, 0.5]))
        0.875
    """
    _check_pairs(same, other)
    other = np.sort(other)
    below = np.searchsorted(other, same, "left") + np.searchsorted(other, same, "right")
    return float(below.mean() / 2 / len(other))


def tar_at_far(same: np.ndarray, other: np.ndarray, far: float = 0.01) -> float:
    """True-accept rate at a false-accept rate.

    Args:
        same: (N,) similarities of pairs of one person.
        other: (M,) similarities of pairs of two.
        far: largest share of ``other`` that the threshold accepts, 0 to 1.

    Returns:
        Share of ``same`` above the threshold, 0 to 1.

    Raises:
        InputError: there are no pairs of one kind, similarities are no numbers, or ``far`` is no
            share.
    """
    _check_pairs(same, other)
    checks.within("far", far, 0, 1)
    allowed = int(np.floor(far * len(other) + 1e-9))
    threshold = np.sort(other)[::-1][allowed] if allowed < len(other) else -np.inf
    return float((same > threshold).mean())


def _check_similarity(similarity: np.ndarray, probe: np.ndarray, gallery: np.ndarray) -> None:
    checks.dimensions("similarity", similarity, (len(probe), len(gallery)))
    checks.finite("similarity", similarity)


def _check_pairs(same: np.ndarray, other: np.ndarray) -> None:
    for name, values in (("same", same), ("other", other)):
        checks.dimensions(name, values, (None,))
        checks.at_least(name, len(values), 1, "pairs: at least one is needed")
        checks.finite(name, values)
