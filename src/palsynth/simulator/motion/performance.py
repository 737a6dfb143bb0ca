"""The coefficients over time of one movement, performed by a patient with a palsy."""

from __future__ import annotations

import math
from dataclasses import dataclass

from palsynth.clinical import EYE_CLOSURES, Movement, Muscle, Palsy, Side
from palsynth.errors import InputError
from palsynth.seeds import Stream, make_rng
from palsynth.simulator.drive import BELL, Attempt, Drive, attempt, drive, drive_of
from palsynth.simulator.motion.blinks import ROLL, Blink, blinks
from palsynth.simulator.motion.settings import MotionSettings
from palsynth.simulator.motion.sway import EFFORT_RATES, HeadSway, Sway, Wander
from palsynth.simulator.motion.timing import contractions

LONGEST = 600.0
"""Largest number of seconds of a performance."""

FASTEST = 240.0
"""Largest number of frames a second."""

_LIDS = Muscle.ORBICULARIS_OCULI


@dataclass(frozen=True)
class Moment:
    """One instant of a performance.

    Attributes:
        time: seconds from its beginning.
        drive: what moves the face.
        sway: how the head is turned from where it is held.
    """

    time: float
    drive: Drive
    sway: Sway


def performance(
    movement: Movement,
    palsy: Palsy,
    *,
    seconds: float | None = None,
    fps: float = 25.0,
    seed: int = 0,
    intensity: float = 1.0,
    settings: MotionSettings | None = None,
    bell: float = BELL,
    wink: Side | None = None,
) -> list[Moment]:
    """Performs a movement over time.

    It begins and ends with the face of this palsy at rest; at the apex it is that of
    :func:`palsynth.simulator.drive.drive` but for the fluctuation of effort. Every muscle follows
    its own rise and fall, later and more slowly where its nerve is weak; the healthy face is the
    same on both sides at all times. A moment depends on the time and the seed alone, not on the
    number of frames, and the timing of effort, blinks and sway not on the palsy: a healthy and a
    palsied performance of one seed run side by side.

    Args:
        movement: the requested movement.
        palsy: the palsy.
        seconds: duration; a shorter one ends before the movement does, a longer one goes on at
            rest, with blinks. Default: until the movement is over.
        fps: frames a second, above 0 to 240.
        seed: varies durations, blinks, sway and effort.
        intensity: effort of the patient, 0 … 1.2.
        settings: durations, repetitions, blinks, sway; default: the default settings.
        bell: strength of Bell's phenomenon, 0 (absent) … 1; a synthetic subject has its own.
        wink: the eye to wink; default: the weak one, the left one of a healthy face.

    Returns:
        The moments, one per frame: frame k is at ``k / fps`` seconds.

    Raises:
        InputError: a number is out of range.
    """
    _check("fps", fps, 1e-3, FASTEST)
    _check("intensity", intensity, 0.0, 1.2)
    if seconds is not None:
        _check("seconds", seconds, 0.0, LONGEST)
    settings = settings or MotionSettings()
    score = _Score(movement, palsy, seed, intensity, settings, bell, wink or palsy.weak_side)
    if seconds is None:
        if score.end > LONGEST:
            raise InputError(
                f"motion: repeats, hold and rest make {score.end:.0f} seconds, at most "
                f"{LONGEST:.0f} are performed; repeat less, or give the seconds"
            )
        frames = math.ceil(score.end * fps) + 1
    else:
        frames = max(1, round(seconds * fps))
    return [score.at(k / fps) for k in range(frames)]


def _check(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise InputError(f"motion: {name} {value:g}: must lie between {least:g} and {most:g}")


class _Score:
    """All that happens in a performance, as a function of time."""

    def __init__(
        self,
        movement: Movement,
        palsy: Palsy,
        seed: int,
        intensity: float,
        settings: MotionSettings,
        bell: float,
        wink: Side | None,
    ) -> None:
        self._movement, self._palsy, self._intensity = movement, palsy, intensity
        self._full = {side: attempt(movement, side, intensity, wink) for side in Side}
        self._apex = drive(movement, palsy, intensity=intensity, bell=bell, wink=wink)
        self._blink_apex = drive(Movement.BLINK, palsy, bell=bell)
        self._contractions = contractions(movement, settings, seed)
        self.end = self._contractions[-1].end + settings.rest
        self._sway = HeadSway(seed, settings.sway)
        self._fluctuation = settings.fluctuation
        self._wander = Wander(make_rng(seed, Stream.MOTION_EFFORT), EFFORT_RATES)
        # a performance begins and ends at rest; eyes that are closed on request do not blink
        still = [(0.0, 0.2), (self.end - 0.2, self.end + 0.2)]
        if movement in EYE_CLOSURES:
            still += [(one.start - 0.2, one.end) for one in self._contractions]
        self._blinks = blinks(settings.blinks, LONGEST, seed, still)

    def at(self, time: float) -> Moment:
        """The moment at a time."""
        command = self._arrived(time)
        effort = 1.0 + self._fluctuation * self._wander.at(time)
        now = [blink for blink in self._blinks if blink.lids.start <= time <= blink.lids.end]
        attempts = {side: self._attempt(side, time, effort, now) for side in Side}
        out = drive_of(
            self._movement,
            self._palsy,
            attempts,
            intensity=self._intensity * command * effort,
            parted=command,
        )
        blink = max((b.effort * b.lids.at(time) for b in now), default=0.0)
        for side in Side:
            # an eye rolls up as far as its lid will be short of closing, not as it is on the way
            apex, short = self._apex.of(side).bell, ROLL * self._blink_apex.of(side).bell
            out.of(side).bell = max(command * apex, blink * short)
        return Moment(time, out, self._sway.at(time))

    def _arrived(self, time: float, function: float = 1.0, synkinetic: bool = False) -> float:
        """Share of the movement's effort that has arrived at a time, 0 … 1."""
        return max(c.at(time, function, synkinetic=synkinetic) for c in self._contractions)

    def _attempt(self, side: Side, time: float, effort: float, now: list[Blink]) -> Attempt:
        """What one side attempts at a time, with the blinks of that time."""
        full, state = self._full[side], self._palsy.of(side)
        efforts, misdirected = {}, {}
        for muscle, most in full.efforts.items():
            function = state.strength(muscle)
            # shut lids are pressed together, and do not tremble open
            steady = 1.0 if muscle is _LIDS else effort
            efforts[muscle] = steady * most * self._arrived(time, function)
            misdirected[muscle] = steady * most * self._arrived(time, function, True)
        lids = full.lids * self._arrived(time)
        function = state.strength(_LIDS)
        for blink in now:
            closing = blink.effort * blink.lids.at(time, function)
            dragging = blink.effort * blink.lids.at(time, function, synkinetic=True)
            efforts[_LIDS] = max(efforts.get(_LIDS, 0.0), closing)
            misdirected[_LIDS] = max(misdirected.get(_LIDS, 0.0), dragging)
            lids = max(lids, blink.effort * blink.lids.at(time))
        return Attempt(efforts, misdirected, lids)
