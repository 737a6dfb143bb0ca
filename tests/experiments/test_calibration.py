from __future__ import annotations

from palsynth.clinical import Movement
from palsynth.experiments.calibration import (
    FIRST_SEED,
    draw_samples,
    fit_gains,
    fit_item,
    fit_thresholds,
)
from palsynth.face.measures import SIDED
from palsynth.people import EVALUATION_SEEDS


def test_a_small_calibration_orders_functions() -> None:
    steps = []
    samples = draw_samples(
        Movement.GRIN, range(FIRST_SEED, FIRST_SEED + 20), 2, lambda: steps.append(1)
    )
    assert len(steps) == 40
    weights = fit_item(samples)
    low, high = fit_thresholds(samples, weights)
    assert low < high
    gains = fit_gains(samples)
    assert set(gains) == set(SIDED)
    assert gains["commissure height"][1] > 0.9  # detected and true asymmetry go together


def test_calibration_stays_away_from_evaluation_people() -> None:
    assert FIRST_SEED + 11_000 < EVALUATION_SEEDS
