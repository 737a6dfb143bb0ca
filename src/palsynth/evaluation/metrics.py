"""Metrics as objects that take a set piece by piece: thin classes over this room's functions.

    metric = PSNR()
    for images, truth in batches:
        metric.update(images=images, truth=truth)
    metric.compute()

A metric keeps what its function needs (pictures or features), so its result does not depend on
how a set was cut into pieces.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from palsynth.errors import InputError
from palsynth.evaluation import agreement, distribution, fidelity, quality, recognition


class Metric:
    """``function`` takes the arrays named in ``needs``, each stacked along its first axis."""

    needs: tuple[str, ...] = ()
    function: Callable[..., Any]

    def __init__(self) -> None:
        self._pieces: dict[str, list[np.ndarray]] = {}
        self.reset()

    def reset(self) -> None:
        """Forgets what it was given."""
        self._pieces = {name: [] for name in self.needs}

    def update(self, **arrays: np.ndarray) -> None:
        """Takes more rows of some or all arrays. Raises InputError for a name it does not need."""
        for name, array in arrays.items():
            if name not in self._pieces:
                raise InputError(f"{type(self).__name__} takes {', '.join(self.needs)}, not {name}")
            self._pieces[name].append(np.asarray(array))

    def compute(self) -> Any:
        """The figure of all that it was given. Raises InputError where something is missing."""
        for name, pieces in self._pieces.items():
            if not pieces:
                raise InputError(f"{type(self).__name__} has no {name} yet")
        return self.function(**{n: np.concatenate(p) for n, p in self._pieces.items()})


class PSNR(Metric):
    """Mean over the images of :func:`fidelity.psnr`, infinite ones left out."""

    needs = ("images", "truth")

    def function(self, images: np.ndarray, truth: np.ndarray) -> float:
        """Decibels; NaN where every image is identical to its truth."""
        found = fidelity.psnr(images, truth)
        finite = found[np.isfinite(found)]
        return float(finite.mean()) if len(finite) else float("nan")


class SSIM(Metric):
    """Mean over the images of :func:`fidelity.ssim`."""

    needs = ("images", "truth")

    def function(self, images: np.ndarray, truth: np.ndarray) -> float:
        """At most 1."""
        return float(fidelity.ssim(images, truth).mean())


class FrechetDistance(Metric):
    """:func:`distribution.frechet_distance` of features ``a`` and ``b``."""

    needs = ("a", "b")
    function = staticmethod(distribution.frechet_distance)


class KernelDistance(Metric):
    """:func:`distribution.kernel_distance` of features ``a`` and ``b``: mean and deviation."""

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
        self, probe: np.ndarray, gallery: np.ndarray, probe_names: np.ndarray,
        gallery_names: np.ndarray,
    ) -> float:  # fmt: skip
        """0 … 1."""
        similarity = recognition.cosines(probe, gallery)
        return recognition.top1(similarity, probe_names, gallery_names)


class Spearman(Metric):
    """:func:`agreement.spearman` of values ``a`` and ``b``."""

    needs = ("a", "b")
    function = staticmethod(agreement.spearman)


class WeightedKappa(Metric):
    """:func:`agreement.weighted_kappa` of item scores ``true`` and ``found``."""

    needs = ("true", "found")
    function = staticmethod(agreement.weighted_kappa)
