"""Clips of the page: those that it makes, and a patient's that is sent to it."""

from __future__ import annotations

from pathlib import Path

from palsynth.data.clips import announced_seconds, read_clip
from palsynth.errors import InputError
from palsynth.face.clips import inspect_clip
from palsynth.generation.video.formats import clip_format

ENDINGS = (".mp4", ".mov", ".webm")
"""How the names of files end that are taken as clips."""

FILE_BYTES = 64 << 20
"""Largest clip."""

SECONDS = 60.0
"""Longest clip."""

MAX_FRAMES = 7200
"""Most frames of a clip: a minute at 120 a second."""

MAX_PIXELS = 9_000_000
"""Most pixels of a frame: that of 4K has 8.3 million."""

RATE = 15.0
"""About how many frames a second of a patient's clip are read."""


def check_clip(path: Path) -> None:
    """Checks that an uploaded file is a clip that can be read, by its container and first frame.

    Args:
        path: the file, of any content.

    Raises:
        InputError: it is no MP4, QuickTime or WebM, cannot be decoded, lasts longer than
            :data:`SECONDS` or has larger frames than :data:`MAX_PIXELS`; the message does not name
            the file.
    """
    try:
        if inspect_clip(path).kind not in ("MP4", "Matroska"):
            raise InputError("is not a clip in MP4, MOV or WebM; save it as MP4")
        frames = read_clip(path)
        _, first = next(frames)
        frames.close()
    except InputError as error:
        raise InputError(str(error).removeprefix(f"{path}: ")) from None
    if first.shape[0] * first.shape[1] > MAX_PIXELS:
        raise InputError(
            f"has frames of more than {MAX_PIXELS // 1_000_000} megapixels; reduce them to 1080p"
        )
    seconds, count = announced_seconds(path)
    if seconds > SECONDS:
        raise InputError(
            f"lasts {seconds:.0f} s, and at most {SECONDS:.0f} s are taken; cut it into parts"
        )
    if count > MAX_FRAMES:
        raise InputError(f"has more than {MAX_FRAMES} frames; cut it into parts")


def made_clip(folder: Path, name: str) -> Path:
    """Where a clip is made: a WebM, which all browsers play and this page reads, or a GIF.

    Args:
        folder: its folder.
        name: its name without an ending.

    Returns:
        The file: WebM (VP9), or GIF where PyAV is not installed or has no encoder.
    """
    path = folder / f"{name}.webm"
    try:
        clip_format(path)
    except InputError:
        return path.with_suffix(".gif")
    return path
