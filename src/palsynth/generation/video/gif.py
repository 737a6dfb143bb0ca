"""Writes animated GIF, frame by frame.

Pillow codes the frames; its own writer of animations keeps all of them in memory.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.GifImagePlugin import getdata, getheader


def _bayer(order: int) -> np.ndarray:
    """Thresholds of an ordered dither (Bayer, 1973): (2^order, 2^order), from -0.5 to 0.5."""
    matrix = np.zeros((1, 1))
    for _ in range(order):
        four = 4 * matrix
        matrix = np.block([[four, four + 2], [four + 3, four + 1]])
    return (matrix + 0.5) / matrix.size - 0.5


COLOURS = UNCHANGED = 255
"""Colours of a palette, and the index of a pixel which stays as it was."""

WORSE = 1.5
"""A palette is used again for a frame as long as its error is at most so many times that in the
frame which it was made for."""

STRENGTH = 4.0
"""Range of the ordered dither, levels of 255: about the distance of two colours of skin."""

ROUNDED_DOWN = 2
"""Pillow looks colours up in steps of four levels, rounded down; this makes them rounded."""

_PATTERN = _bayer(3)

_XMP = b"\x21\xff\x0bXMP DataXMP"
_XMP_TRAILER = bytes([1, *range(255, -1, -1), 0])
"""What leads a program that knows no XMP from any byte of the packet to its end (XMP, part 3)."""


def write(
    path: Path, frames: Iterable[np.ndarray], rate: Fraction, comment: str, packet: str
) -> None:
    """Writes a GIF that repeats without end.

    Args:
        path: the file to write to.
        frames: (H, W, 3) uint8 RGB each, all of one size; at least one.
        rate: frames a second. A frame is shown for hundredths of a second; those of several even
            out, so that no frame comes more than 0.005 s early or late.
        comment: text of the file.
        packet: XMP of the file; empty where it has no label.
    """
    palette: _Palette | None = None
    shown: np.ndarray | None = None
    with path.open("wb") as file:
        for number, frame in enumerate(frames):
            image = _dithered(frame)
            index = None if palette is None else palette.index(image)
            if palette is None or index is None or not palette.suits(image, index):
                palette = _Palette(image)
                index = palette.index(image)
            colours = palette.colours[index]
            if shown is None:
                file.write(_head(palette, comment, packet))
            else:
                index[(colours == shown).all(-1)] = UNCHANGED
            shown = colours
            file.write(_coded(index, palette, _hundredths(number, rate)))
        file.write(b";")


def _head(palette: _Palette, comment: str, packet: str) -> bytes:
    """What comes before the first frame: size, repetition, comment, XMP."""
    header, _ = getheader(palette.picture.copy(), info={"loop": 0, "comment": comment.encode()})
    xmp = _XMP + packet.encode() + _XMP_TRAILER if packet else b""
    return b"".join(header) + xmp


def _hundredths(number: int, rate: Fraction) -> int:
    """How long a frame is shown, hundredths of a second."""
    return round((number + 1) * 100 / rate) - round(number * 100 / rate)


def _dithered(frame: np.ndarray) -> Image.Image:
    """A frame with a pattern that hides the steps between colours and does not move."""
    height, width = frame.shape[:2]
    pattern = np.tile(_PATTERN, (-(-height // 8), -(-width // 8)))[:height, :width, None]
    return Image.fromarray(np.clip(np.rint(frame + STRENGTH * pattern), 0, 255).astype(np.uint8))


class _Palette:
    """The colours of a frame, and of those after it as long as they suit them: a palette of its own
    for every frame would flicker."""

    def __init__(self, image: Image.Image) -> None:
        own = image.quantize(COLOURS, Image.Quantize.MEDIANCUT, kmeans=1, dither=Image.Dither.NONE)
        colours = (own.getpalette() or [])[: 3 * COLOURS]
        own.putpalette(colours + colours[:3] * (256 - len(colours) // 3))
        self.picture = own
        self.colours = np.asarray(own.getpalette(), np.uint8).reshape(-1, 3)
        self._limit = WORSE * self._error(image, self.index(image))

    def index(self, image: Image.Image) -> np.ndarray:
        """(H, W) uint8 indices of the nearest colours."""
        centred = image.point(lambda level: min(255, level + ROUNDED_DOWN))
        index = np.array(centred.quantize(palette=self.picture, dither=Image.Dither.NONE))
        index[index >= COLOURS] = 0  # where the first colour is repeated
        return index

    def suits(self, image: Image.Image, index: np.ndarray) -> bool:
        """Whether the colours are about as near to those of a frame as to those of the first."""
        return self._error(image, index) <= self._limit

    def _error(self, image: Image.Image, index: np.ndarray) -> float:
        """Difference of the worst colours, 1 pixel in 500, so that teeth count; levels of 255."""
        difference = np.abs(np.asarray(image, np.int16) - self.colours[index])
        return float(np.percentile(difference.max(-1), 99.8)) + 1


def _coded(index: np.ndarray, palette: _Palette, hundredths: int) -> bytes:
    """One frame as the blocks of a GIF, with its palette; what is unchanged shows the last one."""
    picture = Image.fromarray(index).convert("P")
    picture.putpalette(palette.colours.tobytes())
    blocks = getdata(
        picture,
        include_color_table=True,
        duration=10 * hundredths,
        transparency=UNCHANGED,
        disposal=1,
    )
    return b"".join(blocks)
