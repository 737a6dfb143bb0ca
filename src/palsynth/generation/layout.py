"""Lays out pictures with captions in one image."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

INK, GREY, PAPER = (28, 34, 40), (104, 114, 124), (255, 255, 255)
CARE = "for research and teaching; not a medical device"

FOOT = f"synthetic, made by palsynth · {CARE}"


def labelled_grid(lines: dict[str, list[np.ndarray]], heads: Sequence[str]) -> np.ndarray:
    """Lays out named rows of pictures, with a heading above each column.

    The footer does not say that the pictures are synthetic, because a row may show input pictures.

    Args:
        lines: name of a row -> its pictures, (S, S, 3) uint8 RGB, as many in each row.
        heads: headings of the columns.

    Returns:
        The grid, (H, W, 3) uint8 RGB.
    """
    font = ImageFont.load_default(11)
    width = max(int(font.getlength(name)) for name in lines) + 8
    rows = []
    for number, (name, images) in enumerate(lines.items()):
        canvas = Image.new("RGB", (width, images[0].shape[0]), PAPER)
        ImageDraw.Draw(canvas).text((4, 4), name, INK, font)
        tiles = [np.asarray(canvas), *images]
        if not number:
            titles = ["", *heads]
            tiles = [captioned(i, t, "", above=True) for i, t in zip(tiles, titles, strict=True)]
        rows.append(tiles)
    return framed(rows, "", "", CARE)


def resized(image: np.ndarray, size: int | None) -> np.ndarray:
    """A picture in another size.

    Args:
        image: (H, W, 3) uint8 RGB.
        size: pixels a side; None leaves it as it is.

    Returns:
        The picture, (size, size, 3) uint8 RGB.
    """
    if size is None or image.shape[:2] == (size, size):
        return image
    interpolation = cv2.INTER_AREA if size < image.shape[0] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (size, size), interpolation=interpolation))


def captioned(image: np.ndarray, head: str, line: str, *, above: bool = False) -> np.ndarray:
    """A picture with a heading and a line of text below, or with the heading alone above.

    Args:
        image: (S, S, 3) uint8 RGB.
        head: the heading.
        line: the text, wrapped to the width of the picture.
        above: whether the heading stands above, without text.

    Returns:
        (H, S, 3) uint8 RGB.
    """
    size = image.shape[1]
    step = max(11, size // 20)
    small = ImageFont.load_default(step)
    wrapped = _wrapped(line, small, size - 8)
    band = int(step * (1.7 if above else 1.9 + 1.4 * len(wrapped)))
    canvas = Image.new("RGB", (size, size + band), PAPER)
    canvas.paste(Image.fromarray(image), (0, band if above else 0))
    draw = ImageDraw.Draw(canvas)
    y = step * 0.25 if above else size + step * 0.35
    draw.text((4, y), head, INK, ImageFont.load_default(step * 1.12))
    for number, part in enumerate(wrapped, 1):
        draw.text((4, y + step * 1.4 * number), part, GREY, small)
    return np.asarray(canvas)


def _wrapped(
    text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int
) -> list[str]:
    """A text wrapped between words into lines of at most ``width`` pixels."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def framed(
    lines: Sequence[Sequence[np.ndarray]], title: str, total: str, footer: str = FOOT
) -> np.ndarray:
    """Rows of tiles with a title and totals above and a footer below.

    Args:
        lines: tiles (H, W, 3) uint8 RGB, row by row.
        title: the title.
        total: a line of text below the title; may be empty.
        footer: the footer.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    gap = 8
    width = max(sum(t.shape[1] + gap for t in line) + gap for line in lines)
    # a few small pictures are narrower than the footer
    footer_width = ImageFont.load_default(max(13, width // 84) * 0.9).getlength(footer)
    width = max(width, int(footer_width) + 2 * gap)
    stacked = []
    for line in lines:
        height = max(t.shape[0] for t in line)
        canvas = np.full((height + gap, width, 3), 255, np.uint8)
        x = gap
        for tile in line:
            canvas[: tile.shape[0], x : x + tile.shape[1]] = tile
            x += tile.shape[1] + gap
        stacked.append(canvas)
    body = np.vstack(stacked)
    step = max(13, width // 84)
    head = Image.new("RGB", (width, int(step * (3.6 if total else 2.2))), PAPER)
    draw = ImageDraw.Draw(head)
    draw.text((gap, step * 0.5), title, INK, ImageFont.load_default(step * 1.25))
    if total:
        draw.text((gap, step * 2.2), total, GREY, ImageFont.load_default(step))
    foot = Image.new("RGB", (width, int(step * 1.8)), PAPER)
    ImageDraw.Draw(foot).text((gap, step * 0.3), footer, GREY, ImageFont.load_default(step * 0.9))
    return np.vstack([np.asarray(head), body, np.asarray(foot)])
