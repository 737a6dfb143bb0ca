"""Videos of a clinic as clips of a dataset: written anew, without sound and metadata."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np

from palsynth.data.clips import USUAL_RATE, announced_seconds, read_clip
from palsynth.data.manifest import Row
from palsynth.data.videos import expression_over_time
from palsynth.data.writer import CLIP
from palsynth.face.images import NOT_MADE
from palsynth.face.label import digital_source, label

FASTEST = 60.0
"""Most frames a second of an imported clip; some containers announce a thousand."""


class WriteClip(Protocol):
    """Writes a clip, as :func:`palsynth.generation.video.write.write_clip` does."""

    def __call__(
        self, path: Path, frames: Iterable[np.ndarray], rate: float, *, text: Mapping[str, str]
    ) -> object:
        """Writes frames (H, W, 3) uint8 RGB at a rate a second, with a text by keyword."""


def clip_name(name: str) -> str:
    """The name of a video's clip.

    Args:
        name: the video.

    Returns:
        The same name, with the ending of clips behind another one.

    Example:
        >>> clip_name("7/grin.mp4"), clip_name("7/grin.mov")
        ('7/grin.mp4', '7/grin.mov.mp4')
    """
    return name if name.endswith(CLIP) else name + CLIP


def import_clip(path: Path, row: Row, folder: Path, write: WriteClip) -> Row:
    """Writes a video into a dataset as a clip with nothing but its pixels and its label.

    The frames are upright and have a constant rate; one that was shown longer is repeated.

    Args:
        path: the video, in a format that :func:`palsynth.data.clips.read_clip` reads.
        row: what it shows, and the name of the clip.
        folder: the dataset.
        write: writes the clip.

    Returns:
        The row, with ``rest_time`` and ``apex_time`` among its attributes: the seconds at which the
        clip shows the least and the strongest expression.

    Raises:
        InputError: the file is no video or shows no face to capture, or the clip cannot be written.
    """
    times, amount = expression_over_time(path)
    seconds, frames = announced_seconds(path)
    rate = min(frames / seconds, FASTEST) if seconds > 0 else USUAL_RATE
    text = {**NOT_MADE, **label(digital_source(path))}
    write(folder / row.file_name, at_even_times(read_clip(path), rate), rate, text=text)
    found = {"rest_time": np.argmin(amount), "apex_time": np.argmax(amount)}
    about = {name: round(times[int(at)], 3) for name, at in found.items()}
    return replace(row, attributes={**row.attributes, **about})


def at_even_times(frames: Iterable[tuple[float, np.ndarray]], rate: float) -> Iterator[np.ndarray]:
    """Repeats and leaves out frames, so that they follow at a constant rate.

    Args:
        frames: time in seconds after the first, rising, and image of each.
        rate: frames a second.

    Yields:
        The images; each time has the last one that begins at most half a frame later.
    """
    shown, number = None, 0
    for time, image in frames:
        while shown is not None and number / rate < time - 0.5 / rate - 1e-9:
            yield shown
            number += 1
        shown = image
    if shown is not None:
        yield shown
