"""Bootstrap confidence intervals of figures over pictures."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from palsynth.errors import InputError
from palsynth.evaluation import checks


@dataclass(frozen=True)
class Figure:
    """A value with its 95 % confidence interval.

    Attributes:
        value: the value.
        low: lower end of the interval.
        high: upper end of the interval.
        count: number of pictures.
    """

    value: float
    low: float
    high: float
    count: int

    def text(self, digits: int = 3) -> str:
        """The value with its interval, for a table.

        Args:
            digits: number of decimals.

        Returns:
            Such as ``0.50 [0.25, 0.75]``; a dash where there is no value.
        """
        if math.isnan(self.value):
            return "–"
        if math.isnan(self.low):
            return f"{self.value:.{digits}f}"
        return f"{self.value:.{digits}f} [{self.low:.{digits}f}, {self.high:.{digits}f}]"


def bootstrap(
    *values: np.ndarray,
    statistic: Callable[..., float] | None = None,
    groups: np.ndarray | None = None,
    num_resamples: int = 1000,
    seed: int = 0,
) -> Figure:
    """A statistic with its percentile bootstrap interval (Efron 1979).

    Args:
        *values: arrays (N, …), resampled together along the first axis.
        statistic: function of the resampled arrays; NaN results are left out of the interval.
            Default: the mean of one array of numbers.
        groups: (N,) names, such as subjects. Whole groups are then resampled, because pictures
            of one person are not independent; default: rows are.
        num_resamples: number of resamples.
        seed: seed of the resamples.

    Returns:
        The statistic of ``values`` with its 95 % interval. NaN without values; the interval is NaN
        where the statistic is, and for one value or one group.

    Raises:
        InputError: there is no array or no resample, the arrays differ in length, or the mean is
            of values that are no numbers.
    """
    checks.at_least("values", len(values), 1, "arrays: at least one is needed")
    checks.at_least("num_resamples", num_resamples, 1, "resamples: at least one is needed")
    for array in (*values[1:], *([] if groups is None else [groups])):
        checks.same_length("values", values[0], "another array", array)
    if statistic is None:
        checks.finite("values", values[0])
        statistic = _mean
    count = len(values[0])
    if count == 0:
        return Figure(float("nan"), float("nan"), float("nan"), 0)
    value = float(statistic(*values))
    rng = np.random.default_rng(seed)
    members = [np.array([k]) for k in range(count)]
    if groups is not None:
        _, numbers = np.unique(groups, return_inverse=True)
        members = [np.flatnonzero(numbers == g) for g in range(numbers.max() + 1)]
    if len(members) < 2 or np.isnan(value):
        return Figure(value, float("nan"), float("nan"), count)
    statistics = []
    for _ in range(num_resamples):
        chosen = rng.integers(len(members), size=len(members))
        rows = np.concatenate([members[k] for k in chosen])
        statistics.append(statistic(*(v[rows] for v in values)))
    known = np.array(statistics)[~np.isnan(statistics)]
    low, high = np.percentile(known, [2.5, 97.5]) if len(known) else (np.nan, np.nan)
    return Figure(value, float(low), float(high), count)


def over_trainings(
    values: np.ndarray, groups: np.ndarray, num_resamples: int = 1000, seed: int = 0
) -> Figure:
    """A mean over pictures and trainings, with a percentile bootstrap interval over both.

    Trainings and groups of pictures are resampled independently of one another, because every
    training is evaluated on the same pictures (a crossed design). With few trainings the interval
    is coarse: of two, it holds the mean of each.

    Args:
        values: (T, N) values of N pictures by T trainings, such as differences between two designs
            with one seed; NaN where a picture has none.
        groups: (N,) names, such as subjects.
        num_resamples: number of resamples.
        seed: seed of the resamples.

    Returns:
        The mean over trainings of their means over pictures, with its 95 % interval, and the number
        of values.

    Raises:
        InputError: lengths differ, or a training or a group has no values.
    """
    checks.dimensions("values", values, (None, None))
    checks.same_length("pictures", values[0], "groups", groups)
    known = ~np.isnan(values)
    _, numbers = np.unique(groups, return_inverse=True)
    member = np.eye(numbers.max() + 1)[numbers]  # (N, G)
    sums, counts = np.where(known, values, 0.0) @ member, known @ member  # (T, G)
    if not known.any(1).all() or not counts.any(0).all():
        raise InputError("values: a training or a group has none; leave it out")
    rng = np.random.default_rng(seed)
    trainings, people = counts.shape
    means = []
    for _ in range(num_resamples):
        rows = rng.integers(trainings, size=trainings)
        columns = rng.integers(people, size=people)
        chosen = np.ix_(rows, columns)
        means.append(np.mean(sums[chosen].sum(1) / counts[chosen].sum(1).clip(1)))
    low, high = np.percentile(means, [2.5, 97.5])
    value = float(np.mean(sums.sum(1) / counts.sum(1)))
    return Figure(value, float(low), float(high), int(known.sum()))


def _mean(values: np.ndarray) -> float:
    return float(np.mean(values))


def share(hits: np.ndarray, groups: np.ndarray) -> Figure:
    """A share in per cent, with an interval that is valid for shares of 0 and 100 %.

    A bootstrap over groups gives an empty interval if there are no hits, so each end is the wider
    of it and of Clopper and Pearson's exact interval of independent pictures (1934).

    Args:
        hits: (N,) bool.
        groups: (N,) names of the groups that are resampled, such as subjects.

    Returns:
        The share with its 95 % interval; NaN without hits, without interval for one group.

    Raises:
        InputError: the arrays differ in length, or hits are not bool.
    """
    if hits.dtype != bool:
        raise InputError(f"hits: holds {hits.dtype}, must be bool")
    resampled = bootstrap(100.0 * hits, groups=groups)
    if np.isnan(resampled.low):
        return resampled
    exact = binomtest(int(hits.sum()), len(hits)).proportion_ci(method="exact")
    return Figure(
        resampled.value,
        min(resampled.low, 100 * exact.low),
        max(resampled.high, 100 * exact.high),
        len(hits),
    )
