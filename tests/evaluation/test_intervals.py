from __future__ import annotations

import numpy as np
import pytest

from palsynth.evaluation.intervals import bootstrap
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


def test_rows_stay_together() -> None:
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


def test_ser_fiq_falls_as_embeddings_tremble() -> None:
    rng = np.random.default_rng(0)
    base = rng.normal(size=64)
    qualities = [ser_fiq(base + rng.normal(0, s, (50, 64))) for s in (0.1, 0.5, 2.0)]
    assert qualities == sorted(qualities, reverse=True)
