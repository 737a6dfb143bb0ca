"""What happens in a clip: movements one after another, in panels that run side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from palsynth.clinical import Movement, Palsy
from palsynth.errors import InputError
from palsynth.methods.base import ExpressionImage, Identity, TargetExpression
from palsynth.seeds import Stream, make_rng
from palsynth.simulator.drive import BELL
from palsynth.simulator.motion import Moment, MotionSettings, performance
from palsynth.simulator.motion.performance import LONGEST
from palsynth.subjects import Subject


@dataclass(frozen=True)
class ClipSettings:
    """How a clip is made.

    Attributes:
        size: pixels a side of each picture.
        fps: frames a second.
        seconds: duration of each movement; default: until it is over.
        seed: varies timing, blinks and sway; also the seed of every frame's request, so that what
            is random in a method is the same in all of them.
        intensity: effort of the patient, 0 … 1.2.
        motion: durations, repetitions, blinks and sway.
        words: description of the identity, for methods that take a text prompt.
        keyframes: of a network, every n-th frame is its own, and the simulator moves those between
            (:mod:`palsynth.generation.video.keyframes`); 1 makes all by the network.
    """

    size: int = 512
    fps: float = 25.0
    seconds: float | None = None
    seed: int = 0
    intensity: float = 1.0
    motion: MotionSettings = field(default_factory=MotionSettings)
    words: str = ""
    keyframes: int = 8


@dataclass(frozen=True)
class Panel:
    """One of the pictures that run side by side.

    Attributes:
        caption: a line of text below it.
        shown: what is performed: a movement and palsy, or a picture of a patient.
        moments: one per frame.
    """

    caption: str
    shown: TargetExpression | ExpressionImage
    moments: tuple[Moment, ...]


@dataclass(frozen=True)
class Take:
    """One movement from rest to rest.

    Attributes:
        movement: the movement; None if unknown.
        panels: its panels, all of one length; the palsy is in the last one.
    """

    movement: Movement | None
    panels: tuple[Panel, ...]

    @property
    def frames(self) -> int:
        """Number of frames."""
        return len(self.panels[-1].moments)


def write_script(
    identity: Identity,
    movements: Sequence[Movement],
    palsy: Palsy,
    settings: ClipSettings,
    *,
    caption: str = "",
    beside: bool = False,
) -> list[Take]:
    """Plans a clip.

    Times go on from movement to movement, and so does the sway of the head.

    Args:
        identity: who performs; a synthetic subject has a Bell's phenomenon of its own.
        movements: the movements, one after another.
        palsy: the palsy.
        settings: how the clip is made; several movements differ in timing and blinks.
        caption: what stands below the palsied face.
        beside: whether the same performance without the palsy runs beside it.

    Returns:
        One take per movement.

    Raises:
        InputError: a setting is out of range, or the clip becomes too long.
    """
    palsies = [(caption, palsy)]
    if beside:
        palsies.insert(0, ("healthy", Palsy.none()))
    wink = palsy.weak_side  # the healthy face winks with the eye of the same side
    takes, start = [], 0
    for number, movement in enumerate(movements):
        seed = settings.seed
        if number:
            seed = int(make_rng(seed, number, Stream.CLIP_MOVEMENT).integers(2**63))
        panels = []
        for text, nerve in palsies:
            moments = performance(
                movement,
                nerve,
                seconds=settings.seconds,
                fps=settings.fps,
                seed=seed,
                intensity=settings.intensity,
                settings=settings.motion,
                bell=identity.bell if isinstance(identity, Subject) else BELL,
                wink=wink,
            )
            later = [replace(m, time=(start + k) / settings.fps) for k, m in enumerate(moments)]
            target = TargetExpression(movement, nerve, settings.intensity, wink)
            panels.append(Panel(text, target, tuple(later)))
        takes.append(Take(movement, tuple(panels)))
        start += takes[-1].frames
    if start / settings.fps > LONGEST:
        raise InputError(
            f"the clip would last {start / settings.fps:.0f} seconds, more than {LONGEST:.0f}; "
            "give fewer repeats or seconds"
        )
    return _swaying(takes, settings)


def _swaying(takes: list[Take], settings: ClipSettings) -> list[Take]:
    """The takes with one sway of the head that goes on from each to the next."""
    if len(takes) == 1:
        return takes
    total = sum(take.frames for take in takes)
    still = performance(
        Movement.REST,
        Palsy.none(),
        seconds=total / settings.fps,
        fps=settings.fps,
        seed=settings.seed,
        settings=settings.motion,
    )
    sways = iter(moment.sway for moment in still)
    out = []
    for take in takes:
        own = [next(sways) for _ in range(take.frames)]
        panels = [
            replace(
                panel,
                moments=tuple(
                    replace(moment, sway=sway)
                    for moment, sway in zip(panel.moments, own, strict=True)
                ),
            )
            for panel in take.panels
        ]
        out.append(replace(take, panels=tuple(panels)))
    return out
