from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from torchmetrics.image.fid import _compute_fid

from palsynth.errors import InputError
from palsynth.evaluation.distribution import Backend, frechet_distance, kernel_distance


def features(count: int, shift: float = 0.0, seed: int = 0, width: int = 8) -> np.ndarray:
    rng = np.random.default_rng(seed)
    mix = np.random.default_rng(9).normal(size=(width, width))
    return (rng.normal(size=(count, width)) @ mix + shift).astype(np.float32)


def test_frechet_agrees_with_its_definition_and_with_torchmetrics() -> None:
    a, b = features(200), features(150, 0.7, 1)
    means = [x.astype(np.float64).mean(0) for x in (a, b)]
    covs = [np.cov(x.astype(np.float64), rowvar=False) for x in (a, b)]
    defined = np.square(means[0] - means[1]).sum()
    defined += np.trace(covs[0] + covs[1] - 2 * sqrtm(covs[0] @ covs[1]).real)
    ours = frechet_distance(a, b)
    assert ours == pytest.approx(defined, rel=1e-8)
    tensors = [torch.from_numpy(x) for pair in zip(means, covs, strict=True) for x in pair]
    assert ours == pytest.approx(float(_compute_fid(*tensors)), rel=1e-8)


def test_frechet_of_fewer_pictures_than_features() -> None:
    """Covariances are singular then; the distance is real and not negative."""
    a, b = features(5, width=32), features(6, seed=2, width=32)
    assert frechet_distance(a, b) > 0
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-6)


def test_kernel_distance_agrees_with_its_definition() -> None:
    a, b = features(60).astype(np.float64), features(60, 0.4, 3).astype(np.float64)

    def kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return (x @ y.T / x.shape[1] + 1) ** 3

    n = len(a)
    within = sum((kernel(x, x).sum() - np.trace(kernel(x, x))) / (n * (n - 1)) for x in (a, b))
    defined = within - 2 * kernel(a, b).mean()
    mean, std = kernel_distance(a, b)
    assert mean == pytest.approx(defined, rel=1e-6)
    assert std == 0, "one subset where the sets are no larger"


def test_kernel_distance_is_deterministic_and_about_zero_for_one_source() -> None:
    a, b = features(400), features(400, seed=5)
    one = kernel_distance(a, b, subsets=20, size=100)
    assert one == kernel_distance(a, b, subsets=20, size=100)
    assert abs(one[0]) < 3 * one[1]
    assert kernel_distance(a, features(400, 1.0, 5), subsets=20, size=100)[0] > 3 * one[1]


def test_order_does_not_matter() -> None:
    a, b = features(80), features(90, 0.5, 1)
    shuffled = np.random.default_rng(0).permutation(a)
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(shuffled, b), rel=1e-9)
    assert frechet_distance(a, b) == pytest.approx(frechet_distance(b, a), rel=1e-9)


def test_one_picture_is_not_a_set() -> None:
    for metric in (frechet_distance, kernel_distance):
        with pytest.raises(InputError, match="1 pictures: a distance of sets needs at least two"):
            metric(features(1), features(5))


def test_columns_name_their_variant() -> None:
    backend = Backend("inception", "bilinear 299", "6726825d")
    assert backend.column("fid", 500) == "fid[inception, bilinear 299, 6726825d, 500]"


def test_both_distances_by_hand() -> None:
    """Features of one number: means 1 and 3, variances 4/3 and 16/3."""
    a, b = (np.array([[x], [y], [x], [y]], np.float32) for x, y in ((0, 2), (1, 5)))
    assert frechet_distance(a, b) == pytest.approx(4 + 4 / 3 + 16 / 3 - 2 * 8 / 3)
    within = (2 * 1 + 2 * 5**3 + 8 * 1) / 12 + (2 * 2**3 + 2 * 26**3 + 8 * 6**3) / 12
    across = (1 + 1 + 3**3 + 11**3) / 4
    assert kernel_distance(a, b) == (pytest.approx(within - 2 * across), 0)


def test_subsets_are_no_larger_than_requested() -> None:
    """Sets as large as a subset have one, the whole set; larger sets have many."""
    a, b = features(30), features(40, 0.4, 3)
    assert kernel_distance(a, b, subsets=5) == kernel_distance(a, b, subsets=5, size=30)
    assert kernel_distance(a, b, subsets=5, size=30)[1] > 0, "the larger set is not used whole"
    assert kernel_distance(a, b[:30], subsets=5, size=30)[1] == 0
    assert kernel_distance(a, b[:30], subsets=5, size=29)[1] > 0
