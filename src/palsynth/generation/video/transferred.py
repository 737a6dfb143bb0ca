"""A patient's movement on somebody else: the choice of the subject, the clip and its verdict."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from palsynth.clinical import Movement
from palsynth.encoders.published.dlib import SAME_PERSON, DlibRecogniser
from palsynth.errors import InputError
from palsynth.face.detect import detect_faces
from palsynth.face.face import Face
from palsynth.face.images import check_replaceable
from palsynth.generation.anonymize import MAX_REJECTED, Candidates
from palsynth.generation.anonymized_files import CARE, named
from palsynth.generation.verdict import FAULTS, Gate, PrivacyCheck, Verdict
from palsynth.generation.video.clip import MadeClip, check_places, make_clip
from palsynth.generation.video.formats import Codec
from palsynth.generation.video.frames import clip_requests, face_at_rest, make_frames
from palsynth.generation.video.patient_clip import PatientClip, patient_moments
from palsynth.generation.video.script import ClipSettings, Panel, Take
from palsynth.generation.video.truth import truth_path
from palsynth.guards import guard
from palsynth.methods.base import ExpressionImage, Identity, Method
from palsynth.progress import Progress
from palsynth.simulator.motion import Moment

CHECKED = 5.0
"""Frames a second in which the patient is looked for."""


@dataclass(frozen=True)
class ClipVerdict:
    """Whether a patient is recognised in a clip, and the movement is the patient's.

    Attributes:
        distances: dlib's smallest distance to a known face of the patient, of the frames that were
            looked at; None where there is no single face.
        floor: the same of the subject at rest, who does not show the patient's movement.
        apex: the verdict on the frame with the largest movement.
    """

    distances: tuple[float | None, ...]
    floor: float | None
    apex: Verdict

    @property
    def recognised(self) -> int:
        """Number of frames in which the patient is recognised."""
        return sum(d is not None and d < SAME_PERSON for d in self.distances)

    @property
    def faults(self) -> tuple[str, ...]:
        """The faults, members of :data:`palsynth.generation.verdict.FAULTS`."""
        found = set(self.apex.faults)
        if any(distance is None for distance in self.distances):
            found.add("no-face")
        if self.recognised:
            found.add("patient-recognised")
        return tuple(name for name in FAULTS if name in found)

    @property
    def lines(self) -> tuple[str, ...]:
        """The verdict in words, one line per finding."""
        known = [d for d in self.distances if d is not None]
        out = []
        if known:
            floor = "no single face" if self.floor is None else f"{self.floor:.3f}"
            what = "THE PATIENT IS RECOGNISED" if self.recognised else "the patient is recognised"
            out.append(
                f"privacy: {what} in {self.recognised} of {len(self.distances)} frames looked at "
                f"(dlib distance {min(known):.3f} to {max(known):.3f}; below {SAME_PERSON}: same "
                f"person; the subject at rest: {floor})"
            )
        if len(known) < len(self.distances):
            out.append(f"no single face in {len(self.distances) - len(known)} of them")
        own = [line for line in self.apex.lines if "RECOGNISED" not in line]
        if self.apex.expression_preserved:
            own.append("expression: at the apex side and movement are the patient's")
        return (*out, *own)


@dataclass(frozen=True)
class TransferredClip:
    """A patient's clip on somebody else: as it was ``made`` on the ``subject``, its ``verdict``,
    how many candidates the gate rejected before, and whether it matches the subject to the patient
    too, for want of another one."""

    made: MadeClip
    subject: Identity
    verdict: ClipVerdict
    num_rejected: int
    resembles: bool

    @property
    def lines(self) -> tuple[str, ...]:
        """The report, one line per finding."""
        gate = []
        if self.num_rejected:
            gate.append(f"gate: {self.num_rejected} candidates matched to the patient, rejected")
        if self.resembles:
            gate.append("gate: our recogniser matches the subject to the patient; choose another")
        return (*gate, *self.verdict.lines, CARE)


def transfer_clip(
    path: Path,
    patient: PatientClip,
    candidates: Candidates,
    method: Method,
    settings: ClipSettings,
    *,
    movement: Movement | None = None,
    codec: Codec | None = None,
    workers: int = 1,
    measured: bool = False,
    progress: Progress | None = None,
) -> TransferredClip:
    """Shows a patient's movement on the first candidate that does not resemble the patient.

    Candidates are tried with two pictures, the first moment and the apex. Until its verdict is
    known the clip lies under a name that ends in ``-unchecked``, then under one that says its
    faults, as pictures of ``palsynth anonymize`` do.

    Args:
        path: the clip.
        patient: the patient's clip.
        candidates: at least one identity with its seed.
        method: a method that takes coefficients or images.
        settings: how the clip is made.
        movement: what the patient performs, if that is known.
        codec: how frames are coded; default: VP9.
        workers: number of processes.
        measured: whether the frames are read back into the table.
        progress: called with the number of finished frames and their total.

    Returns:
        The clip with its verdict.

    Raises:
        InputError: too many candidates are matched to the patient, the method does not take what is
            requested, or a file cannot be written.
    """
    moments = patient_moments(patient, settings)
    start = patient.captured.frames[0].time
    apex_time = patient.captured.frames[patient.apex].time - start
    apex = min(round(apex_time * settings.fps), len(moments) - 1)
    subject, rejected, resembles = _choose(
        patient, candidates, method, [moments[0], moments[apex]], settings
    )
    rest = face_at_rest(method, subject, settings)
    watcher = _Watcher(patient.references, settings.fps, len(moments), apex)
    shown = ExpressionImage(patient.apex_face, patient.captured.rest)
    take = Take(movement, (Panel("", shown, moments),))
    check_places(path)
    unchecked = named(path, ("unchecked",))
    made = make_clip(
        unchecked,
        subject,
        [take],
        method,
        settings,
        codec=codec,
        workers=workers,
        measured=measured,
        watch=watcher.watch,
        progress=progress,
    )
    check = PrivacyCheck(patient.captured.rest)
    verdict = ClipVerdict(
        tuple(watcher.distances),
        None if rest is None else watcher.distance(rest),
        check.verdict(shown, watcher.apex_image, rest, movement),
    )
    final = named(path, verdict.faults)
    _rename(unchecked, final)
    made = MadeClip(final, truth_path(final), made.frames, made.record)
    return TransferredClip(made, subject, verdict, rejected, resembles)


def _choose(
    patient: PatientClip,
    candidates: Candidates,
    method: Method,
    tried: Sequence[Moment],
    settings: ClipSettings,
) -> tuple[Identity, int, bool]:
    """The subject, how many were rejected before, and whether the gate rejects this one too."""
    gate = Gate(patient.references)
    rejected = 0
    _, subject = next(candidates)
    while True:
        pictures = make_frames(method, clip_requests(subject, tried, settings))
        if not any(gate.takes(picture) for picture in pictures):
            return subject, rejected, False
        following = next(candidates, None)
        if following is None:
            return subject, rejected, True
        rejected += 1
        if rejected > MAX_REJECTED:
            raise InputError(
                f"{rejected} candidates in a row are matched to the patient; change the description"
            )
        _, subject = following


class _Watcher:
    """Looks for the patient in some frames as they are made, and keeps the apex."""

    def __init__(self, references: Sequence[Face], fps: float, frames: int, apex: int) -> None:
        self._recogniser = DlibRecogniser()
        self._known = [self._describe(face) for face in references]
        step = max(1, round(fps / CHECKED))
        self._numbers = {*range(0, frames, step), apex}
        self._apex = apex
        self.distances: list[float | None] = []

    def _describe(self, face: Face) -> np.ndarray:
        return self._recogniser.describe(self._recogniser.crop(face).image)

    def distance(self, face: Face) -> float:
        """The smallest distance of a face to a known one of the patient."""
        features = self._describe(face)
        return min(float(np.linalg.norm(features - known)) for known in self._known)

    def watch(self, number: int, picture: np.ndarray) -> None:
        """Looks at a frame."""
        if number == self._apex:
            self.apex_image = picture
        if number in self._numbers:
            faces = detect_faces(picture)
            self.distances.append(self.distance(faces[0]) if len(faces) == 1 else None)


def _rename(clip: Path, final: Path) -> None:
    """Gives a clip and its table their final names."""
    current = guard()
    if current is not None and not current.force:
        check_replaceable(final)
    check_places(final)
    for before, after in ((truth_path(clip), truth_path(final)), (clip, final)):
        try:
            os.replace(before, after)
        except OSError as error:
            raise InputError(
                f"{after}: cannot be written ({error.strerror}); the clip is {clip}"
            ) from None
