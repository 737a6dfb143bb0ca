"""Compares every metric with a reference that shares none of its code.

    python benchmarks/agreement.py

A reference is the definition written out here, scikit-image, SciPy, torchmetrics or a published
worked example. Prints the table of docs/measurements.md.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import torch
from scipy.linalg import sqrtm
from scipy.stats import mannwhitneyu, rankdata
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torchmetrics.image.fid import _compute_fid

from palsynth.evaluation.agreement import spearman, weighted_kappa
from palsynth.evaluation.distribution import frechet_distance, kernel_distance
from palsynth.evaluation.fidelity import psnr, ssim
from palsynth.evaluation.privacy import distances
from palsynth.evaluation.quality import ser_fiq, ser_fiq_rescaled
from palsynth.evaluation.recognition import auc, cosines, tar_at_far, top1
from palsynth.evaluation.study import Rating, krippendorff_alpha

RNG = np.random.default_rng(0)

KRIPPENDORFF = (
    "* * * * * 3 4 1 2 1 1 3 3 * 3",
    "1 * 2 1 3 3 4 3 * * * * * * *",
    "* * 2 1 3 4 4 * 2 1 1 3 3 * 4",
)
"""Three raters and fifteen units, with a star for a missing rating: the worked example of texts on
Krippendorff's alpha, which give 0.811 for interval data."""


def kernel_distance_by_definition(a: np.ndarray, b: np.ndarray) -> float:
    def k(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return (x @ y.T / x.shape[1] + 1) ** 3

    n = len(a)
    own = sum((k(x, x).sum() - np.trace(k(x, x))) / (n * (n - 1)) for x in (a, b))
    return float(own - 2 * k(a, b).mean())


def ser_fiq_by_definition(embeddings: np.ndarray) -> float:
    unit = [e / np.linalg.norm(e) for e in embeddings]
    apart = np.mean([np.linalg.norm(p - q) for p, q in combinations(unit, 2)])
    return 2 / (1 + np.exp(apart))


def alpha_example() -> float:
    ratings = [
        Rating(f"rater {r}", str(unit), "m", "q", int(points))
        for r, row in enumerate(KRIPPENDORFF)
        for unit, points in enumerate(row.split())
        if points != "*"
    ]
    return krippendorff_alpha(ratings, "q")


def tar_by_definition(same: np.ndarray, other: np.ndarray, far: float) -> float:
    """The best true accept rate over all thresholds with at most this false accept rate."""
    return max((same > t).mean() for t in [-np.inf, *same, *other] if (other > t).mean() <= far)


Comparison = tuple[str, str, float, Any, Any]
"""Metric, reference, tolerance, our value and the reference's."""


def comparisons() -> list[Comparison]:
    images = RNG.integers(0, 256, (4, 112, 112, 3), np.uint8)
    noise = RNG.integers(-30, 31, images.shape)
    truth = (images.astype(int) + noise).clip(0, 255).astype(np.uint8)
    a, b = RNG.normal(size=(300, 24)), RNG.normal(size=(300, 24)) + 0.2
    same, other = RNG.normal(1, 1, 400), RNG.normal(0, 1, 900)
    x, y = RNG.integers(0, 9, 200), RNG.integers(0, 9, 200) + 0.0
    t, f = RNG.choice([0, 2, 4], 300), RNG.choice([0, 2, 4], 300)
    names = RNG.integers(0, 40, 300)
    tensors = [torch.from_numpy(v) for m in (a, b) for v in (m.mean(0), np.cov(m, rowvar=False))]
    ca, cb = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    frechet = np.square(a.mean(0) - b.mean(0)).sum() + np.trace(ca + cb - 2 * sqrtm(ca @ cb).real)
    nearest = np.array([[p @ q / np.linalg.norm(p) / np.linalg.norm(q) for q in b] for p in a])
    quality = ser_fiq(a)
    return [
        (
            "PSNR",
            "scikit-image",
            1e-4,
            psnr(images, truth),
            [peak_signal_noise_ratio(q, p) for p, q in zip(images, truth, strict=True)],
        ),
        (
            "SSIM",
            "scikit-image (leaves out a rim)",
            5e-3,
            ssim(images, truth),
            [
                structural_similarity(
                    q,
                    p,
                    channel_axis=2,
                    gaussian_weights=True,
                    sigma=1.5,
                    use_sample_covariance=False,
                    data_range=255,
                )
                for p, q in zip(images, truth, strict=True)
            ],
        ),
        ("FID", "definition with SciPy's sqrtm", 1e-8, frechet_distance(a, b), frechet),
        ("FID", "torchmetrics", 1e-8, frechet_distance(a, b), float(_compute_fid(*tensors))),
        ("KID", "definition", 1e-10, kernel_distance(a, b)[0], kernel_distance_by_definition(a, b)),
        ("SER-FIQ", "definition, pair by pair", 1e-12, quality, ser_fiq_by_definition(a)),
        (
            "SER-FIQ, rescaled",
            "definition",
            1e-12,
            ser_fiq_rescaled(0.885),
            1 / (1 + np.exp(-130 * 0.005)),
        ),
        ("cosine", "definition, pair by pair", 1e-12, cosines(a, b), nearest),
        (
            "distance",
            "definition, pair by pair",
            1e-7,
            distances(a, b),
            np.linalg.norm(a[:, None] - b[None], axis=-1),
        ),
        (
            "top-1",
            "definition, probe by probe",
            0,
            top1(nearest, names, names),
            np.mean(
                [names[int(np.argmax(row))] == n for row, n in zip(nearest, names, strict=True)]
            ),
        ),
        (
            "AUC",
            "SciPy's Mann-Whitney U",
            1e-12,
            auc(same, other),
            mannwhitneyu(same, other).statistic / len(same) / len(other),
        ),
        (
            "TAR at FAR 1 %",
            "best of all thresholds",
            0,
            tar_at_far(same, other, 0.01),
            tar_by_definition(same, other, 0.01),
        ),
        (
            "Spearman",
            "Pearson of ranks",
            1e-12,
            spearman(x, y),
            np.corrcoef(rankdata(x), rankdata(y))[0, 1],
        ),
        (
            "weighted kappa",
            "observed and expected disagreement",
            1e-12,
            weighted_kappa(t, f),
            1 - np.square(t - f).mean() / np.square(t[:, None] - f).mean(),
        ),
        ("Krippendorff's alpha", "printed worked example", 5e-4, alpha_example(), 0.811),
    ]


def main() -> None:
    print("| metric | reference | tolerance | measured difference |\n|---|---|---|---|")
    for metric, reference, tolerance, ours, theirs in comparisons():
        gap = float(np.abs(np.asarray(ours) - np.asarray(theirs)).max())
        print(f"| {metric} | {reference} | {tolerance:g} | {gap:.1g} |")
        if not gap <= tolerance:
            raise SystemExit(f"{metric} differs from {reference} by {gap:.3g}")


if __name__ == "__main__":
    main()
