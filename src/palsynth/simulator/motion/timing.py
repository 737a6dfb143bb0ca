"""When a movement begins, holds and ends, and how its force rises and falls on either side.

What the literature says: a smile takes about as long whatever its size, so that its velocity
follows its amplitude (Schmidt, Cohn & Tian 2003); smiles on request are faster and larger than
spontaneous ones, and take longer to let go (Schmidt et al. 2006), as raised brows are faster and
larger (Schmidt et al. 2009). A palsied lid and its eye
move less (VanderWerf et al. 2007). No source gives the seconds of all ten movements, nor
how much later a weak side starts: the numbers here are conventions of this project, but for those
of a blink (:mod:`palsynth.simulator.motion.blinks`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from palsynth.clinical import Movement
from palsynth.seeds import Stream, make_rng
from palsynth.simulator.motion.settings import MotionSettings

DURATIONS: dict[Movement, tuple[float, float, float]] = {
    Movement.REST: (0.5, 1.5, 0.5),
    Movement.WRINKLE_FOREHEAD: (0.45, 1.5, 0.55),
    Movement.CLOSE_EYES_LIGHTLY: (0.30, 1.5, 0.40),
    Movement.CLOSE_EYES_TIGHTLY: (0.40, 1.5, 0.50),
    Movement.WINK: (0.20, 0.8, 0.30),
    Movement.WRINKLE_NOSE: (0.40, 1.5, 0.50),
    Movement.PUFF_CHEEKS: (0.60, 1.5, 0.60),
    Movement.WHISTLE: (0.50, 1.5, 0.60),
    Movement.GRIN: (0.50, 1.5, 0.80),
    Movement.DEPRESS_LIP: (0.45, 1.5, 0.55),
    Movement.BLINK: (0.09, 0.03, 0.20),
}
"""Seconds of onset, hold and offset of each movement on request."""

USUAL = (0.50, 1.5, 0.60)
"""Those of a movement that is not listed."""

DELAY = 0.3
"""How much later a side starts that has almost no function, as a share of the onset."""

SLOWING = 0.7
"""How much longer it takes than a healthy side, as a share of each duration: with the smaller
amplitude its velocity falls twice."""

SYNKINETIC_DELAY = 0.2
"""How much later than the intended movement a synkinetic one starts, as a share of the onset."""


def ease(share: float) -> float:
    """A smooth step without a jerk at its ends (minimum jerk; Flash & Hogan 1985).

    Args:
        share: elapsed share of the step; what lies outside 0 … 1 is clipped.

    Returns:
        0 … 1. The largest velocity is 1.875 times the mean one.
    """
    x = min(1.0, max(0.0, share))
    return x**3 * (10 - 15 * x + 6 * x * x)


@dataclass(frozen=True)
class Contraction:
    """One rise and fall of effort.

    Attributes:
        start: when it begins, seconds.
        onset: seconds from rest to the apex, on a healthy side.
        hold: seconds at the apex.
        offset: seconds from the apex to rest, on a healthy side.
    """

    start: float
    onset: float
    hold: float
    offset: float

    @property
    def end(self) -> float:
        """When the slowest side and its synkinesis are back at rest, seconds."""
        release = self.start + self.onset + self.hold
        return release + (DELAY + SYNKINETIC_DELAY) * self.onset + (1 + SLOWING) * self.offset

    def at(self, time: float, function: float = 1.0, *, synkinetic: bool = False) -> float:
        """How much of the effort has arrived at a time.

        Args:
            time: seconds.
            function: what the nerve transmits to the muscle, 0 … 1; less is later and slower.
            synkinetic: whether it arrives by misdirected fibres.

        Returns:
            0 at rest … 1 at the apex.
        """
        late = (DELAY * (1.0 - function) + SYNKINETIC_DELAY * synkinetic) * self.onset
        slow = 1.0 + SLOWING * (1.0 - function)
        since = time - self.start - late
        rise = ease(since / (slow * self.onset))
        fall = min(1.0, max(0.0, (since - self.onset - self.hold) / (slow * self.offset)))
        # a muscle that lets go falls fast at first and then slowly
        return rise * (1.0 - ease(1.0 - (1.0 - fall) ** 1.5))


def contractions(movement: Movement, settings: MotionSettings, seed: int) -> list[Contraction]:
    """The repetitions of a movement.

    Args:
        movement: the movement.
        settings: durations and repetitions.
        seed: varies the durations.

    Returns:
        One contraction per repetition, in time, none of which overlap.
    """
    rng = make_rng(seed, Stream.MOTION_TIMING)
    onset, hold, offset = (
        own if given is None else given
        for own, given in zip(
            DURATIONS.get(movement, USUAL),
            (settings.onset, settings.hold, settings.offset),
            strict=True,
        )
    )
    out: list[Contraction] = []
    start = settings.start
    for _ in range(settings.repeats):
        factors = np.exp(settings.variation * rng.standard_normal(3))
        out.append(Contraction(start, *(np.array([onset, hold, offset]) * factors).tolist()))
        start = out[-1].end + settings.rest
    return out
