"""A patient's clip: read, captured, and performed by somebody else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from palsynth.capture.at_rest import note_unless_at_rest
from palsynth.capture.over_time import CapturedClip, capture_over_time
from palsynth.capture.seen import check_mouth_seen, read_expression
from palsynth.clinical import Movement, Palsy
from palsynth.data.clips import read_clip
from palsynth.encoders.published.dlib import check_same_person
from palsynth.errors import InputError
from palsynth.face.face import Face
from palsynth.face.framing import PORTRAIT
from palsynth.face.tracking import FaceTracker
from palsynth.generation.video.excursion import amount_of
from palsynth.generation.video.formats import MAX_RATE
from palsynth.generation.video.readback import SIZE
from palsynth.generation.video.script import ClipSettings
from palsynth.notes import note
from palsynth.simulator.motion import Moment, blended, performance
from palsynth.simulator.motion.performance import LONGEST

MAX_SIDE = 1280
"""Larger side in pixels to which frames are reduced: landmarks need no more."""

REFERENCE = 256
"""Side in pixels of the faces by which the patient is known to the recognisers."""

APART = 1.0
"""Seconds between two of them."""

MOST_REFERENCES = 20


@dataclass(frozen=True)
class PatientClip:
    """What a patient's clip shows.

    Attributes:
        captured: the expression in every frame, and the rest that it is measured from.
        references: some of its faces, and the photo at rest where one is given.
        fps: frames a second, on average.
        apex: index of the frame with the largest movement.
    """

    captured: CapturedClip
    references: tuple[Face, ...]
    fps: float
    apex: int

    @property
    def apex_face(self) -> Face:
        """The face with the largest movement."""
        face = self.captured.frames[self.apex].face
        assert face is not None
        return face


def read_patient_clip(
    path: Path,
    rest: Path | None = None,
    fps: float | None = None,
    *,
    longest: float = LONGEST,
    progress: Callable[[float], None] | None = None,
) -> PatientClip:
    """Reads a clip of a patient and captures its expressions.

    Notes on standard error say where the clip shows no rest, and in how many frames no face.

    Args:
        path: the clip, in any format that :func:`palsynth.data.clips.read_clip` reads.
        rest: a photo of the patient at rest; default: found in the clip.
        fps: about how many frames a second are read; default: all.
        longest: seconds after which a clip is too long.
        progress: called before each frame with its time, seconds.

    Returns:
        The captured clip.

    Raises:
        InputError: a file cannot be read, no frame shows a face, it is unclear which one is
            meant, the mouth is covered, the photo shows somebody else, or the clip is too long.
    """
    tracker = FaceTracker()
    faces: list[Face | None] = []
    times: list[float] = []
    references: list[Face] = []
    due, fault = 0.0, ""
    for time, image in read_clip(path, fps, max_side=MAX_SIDE):
        if time > longest:
            raise InputError(f"{path}: is longer than {longest:.0f} seconds; cut it into parts")
        if progress is not None:
            progress(time)
        face = tracker.update(image)
        fault = fault if face is not None else tracker.fault
        times.append(time)
        faces.append(None if face is None else face.aligned(PORTRAIT, SIZE))
        if face is not None and time >= due and len(references) < MOST_REFERENCES:
            references.append(face.aligned(PORTRAIT, REFERENCE))
            due = time + APART
    if not references:
        raise InputError(f"{path}: no frame shows a face to capture; the last: {fault}")
    check_mouth_seen(references[0], str(path))
    face_at_rest = None
    if rest is not None:
        face_at_rest = read_expression(rest)
        check_same_person(references[0], face_at_rest, str(path), str(rest))
        note_unless_at_rest(face_at_rest, str(rest))
        references.append(face_at_rest)
    captured = capture_over_time(faces, times, face_at_rest, str(path))
    missing = sum(face is None for face in faces)
    if missing:
        note(
            f"{path}: {missing} of {len(faces)} frames are without a face ({fault}); the movement "
            "goes on evenly between those around them"
        )
    length = times[-1] - times[0]
    rate = (len(times) - 1) / length if length > 0 else 1.0
    return PatientClip(captured, tuple(references), min(rate, MAX_RATE), _apex(captured))


def _apex(clip: CapturedClip) -> int:
    """The frame in which the sides move furthest, in eyes a tenth as much as elsewhere."""
    amounts = []
    for frame in clip.frames:
        amount = -1.0
        if frame.face is not None and frame.drive is not None:
            amount = amount_of(frame.drive)
        amounts.append(amount)
    return int(np.argmax(amounts))


def patient_moments(patient: PatientClip, settings: ClipSettings) -> tuple[Moment, ...]:
    """The patient's movement at a constant frame rate, with a sway of the head of its own.

    Between two frames, and where none shows a face, it goes on evenly; before the first face and
    after the last it stands still.

    Args:
        patient: the captured clip.
        settings: how the clip is made; the seed gives the sway.

    Returns:
        One moment per frame, from the clip's first to its last.
    """
    seen = [(f.time, f.drive) for f in patient.captured.frames if f.drive is not None]
    known = np.array([time for time, _ in seen])
    first, last = (patient.captured.frames[k].time for k in (0, -1))
    number = int((last - first) * settings.fps + 1e-6) + 1
    still = performance(
        Movement.REST,
        Palsy.none(),
        seconds=number / settings.fps,
        fps=settings.fps,
        seed=settings.seed,
        settings=settings.motion,
    )
    moments = []
    for k in range(number):
        time = first + k / settings.fps
        after = min(int(np.searchsorted(known, time)), len(known) - 1)
        before = max(after - 1, 0)
        gap = known[after] - known[before]
        share = (time - known[before]) / gap if gap > 0 else 0.0
        drive = blended(seen[before][1], seen[after][1], share)
        moments.append(Moment(k / settings.fps, drive, still[k].sway))
    return tuple(moments)
