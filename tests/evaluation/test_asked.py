from __future__ import annotations

import numpy as np
import pytest

from palsynth.clinical import YANAGIHARA, Grade, Movement, Palsy, Side, item_score
from palsynth.evaluation.agreement import spearman, weighted_kappa
from palsynth.evaluation.asked import REGIONS, expressed, rank_agreement
from palsynth.face.framing import RECOGNISER
from palsynth.people import View, render, sample


def test_spearman_of_little() -> None:
    a = np.arange(6.0)
    assert spearman(a, a**3) == pytest.approx(1)
    assert np.isnan(spearman(a, np.ones(6)))
    assert np.isnan(spearman(a[:2], a[:2]))


def test_kappa_of_other_classes() -> None:
    grades = np.array([1, 2, 3, 4, 5, 6, 6])
    assert weighted_kappa(grades, grades, range(1, 7)) == 1
    assert weighted_kappa(grades, grades[::-1], range(1, 7)) < 0
    assert np.isnan(weighted_kappa(np.array([4, 4]), np.array([4, 4])))


@pytest.fixture(scope="module")
def drawn() -> tuple[list[tuple[Movement, Palsy]], np.ndarray, np.ndarray]:
    """True landmarks: what a perfect method and a perfect detector would give."""
    asked, points, rest = [], [], []
    for seed in (3, 8):
        person = sample(seed)
        still = render(person, view=View(256, RECOGNISER)).landmarks
        for k, movement in enumerate(YANAGIHARA):
            for side in Side:
                palsy = Palsy.peripheral(side, list(Grade)[2 + (k + seed) % 4])
                asked.append((movement, palsy))
                moved = render(person, movement, palsy, view=View(256, RECOGNISER)).landmarks
                for into, flat in ((points, moved), (rest, still)):
                    into.append(np.column_stack([flat, np.zeros(len(flat))]))
    return asked, np.stack(points), np.stack(rest)


def test_the_truth_shows_what_was_asked(
    drawn: tuple[list[tuple[Movement, Palsy]], np.ndarray, np.ndarray],
) -> None:
    asked, points, rest = drawn
    found = expressed(asked, points, rest)
    assert found.side_right()[found.clear()].mean() > 0.95
    assert found.asked_score.tolist() == [item_score(p, m) for m, p in asked]
    movement = np.array([m.value for m, _ in asked])
    for region in REGIONS:
        agreement = rank_agreement(found.region, movement, found.asked, found.measured, region)
        assert agreement > 0.85, region
    assert not found.clear()[movement == "wink"].any(), "no asymmetry answers a wink"


def test_copying_the_identity_image_shows_nothing(
    drawn: tuple[list[tuple[Movement, Palsy]], np.ndarray, np.ndarray],
) -> None:
    asked, _, rest = drawn
    found = expressed(asked, rest, rest)
    assert np.nanmax(np.abs(found.measured)) == 0
    assert not found.side_right()[found.clear()].any()


def test_without_a_face_nothing_is_right(
    drawn: tuple[list[tuple[Movement, Palsy]], np.ndarray, np.ndarray],
) -> None:
    asked, points, rest = drawn
    found = expressed(asked, np.full_like(points, np.nan), rest)
    assert not found.side_right().any()
    assert (found.measured_score == -1).all()
    movement = np.array([m.value for m, _ in asked])
    assert np.isnan(rank_agreement(found.region, movement, found.asked, found.measured, "eye"))
