"""Frames of videos: at chosen times, or where a movement is at its peak."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Literal

import numpy as np
from scipy.ndimage import median_filter
from scipy.signal import find_peaks

from palsynth.clinical import Movement
from palsynth.data.clips import read_clip
from palsynth.errors import InputError
from palsynth.face.framing import PORTRAIT

VIDEOS = frozenset({".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm"})

Frames = Literal["peak"] | tuple[float, ...]
"""Which frames of a video: those at the peaks of movements, or those at some times in seconds."""

Imported = Frames | Literal["clips"]
"""What becomes of a video: pictures of some of its frames, or a clip of all."""

RATE = 8.0
"""Frames a second in which the expression is captured."""

SIZE = 128
"""Side in pixels of the crops that are held in memory; landmarks are found in whole frames."""

SMOOTHED = 5
"""Captured frames of a running median, 0.6 s: longer than a blink."""

APART = 1.0
"""Seconds between two peaks, at least."""

PROMINENCE = 0.35
"""How far a peak rises above the expression around it, at least, as a share of the largest."""


def read_frames(path: Path, frames: Frames, movement: str | None) -> dict[float, np.ndarray]:
    """Reads frames of a video.

    Args:
        path: the video, in a format that :func:`palsynth.data.clips.read_clip` reads.
        frames: which frames.
        movement: what the video shows, if that is known; then its one peak is read, or for ``rest``
            the frame nearest to rest. Otherwise every peak is.

    Returns:
        Time in seconds -> frame (H, W, 3) uint8 RGB.

    Raises:
        InputError: the file is no video, is shorter than a time, or shows no face to capture.
    """
    if frames != "peak":
        return _at(path, frames)
    times, amount = expression_over_time(path)
    if movement == Movement.REST.value:
        return _at(path, [times[int(np.argmin(amount))]])
    if movement is not None:
        return _at(path, [times[int(np.argmax(amount))]])
    padded = np.pad(amount, 1, constant_values=amount.min())  # a peak may be at either end
    peaks, _ = find_peaks(
        padded,
        distance=max(1, round(APART * RATE)),
        prominence=max(PROMINENCE * float(np.ptp(amount)), 1e-6),
    )
    if not len(peaks):
        raise InputError(f"{path}: no movement in it; give times in seconds")
    return _at(path, [times[peak - 1] for peak in peaks])


def expression_over_time(path: Path) -> tuple[list[float], np.ndarray]:
    """Captures how strong the expression is in a video, against its most restful stretch.

    Args:
        path: the video.

    Returns:
        Times of the N frames with the person's face in seconds, and (N,) float64: the length of
        the vector of all strengths and closures, as a running median that leaves out blinks.

    Raises:
        InputError: the file is no video, or no frame shows a face that can be captured.
    """
    from palsynth.capture.over_time import capture_over_time  # slow to import
    from palsynth.capture.rest_in_clip import find_rest
    from palsynth.face.tracking import FaceTracker

    tracker, frames = FaceTracker(), {}
    for time, image in read_clip(path, RATE):
        face = tracker.update(image)
        frames[time] = None if face is None else face.aligned(PORTRAIT, SIZE)
    if not any(frames.values()):
        fault = tracker.fault or "there is none"
        raise InputError(f"{path}: no frame shows a face to capture; the last: {fault}")
    faces, seconds = list(frames.values()), list(frames)
    rest = find_rest(faces, seconds).face  # doubtful or not: only peaks above it count
    clip = capture_over_time(faces, seconds, rest, str(path))
    times, amount = [], []
    for frame in clip.frames:
        if frame.captured is None:
            continue
        found = frame.captured
        sides = (found.left, found.right)
        values = [v for side in sides for v in (*side.fields.values(), side.closure)]
        times.append(frame.time)
        amount.append(float(np.linalg.norm([*values, *found.middle.values()])))
    return times, np.asarray(median_filter(np.array(amount), SMOOTHED, mode="nearest"))


def _at(path: Path, times: Collection[float]) -> dict[float, np.ndarray]:
    found: dict[float, np.ndarray] = {}
    remaining = sorted(times)
    length = 0.0
    for time, frame in read_clip(path):
        length = time
        while remaining and time >= remaining[0] - 1e-6:
            found[remaining.pop(0)] = frame
        if not remaining:
            return found
    raise InputError(f"{path}: ends at {length:.2f} s, before {remaining[0]:g} s")
