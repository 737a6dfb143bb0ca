"""Formats of clips: which one a path asks for, and what it needs."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from palsynth.errors import InputError

Codec = Literal["vp9", "av1", "h264"]
"""How the frames of a WebM or MP4 are coded."""

INSTALL = "needs PyAV; install it with: pip install 'palsynth[video]'"

MAX_RATE = 240
"""Most frames a second."""

MAX_GIF_RATE = 50
"""Most frames a second of a GIF: browsers show for 0.1 s what is to be shown for less than 0.02."""

_KINDS = {".webm": "webm", ".mp4": "mp4", ".gif": "gif", "": "png"}


@dataclass(frozen=True)
class ClipFormat:
    """How a clip is written.

    Attributes:
        kind: "webm", "mp4", "gif", or "png" for a folder of frames.
        codec: how the frames of a WebM or MP4 are coded; None of the others.
    """

    kind: str
    codec: Codec | None = None

    @property
    def encoded(self) -> bool:
        """Whether it is written by PyAV."""
        return self.codec is not None


def clip_format(path: Path, codec: Codec | None = None) -> ClipFormat:
    """Tells the format of a clip, and checks that it can be written here.

    Args:
        path: the file, whose name ends in ``.webm``, ``.mp4`` or ``.gif``; a name without an ending
            is a folder of PNG frames.
        codec: how frames are coded; default: VP9.

    Returns:
        The format.

    Raises:
        InputError: another ending, a codec that the format does not take, PyAV is not installed, or
            its build has no such encoder.
    """
    kind = _KINDS.get(path.suffix.lower())
    if kind is None:
        raise InputError(
            f"{path}: clips are written as .webm, .mp4 or .gif, or as a folder of PNG frames whose "
            "name has no ending"
        )
    if kind in ("gif", "png"):
        if codec is not None:
            raise InputError(f"{path}: {codec} is for .webm and .mp4; leave the codec out")
        return ClipFormat(kind)
    if kind == "webm" and codec == "h264":
        raise InputError(f"{path}: WebM takes no H.264; name an .mp4, or choose vp9 or av1")
    found = ClipFormat(kind, codec or "vp9")
    encoder_name(load_av(path), found.codec or "vp9", path)
    return found


def load_av(path: Path) -> Any:
    """Imports PyAV, which nothing else in palsynth does.

    Args:
        path: the clip, for the error message.

    Returns:
        The module ``av``.

    Raises:
        InputError: PyAV is not installed.
    """
    try:
        import av
    except ImportError:
        raise InputError(f"{path}: {INSTALL}; .gif and folders of PNG do without") from None
    return av


_ENCODERS: dict[str, tuple[str, ...]] = {
    "vp9": ("libvpx-vp9",),
    "av1": ("libsvtav1",),
    "h264": ("libx264", "libopenh264"),
}


def encoder_name(av: Any, codec: Codec, path: Path) -> str:
    """Finds the encoder of a codec in the installed build of PyAV.

    Args:
        av: the module.
        codec: the codec.
        path: the clip, for the error message.

    Returns:
        FFmpeg's name of the encoder.

    Raises:
        InputError: the build has none.
    """
    for name in _ENCODERS[codec]:
        try:
            av.Codec(name, "w")
        except (ValueError, LookupError, av.error.FFmpegError):
            continue
        return name
    raise InputError(
        f"{path}: this build of PyAV has no encoder of {codec} ({', '.join(_ENCODERS[codec])}); "
        "choose another codec"
    )


def exact_rate(rate: float | Fraction, kind: str) -> Fraction:
    """The frames a second as a fraction, so that no time is rounded.

    Args:
        rate: frames a second; floats such as 29.97 mean the nearest fraction with a denominator of
            at most 1001.
        kind: the kind of a :class:`ClipFormat`.

    Returns:
        The rate.

    Raises:
        InputError: it is not above 0, or too large.
    """
    most = MAX_GIF_RATE if kind == "gif" else MAX_RATE
    if not 0 < rate <= most:  # not a number, too
        what = "a GIF takes" if kind == "gif" else "give"
        raise InputError(f"{rate:g} frames a second: {what} more than 0 and at most {most}")
    return Fraction(rate).limit_denominator(1001)
