"""Distances between sets of images by their features: FID and KID, in float64."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from palsynth.evaluation import checks
from palsynth.evaluation.intervals import Figure
from palsynth.evaluation.metric import Inputs, Metric, Outcome


@dataclass(frozen=True)
class Backend:
    """The features that a distance is computed from; backends are not comparable.

    Attributes:
        name: the feature network.
        resize: how images are resized for it.
        weights: short checksum of its weights.
    """

    name: str
    resize: str
    weights: str

    def column(self, metric: str, count: int) -> str:
        """The name of a figure with its variant.

        Args:
            metric: name of the metric.
            count: number of images.

        Returns:
            Such as ``fid[inception, bilinear 299, 6726825d, 500]``.
        """
        return f"{metric}[{self.name}, {self.resize}, {self.weights}, {count}]"


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Fréchet distance of two Gaussians fitted to features.

    With Inception features this is FID (Heusel et al. 2017). Biased upwards for small sets.

    Args:
        a: (N, D) features.
        b: (M, D) features.

    Returns:
        The squared distance, at least 0.

    Raises:
        InputError: a set has fewer than two images or features that are no numbers, or the features
            differ in length.
    """
    _check_sets(a, b)
    (mean_a, cov_a), (mean_b, cov_b) = _gaussian(a), _gaussian(b)
    # tr sqrt(A B) from the symmetric sqrt(A) B sqrt(A), which has the same eigenvalues
    values, vectors = np.linalg.eigh(cov_a)
    root = vectors * np.sqrt(values.clip(0)) @ vectors.T
    product = np.linalg.eigvalsh(root @ cov_b @ root)
    mean_term = np.square(mean_a - mean_b).sum()
    distance = mean_term + np.trace(cov_a) + np.trace(cov_b) - 2 * np.sqrt(product.clip(0)).sum()
    return float(max(distance, 0.0))  # rounding errors may make it negative


def kernel_distance(
    a: np.ndarray, b: np.ndarray, *, subsets: int = 100, size: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """KID (Bińkowski et al. 2018): unbiased squared MMD with the kernel (x·y / D + 1)³.

    Suitable for small sets. If both sets have at most ``size`` images and equally many, the whole
    sets are the only subset.

    Args:
        a: (N, D) features.
        b: (M, D) features.
        subsets: number of random subsets.
        size: images per subset, at most those of the smaller set.
        seed: seed of the subsets.

    Returns:
        Mean and standard deviation over the subsets; the mean may be negative.

    Raises:
        InputError: a set or a subset has fewer than two images, features are no numbers or differ
            in length, or there is no subset.
    """
    import torch  # keeps the registry of metrics, and with it the help, free of torch
    from torchmetrics.image.kid import poly_mmd

    _check_sets(a, b)
    checks.at_least("size", size, 2, "pictures: a subset needs at least two")
    checks.at_least("subsets", subsets, 1, "subsets: at least one is needed")
    size = min(size, len(a), len(b))
    whole = size == len(a) == len(b)
    rng = np.random.default_rng(seed)
    x, y = (torch.from_numpy(f.astype(np.float64)) for f in (a, b))
    values = []
    for _ in range(1 if whole else subsets):
        i, j = (torch.from_numpy(rng.permutation(len(f))[:size]) for f in (a, b))
        values.append(float(poly_mmd(x[i], y[j])))
    return float(np.mean(values)), float(np.std(values))


def _check_sets(a: np.ndarray, b: np.ndarray) -> None:
    for name, features in (("features of the first set", a), ("features of the second set", b)):
        checks.dimensions(name, features, (None, a.shape[-1] if a.ndim else None))
        checks.at_least(name, len(features), 2, "pictures: a distance of sets needs at least two")
        checks.finite(name, features)


def _gaussian(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    features = features.astype(np.float64)
    return features.mean(0), np.atleast_2d(np.cov(features, rowvar=False))


def _fid(inputs: Inputs) -> Outcome:
    return _of_sets(inputs, "fid", frechet_distance)


def _kid(inputs: Inputs) -> Outcome:
    def distance(a: np.ndarray, b: np.ndarray) -> float:
        return 1000 * kernel_distance(a, b, size=min(len(a), len(b), 250))[0]

    return _of_sets(inputs, "kid", distance)


def _of_sets(
    inputs: Inputs, key: str, distance: Callable[[np.ndarray, np.ndarray], float]
) -> Outcome:
    a, b = inputs.features("set"), inputs.features("set", "set")
    figure = Figure(distance(a, b), float("nan"), float("nan"), len(a))
    return Outcome(figure=figure, variant=inputs.backend.column(key, len(a)))


_SETS_ONLY = "compares the sets only, not identity or expression"

METRICS = (
    Metric(
        key="fid",
        title="FID",
        family="distribution",
        better="down",
        meaning="Fréchet distance of the features of both sets, in float64; the variant names them",
        judge="Inception by --inception, else our features",
        needs=("set",),
        compute=_fid,
        digits=2,
        blind=_SETS_ONLY,
        weights="inception",
    ),
    Metric(
        key="kid",
        title="KID x 1000",
        family="distribution",
        better="down",
        meaning="squared maximum mean discrepancy of the features of both sets, unbiased",
        judge="Inception by --inception, else our features",
        needs=("set",),
        compute=_kid,
        digits=2,
        blind=_SETS_ONLY,
        weights="inception",
    ),
)
