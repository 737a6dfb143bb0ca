"""``palsynth video``."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from palsynth.clinical import YANAGIHARA, Movement
from palsynth.commands.naming import DefaultMethodName
from palsynth.commands.options import DiffusionOptions, Force, MovementName, PalsyOptions
from palsynth.errors import InputError
from palsynth.limits import parse_seed
from palsynth.terminal import say

if TYPE_CHECKING:
    from palsynth.generation.video.script import ClipSettings
    from palsynth.methods.base import Identity, Method
    from palsynth.simulator.motion import MotionSettings


@dataclass(frozen=True)
class MotionOptions:
    """How a movement is performed over time."""

    onset: float | None = None
    """Seconds from rest to the apex on a healthy side; default: the movement's own."""
    hold: float | None = None
    """Seconds at the apex; default: the movement's own."""
    offset: float | None = None
    """Seconds from the apex back to rest; default: the movement's own."""
    pause: float = 0.5
    """Seconds at rest before and after the movement, and between repetitions."""
    repeats: int = 1
    """How often the movement is performed, 1 to 100."""
    blinks: float = 15.0
    """Spontaneous blinks a minute, 0 to 60."""
    sway: float = 1.0
    """Standard deviation of the head's yaw in degrees, 0 to 10; photos do not turn."""

    def build(self) -> MotionSettings:
        """Builds the settings. Raises InputError if one is out of range."""
        from palsynth.simulator.motion import MotionSettings

        return MotionSettings(
            start=self.pause,
            rest=self.pause,
            onset=self.onset,
            hold=self.hold,
            offset=self.offset,
            repeats=self.repeats,
            blinks=self.blinks,
            sway=self.sway,
        )


@dataclass(frozen=True)
class VideoOptions:
    """Show a movement as moving pictures, or a patient's clip on somebody else.

    Beside the clip a table (CSV) says what every frame shows. With --patient, exit code 1 means
    that the patient is recognised in a frame, or that side or movement differ from the patient's;
    the name of the clip then says so.
    """

    photo: tyro.conf.Positional[Path | None] = None
    """A frontal photo at rest; or give --subject, or --patient and --as."""
    subject: int | None = None
    """Seed of a synthetic subject, 0 or more, instead of a photo."""
    out: Path = Path("movement.webm")
    """The clip: .webm, .mp4 or .gif; without an ending, a new folder of PNG frames."""
    movement: MovementName | None = None
    """The requested movement; default: grin. With --patient, the one that the patient performs,
    if it is known."""
    palsy_options: Annotated[PalsyOptions, tyro.conf.arg(name="")] = field(
        default_factory=PalsyOptions
    )
    intensity: float = 1.0
    """Effort of the movement, 0 (none) to 1.2; 1 is full effort."""
    sheet: bool = False
    """Show the ten Yanagihara movements one after another, with captions."""
    beside: bool = False
    """Show the same performance without the palsy beside it."""
    motion: Annotated[MotionOptions, tyro.conf.arg(name="")] = field(default_factory=MotionOptions)
    patient: Path | None = None
    """A clip of a patient, whose movement is shown on --as instead of a movement in words."""
    as_: Annotated[str | None, tyro.conf.arg(name="as")] = None
    """With --patient, who shows it: a description such as 'woman of about 30',
    subject:7, or a photo at rest of a consenting person."""
    rest: Path | None = None
    """With --patient, a photo of the patient at rest; default: found in the clip."""
    method: DefaultMethodName = None
    """Name of the method; default: subjects for --subject, simulator for a photo;
    with --patient captured, or controlnet-pf-captured with --base, --controlnet or --weights."""
    weights: Path | None = None
    """Folder of the method's weights; default: those that ship."""
    diffusion: Annotated[DiffusionOptions, tyro.conf.arg(name="")] = field(
        default_factory=DiffusionOptions
    )
    keyframes: int = 8
    """Of a network such as cfcpalsy, every n-th frame and the apex are made by it, and the
    simulator moves those between; 1 makes every frame by the network."""
    measure: bool = False
    """Read every frame back into the table."""
    mirrored: bool = False
    """The photo is a mirrored selfie: flip it first."""
    size: int = 512
    """Width and height of each picture in pixels, 64 to 1024."""
    fps: float | None = None
    """Frames a second; default: 25, or as many as the patient's clip has."""
    seconds: float | None = None
    """Duration of each movement; default: until it is over."""
    codec: Literal["vp9", "av1", "h264"] | None = None
    """How the frames of .webm and .mp4 are coded; default: vp9."""
    seed: int = 0
    """Random seed, 0 or more: timing, blinks, sway, and what is random in a method."""
    workers: int = 1
    """Number of processes."""
    force: Force = False


def video(options: VideoOptions) -> None:
    """Show a movement as moving pictures, or a patient's clip on somebody else."""
    from palsynth.generation.video.formats import clip_format, exact_rate

    _check(options)
    form = clip_format(options.out, options.codec)
    if options.fps is not None:
        exact_rate(options.fps, form.kind)
    if options.patient is None:
        _from_words(options)
    else:
        _from_patient(options)


