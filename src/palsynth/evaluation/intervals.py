"""Bootstrap intervals: how far a figure would move with other pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Figure:
    """A value with its 95 % interval, over ``count`` pictures."""

    value: float
    low: float
    high: float
    count: int

    def text(self, digits: int = 3) -> str:
        """As a table prints it."""
        return f"{self.value:.{digits}f} [{self.low:.{digits}f}, {self.high:.{digits}f}]"


def bootstrap(
    *values: np.ndarray,
    statistic: Callable[..., float] = lambda v: float(np.mean(v)),
    groups: np.ndarray | None = None,
    num_resamples: int = 1000,
    seed: int = 0,
) -> Figure:
    """A statistic of rows with its percentile interval (Efron 1979).

    ``values`` arrays (N, …) that are resampled together; ``groups`` (N,) names, of subjects say:
    then whole groups are resampled, because pictures of one person are not independent.
    """
    count = len(values[0])
    if count == 0:
        return Figure(float("nan"), float("nan"), float("nan"), 0)
    rng = np.random.default_rng(seed)
    members = [np.array([k]) for k in range(count)]
    if groups is not None:
        _, numbers = np.unique(groups, return_inverse=True)
        members = [np.flatnonzero(numbers == g) for g in range(numbers.max() + 1)]
    drawn = []
    for _ in range(num_resamples):
        chosen = rng.integers(len(members), size=len(members))
        rows = np.concatenate([members[k] for k in chosen])
        drawn.append(statistic(*(v[rows] for v in values)))
    known = np.array(drawn)[~np.isnan(drawn)]
    low, high = np.percentile(known, [2.5, 97.5]) if len(known) else (np.nan, np.nan)
    return Figure(float(statistic(*values)), float(low), float(high), count)


def share(hits: np.ndarray, groups: np.ndarray) -> Figure:
    """The share of hits (N,) bool, in per cent, with an interval that is wide enough for none.

    A bootstrap over groups cannot see what never happened, so each end is the wider of it and of
    Clopper and Pearson's exact interval of independent pictures (1934).
    """
    from scipy.stats import binomtest

    drawn = bootstrap(100.0 * hits, groups=groups)
    if not len(hits):
        return drawn
    exact = binomtest(int(hits.sum()), len(hits)).proportion_ci(method="exact")
    return Figure(
        drawn.value, min(drawn.low, 100 * exact.low), max(drawn.high, 100 * exact.high), len(hits)
    )
