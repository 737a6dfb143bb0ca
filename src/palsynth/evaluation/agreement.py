"""Agreement of rankings and scores: Spearman's rank correlation and weighted kappa."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import spearmanr

from palsynth.evaluation import checks


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's rank correlation; ties share their mean rank.

    Args:
        a: (N,) values.
        b: (N,) values.

    Returns:
        The correlation, -1 to 1. NaN if ``a`` or ``b`` is constant or N is less than 3.

    Raises:
        InputError: the arrays differ in length or hold values that are no numbers.

    Example:
        >>> spearman(np.array([1, 2, 3]), np.array([10, 40, 90]))
        1.0
    """
    for name, values in (("a", a), ("b", b)):
        checks.dimensions(name, values, (None,))
        checks.finite(name, values)
    checks.same_length("a", a, "b", b)
    if len(a) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(spearmanr(a, b).statistic)


def weighted_kappa(
    targets: np.ndarray, predictions: np.ndarray, classes: Sequence[int] = (0, 2, 4)
) -> float:
    """Quadratic weighted kappa (Cohen 1968).

    Args:
        targets: (N,) true scores.
        predictions: (N,) predicted scores.
        classes: the possible scores in ascending order; default: Yanagihara item scores.

    Returns:
        1 for perfect agreement, 0 for agreement by chance. NaN if all targets and predictions
        are the same class.

    Raises:
        InputError: the arrays differ in length, are empty, or hold scores that are not possible.

    Example:
        >>> weighted_kappa(np.array([0, 2, 4]), np.array([0, 2, 4]))
        1.0
    """
    checks.same_shape("targets", targets, "predictions", predictions)
    checks.at_least("targets", len(targets), 1, "scores: kappa needs at least one")
    checks.among("targets", targets, classes)
    checks.among("predictions", predictions, classes)
    rows, columns = (np.searchsorted(classes, np.asarray(v)) for v in (targets, predictions))
    confusion = np.zeros((len(classes), len(classes)))
    np.add.at(confusion, (rows, columns), 1)
    weights = np.square(np.arange(len(classes))[:, None] - np.arange(len(classes)))
    chance = np.outer(confusion.sum(1), confusion.sum(0)) / confusion.sum()
    expected = (weights * chance).sum()
    return float(1 - (weights * confusion).sum() / expected) if expected > 0 else float("nan")