def _check(options: VideoOptions) -> None:
    """Raises InputError where options are out of range or do not go together."""
    if not 64 <= options.size <= 1024:
        raise InputError(f"--size {options.size}: must lie between 64 and 1024")
    if options.seed < 0:
        raise InputError(f"--seed {options.seed}: must not be negative")
    if options.keyframes < 1:
        raise InputError(f"--keyframes {options.keyframes}: must be at least 1")
    if options.workers < 1:
        raise InputError(f"--workers {options.workers}: must be at least 1")
    given = (options.photo is not None) + (options.subject is not None)
    if options.patient is None:
        if given != 1:
            raise InputError("give either a photo or --subject SEED; or --patient CLIP and --as")
        if options.as_ is not None or options.rest is not None:
            raise InputError("--as and --rest go with --patient")
        if options.mirrored and options.photo is None:
            raise InputError("--mirrored goes with a photo")
    elif options.as_ is None or given:
        raise InputError("--patient: name who shows the movement by --as alone")
    else:
        _check_patient(options)


def _check_patient(options: VideoOptions) -> None:
    """Raises InputError for options that a patient's clip determines."""
    if options.palsy_options != PalsyOptions() or options.intensity != 1:
        raise InputError(
            "--patient determines the palsy; leave out --side, --grade, --yanagihara, --kind, "
            "--palsy and --intensity"
        )
    usual = MotionOptions(sway=options.motion.sway)
    if options.sheet or options.beside or options.seconds is not None or options.motion != usual:
        raise InputError(
            "--patient determines what happens and when; of the options of motion it takes --sway, "
            "and neither --sheet, --beside nor --seconds"
        )
    if options.mirrored:
        raise InputError("--mirrored goes with a photo")


def _settings(options: VideoOptions, fps: float) -> ClipSettings:
    from palsynth.generation.video.script import ClipSettings

    return ClipSettings(
        options.size,
        fps,
        options.seconds,
        options.seed,
        options.intensity,
        options.motion.build(),
        keyframes=options.keyframes,
    )


def _from_words(options: VideoOptions) -> None:
    from palsynth.generation.video.clip import make_clip
    from palsynth.generation.video.script import write_script
    from palsynth.progress import progress_bar

    palsy = options.palsy_options.build()
    settings = _settings(options, options.fps or 25.0)
    identity, shown = _identity(options)
    movement = options.movement or Movement.GRIN
    movements = YANAGIHARA if options.sheet else [movement]
    caption = options.palsy_options.title()
    takes = write_script(
        identity, movements, palsy, settings, caption=caption, beside=options.beside
    )
    method = _method(options)
    with progress_bar("rendering", rate=True) as progress:
        made = make_clip(
            options.out,
            identity,
            takes,
            method,
            settings,
            title=shown if options.sheet or options.beside else None,
            codec=options.codec,
            workers=options.workers,
            measured=options.measure,
            progress=progress,
        )
    name = "ten movements" if options.sheet else movement.label
    say(f"{made.path}: {name}, {made.frames} frames at {settings.fps:g} a second; {made.table}")


def _identity(options: VideoOptions) -> tuple[Identity, str]:
    """Who performs, and what a title calls them."""
    from palsynth.capture.at_rest import note_unless_at_rest
    from palsynth.face.detect import read_face
    from palsynth.subjects import sample

    if options.photo is None:
        return sample(parse_seed(str(options.subject))), f"Synthetic subject {options.subject}"
    face = read_face(options.photo)
    note_unless_at_rest(face, str(options.photo))
    return face.mirrored() if options.mirrored else face, "Simulated from a photo"


def _method(options: VideoOptions) -> Method:
    """The method of a movement in words."""
    usual = "simulator" if options.subject is None else "subjects"
    if options.diffusion == DiffusionOptions():
        from palsynth.methods.registry import get_method

        return get_method(options.method or usual, options.weights)
    return options.diffusion.method(options.method, options.weights)


def _from_patient(options: VideoOptions) -> None:
    from palsynth.commands.anonymize import named_candidates
    from palsynth.generation.video.patient_clip import read_patient_clip
    from palsynth.generation.video.transferred import transfer_clip
    from palsynth.progress import progress_bar

    assert options.patient is not None
    assert options.as_ is not None
    candidates = named_candidates(options.as_, options.seed)
    method = options.diffusion.method(options.method, options.weights)
    patient = read_patient_clip(options.patient, options.rest, options.fps)
    settings = _settings(options, options.fps or patient.fps)
    with progress_bar("rendering", rate=True) as progress:
        result = transfer_clip(
            options.out,
            patient,
            candidates,
            method,
            settings,
            movement=options.movement,
            codec=options.codec,
            workers=options.workers,
            measured=options.measure,
            progress=progress,
        )
    made = result.made
    say(f"{made.path}: {made.frames} frames at {settings.fps:.4g} a second; {made.table}")
    say("\n".join(result.lines))
    if result.verdict.faults:
        sys.exit(1)
