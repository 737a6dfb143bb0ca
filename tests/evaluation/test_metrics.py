"""Torch-fidelity's three properties, for every metric class: it agrees with a reference, does not
depend on the batches, and is deterministic; and the identity case."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.linalg import sqrtm
from scipy.stats import spearmanr
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from palsynth.errors import InputError
from palsynth.evaluation.metrics import (
    PSNR,
    SSIM,
    FrechetDistance,
    KernelDistance,
    Metric,
    SerFiq,
    Spearman,
    Top1,
    WeightedKappa,
)

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (6, 32, 32, 3), np.uint8)
TRUTH = (IMAGES.astype(int) + RNG.integers(-30, 31, IMAGES.shape)).clip(0, 255).astype(np.uint8)
A, B = RNG.normal(size=(40, 5)), RNG.normal(size=(40, 5)) + 0.3
NAMES = np.array([f"person {k % 8}" for k in range(40)])
SCORES = RNG.choice([0, 2, 4], 40), RNG.choice([0, 2, 4], 40)


def psnr(images: np.ndarray, truth: np.ndarray) -> float:
    return np.mean([peak_signal_noise_ratio(t, i) for i, t in zip(images, truth, strict=True)])


def ssim(images: np.ndarray, truth: np.ndarray) -> float:
    return np.mean(
        [
            structural_similarity(
                t,
                i,
                channel_axis=2,
                gaussian_weights=True,
                sigma=1.5,
                use_sample_covariance=False,
                data_range=255,
            )
            for i, t in zip(images, truth, strict=True)
        ]
    )


def frechet(a: np.ndarray, b: np.ndarray) -> float:
    c, d = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    gap = np.square(a.mean(0) - b.mean(0)).sum()
    return gap + np.trace(c + d - 2 * sqrtm(c @ d).real)


def kernel(a: np.ndarray, b: np.ndarray) -> float:
    def k(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return (x @ y.T / x.shape[1] + 1) ** 3

    n = len(a)
    own = sum((k(x, x).sum() - np.trace(k(x, x))) / (n * (n - 1)) for x in (a, b))
    return own - 2 * k(a, b).mean()


def ser_fiq(embeddings: np.ndarray) -> float:
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    distances = [np.linalg.norm(unit[i] - unit[j]) for i in range(len(unit)) for j in range(i)]
    return 2 / (1 + np.exp(np.mean(distances)))


def top1(probe, gallery, probe_names, gallery_names) -> float:
    correct = 0
    for p, name in zip(probe, probe_names, strict=True):
        cos = [p @ g / np.linalg.norm(p) / np.linalg.norm(g) for g in gallery]
        correct += gallery_names[int(np.argmax(cos))] == name
    return correct / len(probe)


def kappa(targets: np.ndarray, predictions: np.ndarray) -> float:
    """By its definition: 1 minus observed over expected disagreement."""
    observed = np.square(targets - predictions).mean()
    expected = np.mean([(t - p) ** 2 for t in targets for p in predictions])
    return 1 - observed / expected


CASES: dict[str, tuple[Metric, dict[str, np.ndarray], Callable[..., Any], float]] = {
    "PSNR": (PSNR(), {"images": IMAGES, "truth": TRUTH}, psnr, 1e-4),
    "SSIM": (SSIM(), {"images": IMAGES, "truth": TRUTH}, ssim, 2e-2),
    "FrechetDistance": (FrechetDistance(), {"a": A, "b": B}, frechet, 1e-8),
    "KernelDistance": (KernelDistance(), {"a": A, "b": B}, kernel, 1e-8),
    "SerFiq": (SerFiq(), {"embeddings": A}, ser_fiq, 1e-12),
    "Top1": (
        Top1(),
        {"probe": A, "gallery": B, "probe_names": NAMES, "gallery_names": NAMES},
        top1,
        0,
    ),
    "Spearman": (
        Spearman(),
        {"a": A[:, 0], "b": A[:, 0] + B[:, 1]},
        lambda a, b: spearmanr(a, b).statistic,
        1e-12,
    ),
    "WeightedKappa": (
        WeightedKappa(),
        {"targets": SCORES[0], "predictions": SCORES[1]},
        kappa,
        1e-12,
    ),
}


def value(found: Any) -> float:
    return found[0] if isinstance(found, tuple) else found


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_a_reference(name: str) -> None:
    metric, arrays, reference, tolerance = CASES[name]
    metric.reset()
    metric.update(**arrays)
    assert value(metric.compute()) == pytest.approx(reference(**arrays), abs=tolerance)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("size", [1, 4, 100])
def test_does_not_depend_on_the_batches_and_is_deterministic(name: str, size: int) -> None:
    metric, arrays, _, _ = CASES[name]
    metric.reset()
    metric.update(**arrays)
    whole = metric.compute()
    assert metric.compute() == whole
    metric.reset()
    for key, array in arrays.items():
        for start in range(0, len(array), size):
            metric.update(**{key: array[start : start + size]})
    assert metric.compute() == whole


def test_identity_cases() -> None:
    for metric, arrays, expected in (
        (SSIM(), {"images": IMAGES, "truth": IMAGES}, 1.0),
        (FrechetDistance(), {"a": A, "b": A}, 0.0),
        (SerFiq(), {"embeddings": np.ones((5, 3))}, 1.0),
        (Top1(), {"probe": A, "gallery": A, "probe_names": NAMES, "gallery_names": NAMES}, 1.0),
        (Spearman(), {"a": A[:, 0], "b": A[:, 0]}, 1.0),
        (WeightedKappa(), {"targets": SCORES[0], "predictions": SCORES[0]}, 1.0),
    ):
        metric.update(**arrays)
        assert metric.compute() == pytest.approx(expected, abs=1e-7)
    same = PSNR()
    same.update(images=IMAGES, truth=IMAGES)
    assert np.isnan(same.compute()), "infinite values are not averaged"
    kid = KernelDistance()
    kid.update(a=A, b=A)
    assert kid.compute()[0] < 0, "KID is unbiased: of a set with itself it is negative"


def test_bad_input() -> None:
    with pytest.raises(InputError, match="FrechetDistance takes a, b, not c"):
        FrechetDistance().update(c=A)
    metric = FrechetDistance()
    metric.update(a=A)
    with pytest.raises(InputError, match="FrechetDistance has no b yet"):
        metric.compute()
