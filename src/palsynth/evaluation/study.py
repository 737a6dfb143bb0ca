"""Arithmetic of the questionnaire: means, agreement of the raters, paired tests."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

QUESTIONS = {
    "expression": "How well does the picture show the expression of the patient?",
    "difference": "How different does the person look from the patient?",
    "naturalness": "How natural does the face look?",
}
"""The three criteria of Tajima, Seo & Chen 2026, in our words; five points each, 5 is best."""

ENDS = {
    "expression": ("not at all", "exactly"),
    "difference": ("same person", "someone else"),
    "naturalness": ("artificial", "like a photo"),
}
"""Question -> what 1 and 5 mean."""

POINTS = (1, 2, 3, 4, 5)


@dataclass(frozen=True)
class Rating:
    """One rater's points, 1 … 5, for one question about one picture of a method."""

    rater: str
    item: str
    method: str
    question: str
    points: int


@dataclass(frozen=True)
class Summary:
    """Mean and sample standard deviation over all ratings, as the paper's Table I gives them."""

    mean: float
    deviation: float
    count: int

    def text(self) -> str:
        """As the table prints it."""
        return f"{self.mean:.2f} ± {self.deviation:.2f}" if self.count else "–"


def summarise(answers: Iterable[Rating]) -> dict[tuple[str, str], Summary]:
    """(method, question) -> summary."""
    points: dict[tuple[str, str], list[int]] = defaultdict(list)
    for answer in answers:
        points[answer.method, answer.question].append(answer.points)
    return {
        key: Summary(float(np.mean(p)), float(np.std(p, ddof=1)) if len(p) > 1 else 0.0, len(p))
        for key, p in points.items()
    }


def krippendorff_alpha(answers: Sequence[Rating], question: str) -> float:
    """Agreement of the raters on a question, 1 perfect, 0 as by chance (Krippendorff 2011, for
    interval data): raters may have left pictures out. NaN where no picture has two ratings or
    all points are the same."""
    units: dict[tuple[str, str], list[int]] = defaultdict(list)
    for answer in answers:
        if answer.question == question:
            units[answer.method, answer.item].append(answer.points)
    paired = [np.array(p, np.float64) for p in units.values() if len(p) > 1]
    if not paired:
        return float("nan")
    every = np.concatenate(paired)
    # mean squared difference of pairs within a picture, each picture weighing its ratings
    within = sum(_pair_sum(p) / (len(p) - 1) for p in paired) / len(every)
    among = _pair_sum(every) / (len(every) * (len(every) - 1))
    return float(1 - within / among) if among > 0 else float("nan")


def _pair_sum(values: np.ndarray) -> float:
    """Sum of squared differences over ordered pairs."""
    return float(2 * len(values) * np.square(values - values.mean()).sum())


def wilcoxon(
    answers: Sequence[Rating], question: str, one: str, other: str
) -> tuple[float, float, int]:
    """Paired test of two methods on a question: every rater's mean of the one less that of the
    other, over the pictures of which the rater has judged both.

    Returns the mean difference, the p of Wilcoxon's signed-rank test, two-sided (NaN with fewer
    than two such raters or no differences), and the number of raters.
    """
    from scipy import stats

    points = {(a.rater, a.item, a.method): a.points for a in answers if a.question == question}
    apart: dict[str, list[int]] = defaultdict(list)
    for (rater, item, method), given in points.items():
        if method == one and (rater, item, other) in points:
            apart[rater].append(given - points[rater, item, other])
    gaps = np.array([np.mean(v) for _, v in sorted(apart.items())]).round(9)  # ties stay ties
    if len(gaps) < 2 or not gaps.any():
        return (float(gaps.mean()) if len(gaps) else float("nan")), float("nan"), len(gaps)
    return float(gaps.mean()), float(stats.wilcoxon(gaps).pvalue), len(gaps)


def holm(p: Sequence[float]) -> list[float]:
    """p-values corrected for their number (Holm 1979); NaN stays and does not count."""
    known = sorted((value, k) for k, value in enumerate(p) if value == value)
    out, highest = [float("nan")] * len(p), 0.0
    for rank, (value, k) in enumerate(known):
        highest = max(highest, min(1.0, value * (len(known) - rank)))
        out[k] = highest
    return out
