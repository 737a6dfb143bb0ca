"""Distances between sets of pictures, over their features: FID and KID, in float64."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torchmetrics.image.kid import poly_mmd

from palsynth.errors import InputError


@dataclass(frozen=True)
class Backend:
    """Which features a distance stands on. Figures of different backends do not compare."""

    name: str
    resize: str
    weights: str

    def column(self, metric: str, count: int) -> str:
        """A figure's name with its variant: ``fid[inception, bilinear 299, 6726825d, 500]``."""
        return f"{metric}[{self.name}, {self.resize}, {self.weights}, {count}]"


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Fréchet distance of two Gaussians fitted to features (N, D) and (M, D): FID (Heusel et
    al. 2017) where the features are Inception's. Biased upwards for small sets.

    Raises InputError where a set has fewer than two pictures.
    """
    (mean_a, cov_a), (mean_b, cov_b) = _gaussian(a), _gaussian(b)
    # tr sqrt(A B) by the eigenvalues of the symmetric sqrt(A) B sqrt(A), which has the same
    values, vectors = np.linalg.eigh(cov_a)
    root = vectors * np.sqrt(values.clip(0)) @ vectors.T
    product = np.linalg.eigvalsh(root @ cov_b @ root)
    gap = np.square(mean_a - mean_b).sum()
    apart = gap + np.trace(cov_a) + np.trace(cov_b) - 2 * np.sqrt(product.clip(0)).sum()
    return float(max(apart, 0.0))  # rounding may take it a hair below


def kernel_distance(
    a: np.ndarray, b: np.ndarray, *, subsets: int = 100, size: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """KID (Bińkowski et al. 2018): unbiased squared MMD with the kernel (x·y / D + 1)³, mean and
    standard deviation over random subsets. Fit for small sets; may fall below 0.

    Subsets are as large as the smaller set where that is less than ``size``; then there is one.
    """
    for features in (a, b):
        if len(features) < 2:
            raise InputError(f"{len(features)} pictures: a distance of sets needs at least two")
    size = min(size, len(a), len(b))
    whole = size == len(a) == len(b)
    rng = np.random.default_rng(seed)
    x, y = (torch.from_numpy(f.astype(np.float64)) for f in (a, b))
    found = []
    for _ in range(1 if whole else subsets):
        i, j = (torch.from_numpy(rng.permutation(len(f))[:size]) for f in (a, b))
        found.append(float(poly_mmd(x[i], y[j])))
    return float(np.mean(found)), float(np.std(found))


def _gaussian(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if len(features) < 2:
        raise InputError(f"{len(features)} pictures: a distance of sets needs at least two")
    features = features.astype(np.float64)
    return features.mean(0), np.atleast_2d(np.cov(features, rowvar=False))
