"""Settings of a movement over time."""

from __future__ import annotations

from dataclasses import dataclass

from palsynth.errors import InputError
from palsynth.settings import Settings

_LIMITS = {
    "start": (0.0, 60.0),
    "onset": (0.04, 10.0),
    "hold": (0.0, 60.0),
    "offset": (0.04, 10.0),
    "rest": (0.0, 60.0),
    "repeats": (1, 100),
    "blinks": (0.0, 60.0),
    "sway": (0.0, 10.0),
    "fluctuation": (0.0, 0.2),
    "variation": (0.0, 0.5),
}
"""Least and largest value of each setting."""


@dataclass(frozen=True)
class MotionSettings(Settings):
    """How a movement is performed over time.

    Durations are those of a healthy side: a weak one is later and slower.
    """

    start: float = 0.5
    """Seconds at rest before the movement, 0 to 60."""
    onset: float | None = None
    """Seconds from rest to the apex, 0.04 to 10; default: the movement's own."""
    hold: float | None = None
    """Seconds at the apex, 0 to 60; default: the movement's own."""
    offset: float | None = None
    """Seconds from the apex back to rest, 0.04 to 10; default: the movement's own."""
    rest: float = 0.5
    """Seconds at rest after the movement and between repetitions, 0 to 60."""
    repeats: int = 1
    """How often the movement is performed, 1 to 100."""
    blinks: float = 15.0
    """Spontaneous blinks a minute, 0 to 60."""
    sway: float = 1.0
    """Standard deviation of the head's yaw, degrees, 0 to 10; pitch and roll are smaller."""
    fluctuation: float = 0.02
    """Standard deviation of the effort over time, as a share of it, 0 to 0.2."""
    variation: float = 0.1
    """Standard deviation by which a seed varies the logarithm of each duration, 0 to 0.5."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, (least, most) in _LIMITS.items():
            value = getattr(self, name)
            if value is not None and not least <= value <= most:
                raise InputError(
                    f"motion: {name} {value:g}: must lie between {least:g} and {most:g}"
                )
