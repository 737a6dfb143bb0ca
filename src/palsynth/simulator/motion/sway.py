"""What never stands still: smooth random functions of time, and the sway of a head."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from palsynth.seeds import Stream, make_rng
from palsynth.settings import FiniteNumbers

WAVES = 6
"""Sine waves whose sum is a smooth random function."""

SWAY_RATES = (0.08, 0.5)
"""Range of the head's frequencies, Hz. Heads of standing people sway at 0.3 to 0.4 Hz; the range
about it is a convention of this project."""

SWAY_SHARES = (1.0, 0.8, 0.45)
"""Standard deviation of yaw, pitch and roll relative to yaw: 2.7, 2.2 and 1.2 degrees in people who
sat still for five minutes (Al-Yassary et al. 2022). A clip of seconds sees less of it: the default
of one degree is a convention of this project."""

EFFORT_RATES = (0.3, 2.5)
"""Range of frequencies at which a held effort fluctuates, Hz; a convention of this project."""


@dataclass(frozen=True)
class Sway(FiniteNumbers):
    """Rotation of the head from where it is held, degrees, as in a head's pose.

    Attributes:
        yaw: positive turns the face to the right of the image.
        pitch: positive looks down.
        roll: positive tilts clockwise in the image.
    """

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0


class Wander:
    """A smooth random function of time, a sum of sine waves: mean 0, standard deviation 1."""

    def __init__(self, rng: np.random.Generator, rates: tuple[float, float]) -> None:
        """Draws the waves.

        Args:
            rng: source of randomness.
            rates: lowest and highest frequency, Hz.
        """
        edges = np.geomspace(*rates, WAVES + 1)
        self._rates = 2 * np.pi * rng.uniform(edges[:-1], edges[1:])
        self._phases = rng.uniform(0, 2 * np.pi, WAVES)

    def at(self, time: float) -> float:
        """The value at a time.

        Args:
            time: seconds.

        Returns:
            The value, within ±3.5.
        """
        waves = np.sin(self._rates * time + self._phases)
        return float(np.sqrt(2 / WAVES) * waves.sum())


class HeadSway:
    """The sway of a head over time."""

    def __init__(self, seed: int, degrees: float) -> None:
        """Draws the sway.

        Args:
            seed: its seed.
            degrees: standard deviation of the yaw.
        """
        rng = make_rng(seed, Stream.MOTION_SWAY)
        self._axes = [Wander(rng, SWAY_RATES) for _ in SWAY_SHARES]
        self._degrees = degrees

    def at(self, time: float) -> Sway:
        """The rotation at a time.

        Args:
            time: seconds.

        Returns:
            The rotation from where the head is held.
        """
        pairs = zip(SWAY_SHARES, self._axes, strict=True)
        return Sway(*(self._degrees * share * axis.at(time) for share, axis in pairs))
