"""Smoothing of noisy series: a Kalman filter of constant velocity, and its backward pass.

Every channel is a level and its velocity, which white noise accelerates (Bar-Shalom, Li and
Kirubarajan 2001, section 6.2). The filter (Kalman 1960) knows what came before a time, the smoother
(Rauch, Tung and Striebel 1965) also what comes after, and therefore does not lag behind.

The process noise is given by a cut-off frequency: the smoother in continuous time halves what
oscillates at ``f`` where q = (2 pi f)^4 r, with q the density of the process noise and r that of
the measurement noise. That alone would flatten what is fast; but a channel whose measurement is a
surprise has begun or stopped to move, and its process noise is raised for that step (manoeuvre
detection, same book, section 11.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

START = 1.0
"""Standard deviation of the velocity at the first time, units of the channel a second."""

SURPRISE = 9.0
"""Squared innovation, relative to its variance, from which a measurement is a surprise. The process
noise is then raised so far that it no longer is."""

BLOCK = 256
"""Channels that are smoothed at once, which bounds the memory: 25 kB each, in 256 frames."""


@dataclass(frozen=True)
class State:
    """Level and velocity of C channels, with their variances and covariance."""

    mean: np.ndarray
    """(2, C) float64: level, and velocity a second."""

    covariance: np.ndarray
    """(3, C) float64: variance of the level, covariance, variance of the velocity."""


def start(values: np.ndarray, noise: np.ndarray) -> State:
    """The state after the first measurement.

    Args:
        values: measurements (C,).
        noise: their variances (C,).

    Returns:
        Levels as measured, at rest.
    """
    zero = np.zeros_like(values)
    return State(np.stack([values, zero]), np.stack([noise, zero, zero + START**2]))


def predict(state: State, seconds: float, process: np.ndarray) -> State:
    """Carries a state on to a later time.

    Args:
        state: the state.
        seconds: time that passes.
        process: spectral density (C,) of the acceleration, squared units of the channel per cubic
            second.

    Returns:
        The expected state.
    """
    (level, velocity), (a, b, c), t = state.mean, state.covariance, seconds
    covariance = [
        a + 2 * t * b + t**2 * c + process * t**3 / 3,
        b + t * c + process * t**2 / 2,
        c + process * t,
    ]
    return State(np.stack([level + t * velocity, velocity]), np.stack(covariance))


def update(state: State, values: np.ndarray, noise: np.ndarray) -> State:
    """Corrects an expected state by measurements.

    Args:
        state: the expected state.
        values: measurements (C,).
        noise: their variances (C,).

    Returns:
        The corrected state.
    """
    a, b, c = state.covariance
    gain = state.covariance[:2] / (a + noise)
    mean = state.mean + gain * (values - state.mean[0])
    return State(mean, np.stack([a - gain[0] * a, b - gain[0] * b, c - gain[1] * b]))


def advance(
    state: State, seconds: float, values: np.ndarray, noise: np.ndarray, cutoff: np.ndarray
) -> tuple[State, State]:
    """One step of the filter.

    Args:
        state: the state at the last measurement.
        seconds: time that has passed since, above 0.
        values: measurements (C,).
        noise: their variances (C,).
        cutoff: frequency (C,) in Hz from which what does not surprise is smoothed away.

    Returns:
        The expected and the corrected state.
    """
    process = _process(seconds, noise, cutoff)
    expected = predict(state, seconds, process)
    squared = np.square(values - expected.mean[0])
    missing = squared / SURPRISE - expected.covariance[0] - noise
    raised = process + np.maximum(missing, 0.0) * 3 / seconds**3
    expected = predict(state, seconds, raised)
    return expected, update(expected, values, noise)


def smooth(
    times: Sequence[float], values: np.ndarray, noise: np.ndarray, cutoff: np.ndarray
) -> np.ndarray:
    """Smooths series of measurements, some of which may be missing.

    Args:
        times: T times in seconds, increasing.
        values: measurements (T, C); at times without any, though not the first, all NaN.
        noise: their variances (C,).
        cutoff: frequency (C,) in Hz from which what does not surprise is smoothed away.

    Returns:
        Levels (T, C) float64.
    """
    blocks = [slice(k, k + BLOCK) for k in range(0, values.shape[1], BLOCK)]
    return np.hstack([_smooth(times, values[:, b], noise[b], cutoff[b]) for b in blocks])


def _smooth(
    times: Sequence[float], values: np.ndarray, noise: np.ndarray, cutoff: np.ndarray
) -> np.ndarray:
    expected = corrected = start(values[0], noise)
    forward = [(expected, corrected)]
    for seconds, measured in zip(np.diff(times), values[1:], strict=True):
        if np.isnan(measured).any():
            process = _process(seconds, noise, cutoff)
            expected = corrected = predict(corrected, seconds, process)
        else:
            expected, corrected = advance(corrected, seconds, measured, noise, cutoff)
        forward.append((expected, corrected))
    mean = forward[-1][1].mean
    levels = [mean[0]]
    for k in range(len(times) - 2, -1, -1):
        own, later = forward[k][1], forward[k + 1][0]
        mean = own.mean + _carried_back(own, later, times[k + 1] - times[k], mean - later.mean)
        levels.append(mean[0])
    return np.stack(levels[::-1])


def _carried_back(own: State, later: State, seconds: float, difference: np.ndarray) -> np.ndarray:
    """What a difference (2, C) from the state expected later says of the earlier state: P F' times
    the inverse of the later covariance, times the difference."""
    (a, b, c), (d, e, f) = own.covariance, later.covariance
    determinant = np.maximum(d * f - e**2, 1e-300)
    level = (f * difference[0] - e * difference[1]) / determinant
    velocity = (d * difference[1] - e * difference[0]) / determinant
    return np.stack(
        [
            (a + seconds * b) * level + b * velocity,
            (b + seconds * c) * level + c * velocity,
        ]
    )


def _process(seconds: float, noise: np.ndarray, cutoff: np.ndarray) -> np.ndarray:
    """Density (C,) of the process noise for a cut-off frequency."""
    return np.asarray((2 * np.pi * cutoff) ** 4 * noise * seconds)
