"""Metrics that accumulate batches: thin classes over the functions of this package.

    metric = PSNR()
    for images, truth in batches:
        metric.update(images=images, truth=truth)
    metric.compute()

A metric stores the inputs of its function (images or features), so that its result does not depend
on how a set is divided into batches.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from palsynth.errors import InputError
from palsynth.evaluation import agreement, distribution, fidelity, quality, recognition


class Metric:
    """Base class of the metrics.

    Attributes:
        needs: names of the arrays that the metric takes.
        function: computes the metric from these arrays, each concatenated along its first axis.
    """

    needs: tuple[str, ...] = ()
    function: Callable[..., Any]

    def __init__(self) -> None:
        self._batches: dict[str, list[np.ndarray]] = {}
        self.reset()

    def reset(self) -> None:
        """Discards all accumulated arrays."""
        self._batches = {name: [] for name in self.needs}

    def update(self, **arrays: np.ndarray) -> None:
        """Adds rows to some or all arrays.

        Args:
            **arrays: arrays by the names in ``needs``.

        Raises:
            InputError: if a name is not in ``needs``.
        """
        for name, array in arrays.items():
            if name not in self._batches:
                raise InputError(f"{type(self).__name__} takes {', '.join(self.needs)}, not {name}")
            self._batches[name].append(np.asarray(array))

    def compute(self) -> Any:
        """The metric over all accumulated rows. Raises InputError if an array is missing."""
        for name, batches in self._batches.items():
            if not batches:
                raise InputError(f"{type(self).__name__} has no {name} yet")
        return self.function(**{n: np.concatenate(p) for n, p in self._batches.items()})


class PSNR(Metric):
    """Mean of :func:`fidelity.psnr` over the images, infinite values left out."""

    needs = ("images", "truth")

    def function(self, images: np.ndarray, truth: np.ndarray) -> float:
        """Computes the metric.

        Args:
            images: (N, H, W, 3) uint8.
            truth: (N, H, W, 3) uint8.

        Returns:
            dB; NaN if every image is identical to its truth.
        """
        values = fidelity.psnr(images, truth)
        finite = values[np.isfinite(values)]
        return float(finite.mean()) if len(finite) else float("nan")


class SSIM(Metric):
    """Mean of :func:`fidelity.ssim` over the images."""

    needs = ("images", "truth")

    def function(self, images: np.ndarray, truth: np.ndarray) -> float:
        """Computes the metric.

        Args:
            images: (N, H, W, 3) uint8.
            truth: (N, H, W, 3) uint8.

        Returns:
            At most 1.
        """
        return float(fidelity.ssim(images, truth).mean())


class FrechetDistance(Metric):
    """:func:`distribution.frechet_distance` of features ``a`` and ``b``."""

    needs = ("a", "b")
    function = staticmethod(distribution.frechet_distance)


class KernelDistance(Metric):
    """:func:`distribution.kernel_distance` of features ``a`` and ``b``.

    Args:
        subsets: number of random subsets.
        size: images per subset.
        seed: seed of the subsets.
    """

    needs = ("a", "b")

    def __init__(self, subsets: int = 100, size: int = 1000, seed: int = 0) -> None:
        super().__init__()
        self.function = partial(distribution.kernel_distance, subsets=subsets, size=size, seed=seed)


class SerFiq(Metric):
    """:func:`quality.ser_fiq` of the stochastic ``embeddings`` of one image."""

    needs = ("embeddings",)
    function = staticmethod(quality.ser_fiq)


class Top1(Metric):
    """Share of probes whose most similar gallery entry, by cosine, is the same person."""

    needs = ("probe", "gallery", "probe_names", "gallery_names")

    def function(
        self,
        probe: np.ndarray,
        gallery: np.ndarray,
        probe_names: np.ndarray,
        gallery_names: np.ndarray,
    ) -> float:
        """Computes the metric.

        Args:
            probe: (N, D) features of the probes.
            gallery: (M, D) features of the gallery.
            probe_names: (N,) names of the persons.
            gallery_names: (M,) names of the persons.

        Returns:
            The share, 0 to 1.
        """
        similarity = recognition.cosines(probe, gallery)
        return recognition.top1(similarity, probe_names, gallery_names)


class Spearman(Metric):
    """:func:`agreement.spearman` of values ``a`` and ``b``."""

    needs = ("a", "b")
    function = staticmethod(agreement.spearman)


class WeightedKappa(Metric):
    """:func:`agreement.weighted_kappa` of item scores ``targets`` and ``predictions``."""

    needs = ("targets", "predictions")
    function = staticmethod(agreement.weighted_kappa)
