"""Reads clips, of clinics too: upright frames with their own times, one at a time.

OpenCV decodes them, since it is always installed; what it does not say is read from the container
(:mod:`palsynth.face.clips`). Nothing is written to the disk.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from palsynth.errors import InputError
from palsynth.face.clips import ClipFile, inspect_clip
from palsynth.face.images import MAX_PIXELS, MIN_SIDE
from palsynth.guards import guard
from palsynth.notes import note

os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # quiet; read when FFmpeg is first used

MAX_FRAMES = 250_000
"""Most frames that are read of a clip: an hour and more at 60 a second."""

USUAL_RATE = 25.0
"""Frames a second of a clip that does not say it."""

_HDR = {16: "PQ", 18: "HLG"}
"""Curves of light beyond that of a screen, by the numbers of ITU-T H.273."""

_CODECS = {
    "av01": "AV1",
    "V_AV1": "AV1",
    "hvc1": "HEVC",
    "hev1": "HEVC",
    "dvh1": "Dolby Vision",
    "dvhe": "Dolby Vision",
    "vvc1": "VVC",
    "avc1": "H.264",
}


def read_clip(
    path: Path, rate: float | None = None, *, max_side: int | None = None
) -> Generator[tuple[float, np.ndarray]]:
    """Reads the frames of a clip, one at a time.

    Frames are upright, as the clip says, and have square pixels. Of a clip that was cut short, what
    can be read is, and a note says so. Within a command the file is protected from being
    overwritten.

    Args:
        path: the clip: MP4, QuickTime, Matroska, WebM, AVI, GIF, WMV or MPEG.
        rate: about how many frames a second are read; default: all.
        max_side: larger frames are reduced so that their larger side has so many pixels; default:
            as they are.

    Yields:
        Time in seconds after the first frame, by the clip's own clock, which rises from frame to
        frame, and (H, W, 3) uint8 RGB.

    Raises:
        InputError: the file is no clip, has no frame or only sound, has a codec, HDR or size that
            is not read, or more than ``MAX_FRAMES`` frames. The line says which, and what to do.
    """
    about = inspect_clip(path)
    if (fault := _fault(about, path)) is not None:
        raise InputError(f"{path}: {fault}")
    if (current := guard()) is not None:
        current.protect(path)
    last = None
    with _opened(path) as video:
        if not video.isOpened():
            raise InputError(f"{path}: {_unreadable(about, path)}")
        for time, frame in _sampled(video, path, rate):
            last = time
            yield time, _reduced(frame, max_side)
    if last is None:
        raise InputError(f"{path}: {_unreadable(about, path)}")
    if about.cut_short:
        note(f"{path}: was cut short; read up to {last:.2f} s. Copy it again for the rest")


def announced_seconds(path: Path) -> tuple[float, int]:
    """How long a clip is by what its container says, which nothing has checked.

    Args:
        path: a clip that :func:`read_clip` reads.

    Returns:
        Seconds, and the number of frames; 0 where it is not said.
    """
    with _opened(path) as video:
        frames = video.get(cv2.CAP_PROP_FRAME_COUNT)
        rate = video.get(cv2.CAP_PROP_FPS)
    if not (0 < frames < 1e12 and 0 < rate < 1e6):  # not a number, too
        return 0.0, 0
    return frames / rate, int(frames)


def _fault(about: ClipFile, path: Path) -> str | None:
    """Why a clip is not to be decoded, by its container."""
    if about.kind == "MP4" and not about.has_index:
        if about.cut_short:
            return "was cut short, and its index at the end is missing; copy it again"
        return "cannot be read as a video, as it has no index; save it as MP4"
    if not about.video and about.audio:
        return "has sound but no video"
    if about.transfer in _HDR:
        return (
            f"is HDR ({_HDR[about.transfer]}), whose colours are not read; record it without HDR, "
            f"or convert it: {_command(path, '-vf zscale=t=linear,tonemap=hable,zscale=t=bt709')}"
        )
    return None


def _unreadable(about: ClipFile, path: Path) -> str:
    """Why OpenCV gives no frame of a clip."""
    if not about.video and about.kind in ("MP4", "Matroska"):
        return "has no video in it; give another file"
    if about.cut_short:
        return "was cut short before its first frame; copy it again"
    if about.video and about.kind != "GIF":
        codec = _CODECS.get(about.video[0], about.video[0])
        return (
            f"cannot be read as a video: it has no frame, or its codec ({codec}) cannot be decoded "
            f"here; convert it: {_command(path)}"
        )
    return "cannot be read as a video; save it as MP4"


def _command(path: Path, filters: str = "") -> str:
    words = ["ffmpeg -i", path.name, *([filters] if filters else []), "-pix_fmt yuv420p"]
    return " ".join([*words, f"{path.stem}-h264.mp4"])


@contextmanager
def _opened(path: Path) -> Iterator[cv2.VideoCapture]:
    """A clip as OpenCV opens it, by FFmpeg alone and without its messages."""
    before = cv2.utils.logging.setLogLevel(0)
    try:
        video = cv2.VideoCapture(str(path.absolute()), cv2.CAP_FFMPEG)
        try:
            yield video
        finally:
            video.release()
    finally:
        cv2.utils.logging.setLogLevel(before)


def _sampled(
    video: cv2.VideoCapture, path: Path, rate: float | None
) -> Iterator[tuple[float, np.ndarray]]:
    """Times and images (H, W, 3) uint8 RGB with square pixels: all, or about ``rate`` a second."""
    width, height = (
        int(video.get(side)) for side in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
    )
    _check_size(path, width, height)
    per_second = video.get(cv2.CAP_PROP_FPS)
    if not 0 < per_second < 10_000:  # not a number, too
        per_second = USUAL_RATE
    apart = 0.0 if rate is None else (max(1, round(per_second / rate)) - 0.5) / per_second
    aspect = _aspect(video)
    number, time, taken = 0, 0.0, -np.inf
    while video.grab():
        if number >= MAX_FRAMES:
            raise InputError(f"{path}: has more than {MAX_FRAMES:,} frames; cut it into parts")
        now = video.get(cv2.CAP_PROP_POS_MSEC) / 1000
        time = now if number == 0 or now > time else time + 1 / per_second
        number += 1
        if time - taken < apart:
            continue
        read, frame = video.retrieve()
        if not read:
            continue
        taken = time
        if aspect != 1:
            frame = cv2.resize(frame, (round(frame.shape[1] * aspect), frame.shape[0]))
        yield time, cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)


def _check_size(path: Path, width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise InputError(
            f"{path}: frames of {width} x {height} px are too large; reduce them below "
            f"{MAX_PIXELS // 1_000_000} megapixels"
        )
    if 0 < min(width, height) < MIN_SIDE:
        raise InputError(
            f"{path}: frames of {width} x {height} px are too small for a face; at least "
            f"{MIN_SIDE} px per side are needed"
        )


def _aspect(video: cv2.VideoCapture) -> float:
    """Width of a pixel over its height, which is not 1 in video of tapes and discs."""
    across, up = video.get(cv2.CAP_PROP_SAR_NUM), video.get(cv2.CAP_PROP_SAR_DEN)
    aspect = across / up if across > 0 and up > 0 else 1.0
    if round(video.get(cv2.CAP_PROP_ORIENTATION_META)) % 180:
        aspect = 1 / aspect
    return aspect if 0.25 < aspect < 4 else 1.0


def _reduced(frame: np.ndarray, max_side: int | None) -> np.ndarray:
    """A frame whose larger side has at most ``max_side`` pixels."""
    height, width = frame.shape[:2]
    if max_side is None or max(height, width) <= max_side:
        return frame
    scale = max_side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA))
