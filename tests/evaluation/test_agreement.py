from __future__ import annotations

import numpy as np
import pytest

from palsynth.evaluation.agreement import spearman, weighted_kappa


def test_spearman_by_hand() -> None:
    """Ties share their mean rank: 1, 2.5, 2.5, 4 beside 1, 3, 2, 4."""
    a, b = np.array([1.0, 2, 2, 3]), np.array([1.0, 30, 20, 40])
    assert spearman(a, b) == pytest.approx(4.5 / np.sqrt(4.5 * 5))
    assert spearman(a, -b) == pytest.approx(-4.5 / np.sqrt(4.5 * 5))


def test_spearman_of_few_or_constant_values() -> None:
    a = np.arange(6.0)
    assert spearman(a, a**3) == pytest.approx(1)
    assert np.isnan(spearman(a, np.ones(6)))
    assert np.isnan(spearman(np.ones(6), a))
    assert np.isnan(spearman(a[:2], a[:2]))
    assert spearman(a[:3], a[:3]) == pytest.approx(1)


def test_kappa_by_hand() -> None:
    """Two of four are one step off: squared steps are 2 observed, 22 / 4 expected."""
    targets, predictions = np.array([0, 2, 4, 4]), np.array([0, 4, 4, 2])
    assert weighted_kappa(targets, predictions) == pytest.approx(1 - 2 / 5.5)


def test_two_steps_off_weigh_four_times_one() -> None:
    targets, predictions = np.array([0, 2, 4]), np.array([4, 2, 2])
    # observed 4 + 0 + 1; expected ((2 + 4) + (0 + 1) + (2 + 0)) / 3, with predictions 0, 2, 1 times
    assert weighted_kappa(targets, predictions) == pytest.approx(1 - 5 / 3)


def test_kappa_of_other_classes() -> None:
    grades = np.array([1, 2, 3, 4, 5, 6, 6])
    assert weighted_kappa(grades, grades, range(1, 7)) == 1
    assert weighted_kappa(grades, grades[::-1], range(1, 7)) < 0
    assert np.isnan(weighted_kappa(np.array([4, 4]), np.array([4, 4])))
