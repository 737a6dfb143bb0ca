from __future__ import annotations

import numpy as np
import pytest

from palsynth.errors import InputError
from palsynth.evaluation.intervals import Figure, bootstrap, over_trainings, share
from palsynth.evaluation.quality import ser_fiq, ser_fiq_rescaled


def test_the_interval_of_a_mean_is_about_its_standard_error() -> None:
    values = np.random.default_rng(0).normal(3, 2, 400)
    figure = bootstrap(values)
    error = values.std() / 20
    assert figure.value == pytest.approx(values.mean())
    assert figure.low == pytest.approx(values.mean() - 1.96 * error, abs=0.3 * error)
    assert figure.high == pytest.approx(values.mean() + 1.96 * error, abs=0.3 * error)
    assert figure == bootstrap(values)


def test_pictures_of_one_person_are_not_independent() -> None:
    people = np.random.default_rng(1).normal(size=20)
    values, groups = np.repeat(people, 30), np.repeat(np.arange(20), 30)
    alone, grouped = bootstrap(values), bootstrap(values, groups=groups)
    assert grouped.high - grouped.low > 4 * (alone.high - alone.low)
    assert grouped.value == alone.value


def test_arrays_are_resampled_together() -> None:
    x = np.arange(50.0)
    figure = bootstrap(x, 2 * x, statistic=lambda a, b: float(np.corrcoef(a, b)[0, 1]))
    assert figure.low == pytest.approx(1)
    assert bootstrap(np.array([])).count == 0
    assert figure.text(2) == "1.00 [1.00, 1.00]"


def test_ser_fiq_by_hand() -> None:
    """Three embeddings at right angles: every pair is sqrt 2 apart."""
    quality = ser_fiq(np.eye(3) * [[1], [5], [2]])
    assert quality == pytest.approx(2 / (1 + np.exp(np.sqrt(2))))
    assert ser_fiq(np.ones((4, 8))) == pytest.approx(1.0, abs=1e-6)
    assert ser_fiq_rescaled(0.88) == 0.5
    assert ser_fiq_rescaled(0.9) == pytest.approx(1 / (1 + np.exp(-2.6)))


def test_ser_fiq_falls_with_embedding_variability() -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(size=64)
    qualities = [ser_fiq(base + rng.normal(0, s, (50, 64))) for s in (0.1, 0.5, 2.0)]
    assert qualities == sorted(qualities, reverse=True)


def test_pictures_have_equal_weight_in_groups_of_any_size() -> None:
    values, groups = np.array([1.0, 1, 1, 0]), np.array(["a", "a", "a", "b"])
    figure = bootstrap(values, groups=groups)
    assert (figure.value, figure.low, figure.high, figure.count) == (0.75, 0, 1, 4)
    assert Figure(0.75, 0.1, 0.9, 4).text(2) == "0.75 [0.10, 0.90]"


def test_the_interval_leaves_out_two_and_a_half_per_cent_at_each_end() -> None:
    """The resampled statistics are 0, 1, … 999 in turn."""
    values = iter(range(-1, 1000))  # a first call may be for the value itself
    figure = bootstrap(np.zeros(3), statistic=lambda _: float(next(values)))
    assert figure.low == pytest.approx(0.025 * 999, abs=1.1)
    assert figure.high == pytest.approx(0.975 * 999, abs=1.1)


def test_resamples_without_a_statistic_are_left_out() -> None:
    values = np.array([0.0, 1.0])

    def statistic(v: np.ndarray) -> float:
        return float("nan") if v.min() == v.max() else 7.0

    assert bootstrap(values, statistic=statistic) == Figure(7.0, 7.0, 7.0, 2)


def test_a_share_of_none_still_has_an_upper_end() -> None:
    hits, groups = np.zeros(100, bool), np.arange(100) // 10
    figure = share(hits, groups)
    assert (figure.value, figure.low) == (0, 0)
    assert figure.high == pytest.approx(100 * (1 - 0.025 ** (1 / 100)))  # the exact end for none
    hits[:10] = True  # all of one person: wider than of ten pictures by chance
    assert share(hits, groups).high == bootstrap(100.0 * hits, groups=groups).high


def test_a_share_of_all_still_has_a_lower_end() -> None:
    figure = share(np.ones(100, bool), np.arange(100) // 10)
    assert (figure.value, figure.high, figure.count) == (100, 100, 100)
    assert figure.low == pytest.approx(100 * 0.025 ** (1 / 100))
    assert share(np.array([True, True, True, False]), np.arange(4)).value == 75


def test_an_interval_over_trainings_is_as_wide_as_trainings_differ() -> None:
    """With no noise in the pictures, the interval of two trainings is from one to the other."""
    groups = np.arange(40) // 4
    steady = np.stack([np.full(40, 1.0), np.full(40, 3.0)])
    figure = over_trainings(steady, groups)
    assert (figure.value, figure.low, figure.high, figure.count) == (2, 1, 3, 80)


def test_an_interval_over_equal_trainings_is_that_over_people() -> None:
    rng = np.random.default_rng(0)
    groups = np.arange(60) // 3
    values = rng.normal(size=20)[groups] + 0.1 * rng.normal(size=60)
    both, alone = (
        over_trainings(np.stack([values, values]), groups),
        bootstrap(values, groups=groups),
    )
    assert both.value == pytest.approx(alone.value)
    assert both.high - both.low == pytest.approx(alone.high - alone.low, rel=0.15)


def test_pictures_without_a_value_do_not_count() -> None:
    values = np.array([[1.0, np.nan, 3.0, 3.0], [1.0, 1.0, np.nan, 3.0]])
    figure = over_trainings(values, np.array(["a", "a", "b", "b"]))
    assert figure.value == pytest.approx((7 / 3 + 5 / 3) / 2)
    assert figure.count == 6
    with pytest.raises(InputError, match="a training or a group has none; leave it out"):
        over_trainings(np.full((2, 4), np.nan), np.array(["a", "a", "b", "b"]))
