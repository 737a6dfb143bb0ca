"""Statistics of the questionnaire: means, agreement of the raters, paired tests."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from palsynth.errors import InputError
from palsynth.evaluation import checks

QUESTIONS = {
    "expression": "How well does the picture show the expression of the patient?",
    "difference": "How different does the person look from the patient?",
    "naturalness": "How natural does the face look?",
}
"""The three criteria of Tajima, Seo & Chen 2026, in our words; five points each, 5 best."""

ENDS = {
    "expression": ("not at all", "exactly"),
    "difference": ("same person", "someone else"),
    "naturalness": ("artificial", "like a photo"),
}
"""Question -> meaning of 1 and 5 points."""

POINTS = (1, 2, 3, 4, 5)
"""The possible ratings."""


@dataclass(frozen=True)
class Rating:
    """One rater's answer to one question about one picture.

    Attributes:
        rater: the rater.
        item: the picture's request, which is the same for all methods.
        method: method of the picture.
        question: key of QUESTIONS.
        points: 1 to 5.

    Raises:
        InputError: there are no such points.
    """

    rater: str
    item: str
    method: str
    question: str
    points: int

    def __post_init__(self) -> None:
        if self.points not in POINTS:
            raise InputError(
                f"{self.rater}, {self.method}, {self.item}: {self.points} points for "
                f"{self.question}; 1 to 5 are possible"
            )


@dataclass(frozen=True)
class Summary:
    """Mean and sample standard deviation over all ratings, as the paper's Table I gives them.

    Attributes:
        mean: mean of the ratings.
        deviation: their standard deviation; NaN for one rater, who says nothing of others.
        count: number of ratings.
    """

    mean: float
    deviation: float
    count: int

    def text(self) -> str:
        """Mean ± standard deviation, for a table."""
        spread = "–" if np.isnan(self.deviation) else f"{self.deviation:.2f}"
        return f"{self.mean:.2f} ± {spread}" if self.count else "–"


def summarise(answers: Iterable[Rating]) -> dict[tuple[str, str], Summary]:
    """Summarises ratings by method and question.

    Args:
        answers: the ratings.

    Returns:
        (method, question) -> summary.
    """
    points: dict[tuple[str, str], list[int]] = defaultdict(list)
    raters: dict[tuple[str, str], set[str]] = defaultdict(set)
    for answer in answers:
        points[answer.method, answer.question].append(answer.points)
        raters[answer.method, answer.question].add(answer.rater)
    return {
        key: Summary(
            float(np.mean(p)),
            float(np.std(p, ddof=1)) if len(raters[key]) > 1 else float("nan"),
            len(p),
        )
        for key, p in points.items()
    }


def krippendorff_alpha(answers: Sequence[Rating], question: str) -> float:
    """Agreement of the raters: Krippendorff's alpha for interval data (Krippendorff 2011).

    Args:
        answers: the ratings; raters may have skipped pictures.
        question: the question.

    Returns:
        1 for perfect agreement, 0 for agreement by chance. NaN if no picture has two ratings or
        all ratings are the same.
    """
    units: dict[tuple[str, str], list[int]] = defaultdict(list)
    for answer in answers:
        if answer.question == question:
            units[answer.method, answer.item].append(answer.points)
    paired = [np.array(p, np.float64) for p in units.values() if len(p) > 1]
    if not paired:
        return float("nan")
    pooled = np.concatenate(paired)
    # mean squared difference of pairs within a picture, pictures weighted by their ratings
    observed = sum(_pair_sum(p) / (len(p) - 1) for p in paired) / len(pooled)
    expected = _pair_sum(pooled) / (len(pooled) * (len(pooled) - 1))
    return float(1 - observed / expected) if expected > 0 else float("nan")


def _pair_sum(values: np.ndarray) -> float:
    """Sum of squared differences over ordered pairs."""
    return float(2 * len(values) * np.square(values - values.mean()).sum())


def wilcoxon(
    answers: Sequence[Rating], question: str, one: str, other: str
) -> tuple[float, float, int]:
    """Paired test of two methods: Wilcoxon's signed-rank test over raters, two-sided.

    Each rater contributes the mean difference of the two methods over the requests for which the
    rater has rated both.

    Args:
        answers: the ratings.
        question: the question.
        one: the first method.
        other: the second method.

    Returns:
        The mean difference of the first minus the second, the p-value (NaN with fewer than two
        raters or no differences), and the number of raters.
    """
    points = {(a.rater, a.item, a.method): a.points for a in answers if a.question == question}
    by_rater: dict[str, list[int]] = defaultdict(list)
    for (rater, item, method), rating in points.items():
        if method == one and (rater, item, other) in points:
            by_rater[rater].append(rating - points[rater, item, other])
    # rounded, so that ties stay ties
    differences = np.array([np.mean(v) for _, v in sorted(by_rater.items())]).round(9)
    count = len(differences)
    if count < 2 or not differences.any():
        return (float(differences.mean()) if count else float("nan")), float("nan"), count
    return float(differences.mean()), float(stats.wilcoxon(differences).pvalue), count


def holm(p: Sequence[float]) -> list[float]:
    """Corrects p-values for multiple testing (Holm 1979).

    Args:
        p: p-values; NaN is left as it is and does not count.

    Returns:
        The corrected p-values, in the same order.

    Raises:
        InputError: a p-value lies outside 0 to 1.

    Example:
        >>> holm([0.25, 0.5])
        [0.5, 0.5]
    """
    for k, value in enumerate(p):
        if value == value:
            checks.within(f"p of test {k}", value, 0, 1)
    known = sorted((value, k) for k, value in enumerate(p) if value == value)
    out, highest = [float("nan")] * len(p), 0.0
    for rank, (value, k) in enumerate(known):
        highest = max(highest, min(1.0, value * (len(known) - rank)))
        out[k] = highest
    return out
