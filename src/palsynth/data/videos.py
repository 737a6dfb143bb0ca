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

VIDEOS = frozenset({".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm"})

Frames = Literal["peak"] | tuple[float, ...]
"""Which frames of a video: those at the peaks of movements, or those at some times in seconds."""

RATE = 8.0
"""Frames a second in which the expression is captured."""

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
    """Captures how strong the expression is in a video, against its first face.

    Args:
        path: the video.

    Returns:
        Times of the N captured frames in seconds, and (N,) float64: the length of the vector of
        all strengths and closures, as a running median that leaves out blinks.

    Raises:
        InputError: the file is no video, or no frame shows a face.
    """
    from palsynth.capture import capture  # slow to import
    from palsynth.face.detect import detect_faces

    times, amount, rest = [], [], None
    for time, frame in read_clip(path, RATE):
        faces = detect_faces(frame)
        if not faces:
            continue
        rest = rest or faces[0]
        found = capture(faces[0], rest)
        sides = (found.left, found.right)
        values = [v for side in sides for v in (*side.fields.values(), side.closure)]
        times.append(time)
        amount.append(float(np.linalg.norm([*values, *found.middle.values()])))
    if not times:
        raise InputError(f"{path}: no frame shows a face")
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
