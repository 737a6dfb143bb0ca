"""Spontaneous blinks: when they come, how fast and how far they go.

People blink 11 (men) to 19 (women) times a minute, and the lids close 40 to 47 % faster than they
open (Sforza et al. 2008); closing takes 75 to 150 ms. About half of all blinks do not close the eye
fully (Sforza et al. 2008, Ousler et al. 2014). The eye does not roll up in an ordinary blink, but
it does where the lid is held back (Doane 1980), as a weak lid is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from palsynth.seeds import Stream, make_rng
from palsynth.simulator.motion.timing import Contraction

CLOSING = (0.075, 0.13)
"""Range of seconds in which the lids close."""

CLOSED = 0.02
"""Seconds for which they stay closed: 13 ms in blinks on request, less in others."""

OPENING = 2.2
"""Time that opening takes relative to closing. The lids' largest velocity in opening is 0.7 of that
in closing; the slow end of the opening is a convention of this project."""

REFRACTORY = 0.8
"""Least number of seconds between two blinks; a convention of this project."""

ROLL = 0.5
"""How far a weak eye rolls up in a spontaneous blink, relative to a closure on request. That it
does is observed, how far is a convention of this project."""

LEAST = 0.7
"""Least effort of a spontaneous blink, where 1 closes the eye; a convention of this project."""


@dataclass(frozen=True)
class Blink:
    """A spontaneous blink of both eyes.

    Attributes:
        lids: how the effort rises and falls.
        effort: its size; 1 closes a healthy eye.
    """

    lids: Contraction
    effort: float


def blinks(
    rate: float, end: float, seed: int, still: Sequence[tuple[float, float]] = ()
) -> list[Blink]:
    """The blinks up to a time; a later end adds blinks and changes none.

    Args:
        rate: blinks a minute.
        end: seconds up to which blinks may begin.
        seed: their seed.
        still: begins and ends, in seconds, of periods without blinks.

    Returns:
        The blinks, in time.
    """
    if rate <= 0:
        return []
    rng = make_rng(seed, Stream.MOTION_BLINKS)
    pause = max(0.05, 60.0 / rate - REFRACTORY)
    out: list[Blink] = []
    # as if the patient had been watched for a while: the first blink may come at once
    time = float(rng.uniform(0, pause))
    while time < end:
        closing = float(rng.uniform(*CLOSING))
        effort = min(1.0, float(rng.uniform(LEAST, 1.2)))
        lids = Contraction(time, closing, CLOSED, OPENING * closing)
        if all(lids.end <= begin or time >= finish for begin, finish in still):
            out.append(Blink(lids, effort))
        time += REFRACTORY + float(rng.gamma(2.0, pause / 2.0))
    return out
