from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.stats import wilcoxon as reference

from palsynth.evaluation.study import (
    ENDS,
    POINTS,
    QUESTIONS,
    Rating,
    holm,
    krippendorff_alpha,
    summarise,
    wilcoxon,
)

TABLE = {  # rater -> points of four pictures of a and four of b
    "r1": ([5, 4, 4, 5], [2, 3, 2, 1]),
    "r2": ([4, 4, 3, 5], [2, 2, 3, 1]),
    "r3": ([5, 5, 4, 4], [3, 3, 2, 2]),
}


def answers() -> list[Rating]:
    return [
        Rating(rater, str(k), method, "naturalness", points)
        for rater, parts in TABLE.items()
        for method, row in zip("ab", parts, strict=True)
        for k, points in enumerate(row)
    ]


def test_means_by_hand() -> None:
    found = summarise(answers())["a", "naturalness"]
    points = [5, 4, 4, 5, 4, 4, 3, 5, 5, 5, 4, 4]
    assert found.mean == pytest.approx(52 / 12)
    variance = sum((p - 52 / 12) ** 2 for p in points) / 11
    assert found.deviation == pytest.approx(variance**0.5)
    assert found.text() == "4.33 ± 0.65"
    assert found.count == 12


def test_alpha_agrees_with_its_definition() -> None:
    """Observed over expected disagreement, computed directly from the definition."""
    rows = answers()[:-3]  # one rater skipped three pictures
    units: dict[tuple[str, str], list[int]] = {}
    for answer in rows:
        units.setdefault((answer.method, answer.item), []).append(answer.points)
    paired = {k: v for k, v in units.items() if len(v) > 1}
    n = sum(len(v) for v in paired.values())
    observed = sum(
        (a - b) ** 2 / (len(v) - 1)
        for v in paired.values()
        for a, b in itertools.permutations(v, 2)
    )
    pooled = [p for v in paired.values() for p in v]
    expected = sum((a - b) ** 2 for a, b in itertools.permutations(pooled, 2)) / (n - 1)
    assert krippendorff_alpha(rows, "naturalness") == pytest.approx(1 - observed / expected)


def test_alpha_of_perfect_and_of_chance_agreement() -> None:
    same = [Rating(r, f"i{k}", "a", "q", k % 5 + 1) for r in "xyz" for k in range(9)]
    assert krippendorff_alpha(same, "q") == 1
    rng = np.random.default_rng(0)
    chance = [
        Rating(f"r{r}", f"i{k}", "a", "q", int(rng.integers(1, 6)))
        for r in range(12)
        for k in range(60)
    ]
    assert abs(krippendorff_alpha(chance, "q")) < 0.03
    assert np.isnan(krippendorff_alpha([], "q"))
    assert np.isnan(krippendorff_alpha([Rating(r, "i", "a", "q", 3) for r in "xy"], "q"))


def test_paired_test_agrees_with_scipy() -> None:
    gap, p, raters = wilcoxon(answers(), "naturalness", "a", "b")
    gaps = [np.mean(a) - np.mean(b) for a, b in TABLE.values()]
    assert gap == pytest.approx(np.mean(gaps))
    assert p == pytest.approx(reference(gaps).pvalue)
    assert raters == 3
    assert np.isnan(wilcoxon(answers(), "naturalness", "a", "a")[1])
    assert wilcoxon(answers(), "naturalness", "a", "zero-shot")[2] == 0


def test_a_difference_is_the_first_minus_the_second_over_common_pictures() -> None:
    rows = [
        Rating("r", "1", "a", "q", 5),
        Rating("r", "1", "b", "q", 2),
        Rating("r", "2", "a", "q", 4),
        Rating("r", "2", "b", "q", 3),
        Rating("r", "3", "a", "q", 1),  # not rated for the other method
        Rating("s", "1", "a", "q", 3),
        Rating("s", "1", "b", "q", 4),
        Rating("s", "1", "a", "else", 1),
        Rating("s", "1", "b", "else", 5),
    ]
    gap, _, raters = wilcoxon(rows, "q", "a", "b")
    assert (gap, raters) == (pytest.approx(((3 + 1) / 2 - 1) / 2), 2)
    assert wilcoxon(rows, "q", "b", "a")[0] == pytest.approx(-0.5)


def test_holm_by_hand() -> None:
    """The smallest times three, the next times two, and never below the one before."""
    found = holm([0.04, 0.01, float("nan"), 0.03])
    assert found[:2] == pytest.approx([0.06, 0.03])
    assert np.isnan(found[2])
    assert found[3] == pytest.approx(0.06)
    assert holm([0.6, 0.7]) == [1.0, 1.0]


def test_the_three_questions_and_the_meaning_of_their_points() -> None:
    assert list(QUESTIONS) == ["expression", "difference", "naturalness"]
    assert "expression of the patient" in QUESTIONS["expression"]
    assert "different does the person look from the patient" in QUESTIONS["difference"]
    assert "natural" in QUESTIONS["naturalness"]
    assert ENDS == {
        "expression": ("not at all", "exactly"),
        "difference": ("same person", "someone else"),
        "naturalness": ("artificial", "like a photo"),
    }
    assert POINTS == (1, 2, 3, 4, 5)
