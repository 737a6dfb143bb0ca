"""Writes clips: frames as they come, whole or not at all, with the label of synthetic pictures."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path

import numpy as np

from palsynth.errors import InputError
from palsynth.face.images import SYNTHETIC, check_replaceable, write_png
from palsynth.face.label import KEYWORD
from palsynth.files import atomic_folder, atomic_write
from palsynth.generation.video import gif
from palsynth.generation.video.encode import encode
from palsynth.generation.video.formats import Codec, clip_format, exact_rate
from palsynth.guards import guard

MAX_SIDE = 8192
"""Largest side of a frame, pixels: decoders take no more."""


def write_clip(
    path: Path,
    frames: Iterable[np.ndarray],
    rate: float | Fraction,
    *,
    text: Mapping[str, str],
    codec: Codec | None = None,
) -> int:
    """Writes a clip of a constant frame rate, and labels it.

    Frames are taken one by one and not kept. The same frames give the same bytes, with the same
    versions of PyAV and Pillow. Frames of an odd width or height get one more column or row, a
    repeated one, in WebM and MP4.

    Args:
        path: ``.webm``, ``.mp4`` or ``.gif``, or the name of a new folder for PNG frames
            (``frame-00000.png``); see :func:`palsynth.generation.video.formats.clip_format`.
        frames: (H, W, 3) uint8 RGB each, all of one size; at least one.
        rate: frames a second, above 0 to 240, of a GIF to 50.
        text: text that the file carries, by keyword: that of
            :func:`palsynth.face.images.text_chunks`, with the label as XMP.
        codec: how the frames of a WebM or MP4 are coded; default: VP9.

    Returns:
        The number of frames.

    Raises:
        InputError: the format, rate or codec cannot be written, PyAV is missing, there is no frame,
            frames differ in size, or the file cannot be written or replaced. Nothing is left of the
            clip then, and what was there before stays.
    """
    form = clip_format(path, codec)
    exact = exact_rate(rate, form.kind)
    checked = _Checked(path, frames)
    text = {"Software": "palsynth", "Description": SYNTHETIC, **text}
    if form.kind == "png":
        with atomic_folder(path, new=True) as folder:
            for number, frame in enumerate(checked):
                write_png(folder / frame_name(number), frame, **text)
        return checked.count
    _check_replaceable(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    packet = text.pop(KEYWORD, "")
    comment = json.dumps(text, sort_keys=True)
    tags = {"comment": comment, "description": text["Description"]}
    with atomic_write(path) as temporary:
        if form.codec is None:
            gif.write(temporary, checked, exact, comment, packet)
        else:
            encode(path, temporary, checked, exact, form.codec, tags, packet)
    return checked.count


def frame_name(number: int) -> str:
    """Name of a frame in a folder of PNG.

    Args:
        number: 0 for the first.

    Returns:
        Its name, so that names sort as frames follow.
    """
    return f"frame-{number:05d}.png"


class _Checked:
    """The frames of a clip, each checked against the first one, and counted."""

    def __init__(self, path: Path, frames: Iterable[np.ndarray]) -> None:
        self.path, self.count = path, 0
        self._frames = iter(frames)

    def __iter__(self) -> Iterator[np.ndarray]:
        shape: tuple[int, ...] | None = None
        for frame in self._frames:
            shape = shape or frame.shape
            if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
                raise ValueError(f"frames must be (H, W, 3) uint8, not {frame.shape} {frame.dtype}")
            if frame.shape != shape:
                raise InputError(
                    f"{self.path}: frame {self.count} has {frame.shape[1]} x {frame.shape[0]} px, "
                    f"the first one {shape[1]} x {shape[0]}; give frames of one size"
                )
            if max(shape) > MAX_SIDE:
                raise InputError(
                    f"{self.path}: frames of {shape[1]} x {shape[0]} px are too large for a clip; "
                    f"give a size of at most {MAX_SIDE}"
                )
            self.count += 1
            yield np.ascontiguousarray(frame)
        if shape is None:
            raise InputError(f"{self.path}: there is no frame to write")


def _check_replaceable(path: Path) -> None:
    """Raises InputError where a command must not replace the file at ``path``."""
    current = guard()
    if current is None:
        return
    current.check(path)
    if not current.force:
        check_replaceable(path)
