"""The filter and the smoother, against least squares over all states at once."""

from __future__ import annotations

import numpy as np
import pytest

from palsynth.capture import smoothing
from palsynth.capture.smoothing import advance, smooth, start

TIMES = np.array([0.0, 0.04, 0.08, 0.14, 0.18, 0.30, 0.34, 0.38])


def _least_squares(values: np.ndarray, noise: float, cutoff: float) -> np.ndarray:
    """The most probable levels, of all levels and velocities at once."""
    count = len(values)
    normal, right = np.zeros((2 * count, 2 * count)), np.zeros(2 * count)
    normal[1, 1] = 1 / smoothing.START**2
    for k, value in enumerate(values):
        if np.isfinite(value):
            normal[2 * k, 2 * k] += 1 / noise
            right[2 * k] += value / noise
    for k, t in enumerate(np.diff(TIMES)):
        q = (2 * np.pi * cutoff) ** 4 * noise * t
        weight = np.linalg.inv(q * np.array([[t**3 / 3, t**2 / 2], [t**2 / 2, t]]))
        step = np.hstack([np.array([[-1, -t], [0, -1]]), np.eye(2)])
        normal[2 * k : 2 * k + 4, 2 * k : 2 * k + 4] += step.T @ weight @ step
    return np.linalg.solve(normal, right)[::2]


def test_the_smoother_is_least_squares(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoothing, "SURPRISE", np.inf)
    values = np.random.default_rng(0).normal(0, 0.1, (len(TIMES), 3))
    values[3] = np.nan
    noise, cutoff = np.array([0.01, 0.0004, 0.01]), np.array([1.0, 2.0, 6.0])
    found = smooth(TIMES.tolist(), values, noise, cutoff)
    for k in range(3):
        expected = _least_squares(values[:, k], noise[k], cutoff[k])
        np.testing.assert_allclose(found[:, k], expected, atol=1e-9)
    monkeypatch.setattr(smoothing, "BLOCK", 2)
    np.testing.assert_array_equal(smooth(TIMES.tolist(), values, noise, cutoff), found)


def test_the_last_level_of_the_filter_is_that_of_the_smoother() -> None:
    values = np.random.default_rng(1).normal(0, 0.1, (len(TIMES), 2))
    noise, cutoff = np.full(2, 0.01), np.full(2, 1.0)
    state = start(values[0], noise)
    for seconds, measured in zip(np.diff(TIMES), values[1:], strict=True):
        _, state = advance(state, float(seconds), measured, noise, cutoff)
    found = smooth(TIMES.tolist(), values, noise, cutoff)
    np.testing.assert_allclose(state.mean[0], found[-1], atol=1e-12)


def test_jitter_falls_severalfold_and_fast_movements_stay() -> None:
    times = np.arange(0, 4, 0.04)
    truth = np.interp(times, [1, 1.3, 2, 2.4], [0, 0.6, 0.6, 0])
    noise = np.random.default_rng(2).normal(0, 0.01, (len(times), 50))
    found = smooth(times.tolist(), truth[:, None] + noise, np.full(50, 0.01**2), np.full(50, 1.1))
    error = found - truth[:, None]
    assert error[times > 2.8].std() < noise.std() / 2.5
    moving = (times > 0.9) & (times < 2.5)
    assert np.sqrt(np.square(error[moving]).mean()) < noise.std()
    assert found.max(0).mean() == pytest.approx(0.6, abs=0.02)


def test_a_blink_keeps_its_depth_where_lids_are_slow_to_be_smoothed() -> None:
    times = np.arange(0, 2, 0.04)
    truth = np.interp(times, [1.0, 1.06, 1.09, 1.15], [0, 0.6, 0.6, 0])
    noise = np.random.default_rng(3).normal(0, 0.02, (len(times), 50))
    found = smooth(times.tolist(), truth[:, None] + noise, np.full(50, 0.02**2), np.full(50, 10.0))
    assert np.median(found.max(0)) > 0.9 * truth.max()
