"""Capture over time: coefficients of the consecutive frames of one person, smoothed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from palsynth.capture.capture import KnownRest, capture, know_rest
from palsynth.capture.coefficients import ExpressionCoefficients
from palsynth.capture.rest_in_clip import find_rest
from palsynth.capture.retarget import drive_of
from palsynth.capture.series import coefficients_of, cutoff, noise, row
from palsynth.capture.smoothing import State, advance, smooth, start
from palsynth.errors import InputError
from palsynth.face.face import Face
from palsynth.notes import note
from palsynth.simulator.drive import Drive

BRIDGED = 0.4
"""Seconds without a face that are bridged: a hand that passes, no movement that is requested."""


@dataclass(frozen=True)
class CapturedFrame:
    """One frame of a clip."""

    time: float
    """Time in seconds."""

    face: Face | None
    """The face; None where there is none, or where it is unclear which is meant."""

    captured: ExpressionCoefficients | None
    """The coefficients as captured from this frame alone; None without a face."""

    smoothed: ExpressionCoefficients | None
    """The coefficients smoothed over time, and bridged where a face is missing for a moment."""

    drive: Drive | None
    """What drives another face: the activation of the smoothed coefficients."""

    @property
    def bridged(self) -> bool:
        """Whether the frame has no face and its coefficients come from those around it."""
        return self.captured is None and self.smoothed is not None


@dataclass(frozen=True)
class CapturedClip:
    """The frames of a clip."""

    frames: tuple[CapturedFrame, ...]
    """All frames, in order."""

    rest: Face
    """The person at rest, as given or as found in the clip."""

    rest_frame: int | None
    """Index of the frame at whose place the rest was found; None where it was given."""

    rest_fault: str
    """Why the rest that was found is doubtful; empty where it is not."""


def capture_over_time(
    faces: Sequence[Face | None],
    times: Sequence[float],
    rest: Face | None = None,
    where: str = "clip",
) -> CapturedClip:
    """Captures the expressions of one person in consecutive frames.

    A note on standard error says where no rest is given and the clip shows none.

    Args:
        faces: the person's face in each frame; None for frames without one
            (:class:`palsynth.face.tracking.FaceTracker` follows a person).
        times: times of the frames in seconds, increasing.
        rest: the same person at rest; default: the most restful stretch of the clip.
        where: name of the clip, for messages.

    Returns:
        The frames, with the rest that they were compared with.

    Raises:
        InputError: no frame shows a face, or the times are not one each frame and increasing.
    """
    if len(faces) != len(times):
        raise InputError(f"{where}: {len(faces)} frames and {len(times)} times; give one a frame")
    if not (np.isfinite(times).all() and (np.diff(times) > 0).all()):
        raise InputError(f"{where}: times must be finite seconds that increase from frame to frame")
    if all(face is None for face in faces):
        raise InputError(f"{where}: no frame shows a face")
    frame, fault = None, ""
    if rest is None:
        found = find_rest(faces, times)
        rest, frame, fault = found.face, found.frame, found.fault
        if fault:
            note(
                f"{where}: {fault}, even in the calmest frames (at {times[frame]:.2f} s), from "
                "which movements are measured; give a picture at rest"
            )
    known = know_rest(rest)
    captured = [None if face is None else capture(face, known) for face in faces]
    smoothed: list[ExpressionCoefficients | None] = [None] * len(captured)
    for part in _parts(captured, times):
        smoothed[part] = _smoothed(captured[part], times[part])
    return CapturedClip(
        tuple(
            CapturedFrame(float(time), face, own, level, None if level is None else drive_of(level))
            for time, face, own, level in zip(times, faces, captured, smoothed, strict=True)
        ),
        rest,
        frame,
        fault,
    )


def _parts(
    captured: Sequence[ExpressionCoefficients | None], times: Sequence[float]
) -> Iterator[slice]:
    """The parts of a clip, from a frame with a face to another, without a gap to be left open."""
    seen = [k for k, found in enumerate(captured) if found is not None]
    first = seen[0]
    for last, following in zip(seen, [*seen[1:], None], strict=True):
        if following is None:
            yield slice(first, last + 1)
        elif following > last + 1 and times[following] - times[last] > BRIDGED:
            yield slice(first, last + 1)
            first = following


def _smoothed(
    captured: Sequence[ExpressionCoefficients | None], times: Sequence[float]
) -> list[ExpressionCoefficients | None]:
    """Coefficients of a part, whose first frame has a face."""
    measured = [found for found in captured if found is not None]
    size = len(row(measured[0]))
    rows = [np.full(size, np.nan) if found is None else row(found) for found in captured]
    variances = np.mean([noise(found) for found in measured], 0)
    levels = smooth(times, np.stack(rows), variances, cutoff(size))
    out: list[ExpressionCoefficients | None] = []
    like = measured[0]
    for found, level in zip(captured, levels, strict=True):
        like = like if found is None else found
        out.append(coefficients_of(level, like))
    return out


class LiveCapture:
    """Captures one person frame by frame as the frames come, as from a webcam.

    It knows no later frames, so it smooths less than :func:`capture_over_time` and follows fast
    movements at once, slow ones with a short lag.

    Args:
        rest: the person at rest; None where no picture of it is known.
    """

    def __init__(self, rest: Face | None = None) -> None:
        self._rest: KnownRest | None = None if rest is None else know_rest(rest)
        self._state: State | None = None
        self._time = -np.inf
        self._last: ExpressionCoefficients | None = None

    def update(self, face: Face | None, time: float) -> Drive | None:
        """Captures the next frame.

        Args:
            face: the face; None where there is none.
            time: time of the frame in seconds, later than that of the last face.

        Returns:
            What drives another face; without a face the last one for ``BRIDGED`` seconds, then
            None.

        Raises:
            InputError: the time is not later than the last one.
        """
        if not (np.isfinite(time) and time > self._time):
            raise InputError(f"time {time:g} s: must be later than {self._time:g} s")
        if self._state is not None and time - self._time > BRIDGED:
            self._state = self._last = None
        if face is None:
            return None if self._last is None else drive_of(self._last)
        found = capture(face, self._rest)
        values, variances = row(found), noise(found)
        if self._state is None:
            self._state = start(values, variances)
        else:
            rates = cutoff(len(values))
            _, self._state = advance(self._state, time - self._time, values, variances, rates)
        self._time = time
        self._last = coefficients_of(self._state.mean[0], found)
        return drive_of(self._last)
