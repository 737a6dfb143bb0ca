"""How well two orders or two scores agree: Spearman's rank correlation and weighted kappa."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import spearmanr


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    """Rank correlation of values (N,) and (N,), ties sharing their mean rank; NaN where one
    of them does not vary or fewer than three are given."""
    if len(a) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(spearmanr(a, b).statistic)


def weighted_kappa(
    true: np.ndarray, found: np.ndarray, classes: Sequence[int] = (0, 2, 4)
) -> float:
    """Quadratic weighted kappa of scores (N,) and (N,), each one of ``classes`` in ascending
    order (Cohen 1968); by default item scores. NaN where both are one and the same class."""
    rows, columns = (np.searchsorted(classes, np.asarray(v)) for v in (true, found))
    table = np.zeros((len(classes), len(classes)))
    np.add.at(table, (rows, columns), 1)
    apart = np.square(np.arange(len(classes))[:, None] - np.arange(len(classes)))
    chance = np.outer(table.sum(1), table.sum(0)) / table.sum()
    expected = (apart * chance).sum()
    return float(1 - (apart * table).sum() / expected) if expected > 0 else float("nan")
