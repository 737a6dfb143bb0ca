"""Sheets and grids: many pictures with captions, laid out in one image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from palsynth.clinical import YANAGIHARA, Palsy, house_brackmann, yanagihara_band
from palsynth.face.detect import detect_faces
from palsynth.face.face import Face
from palsynth.face.framing import PORTRAIT
from palsynth.face.images import text_chunks, write_png
from palsynth.face.measures import Measures, measure
from palsynth.generation.measured import RequestedMeasured, requested_and_measured
from palsynth.generation.provenance import merged
from palsynth.generation.runner import Generated, generate
from palsynth.methods.base import (
    Expression,
    ExpressionImage,
    Identity,
    Method,
    Request,
    TargetExpression,
)
from palsynth.methods.resolve import REST

INK, GREY, PAPER = (28, 34, 40), (104, 114, 124), (255, 255, 255)
CARE = "for research and teaching; not a medical device"
ACROSS = 5
"""Pictures in a row of a sheet."""

FOOT = f"synthetic, made by palsynth · {CARE}"


@dataclass(frozen=True)
class Sheet:
    """A sheet: ``image`` (H, W, 3) uint8 RGB, its ``pictures`` with the palsy, and in ``rows`` what
    was requested of and measured in each of them."""

    image: np.ndarray
    rows: list[RequestedMeasured]
    pictures: list[Generated]

    def write(self, path: Path) -> None:
        """Writes the sheet with the records of its pictures in one.

        Args:
            path: the PNG to write.
        """
        write_shown(path, self.image, self.pictures)


def write_shown(path: Path, image: np.ndarray, pictures: Sequence[Generated]) -> None:
    """Writes a picture that shows others, with their records in one.

    Args:
        path: the PNG to write.
        image: (H, W, 3) uint8 RGB.
        pictures: the pictures that it shows, all made by one method.
    """
    record = merged([picture.record for picture in pictures])
    write_png(path, image, **text_chunks(record if pictures[0].synthetic else None))


def sheet(
    identity: Identity,
    palsy: Palsy,
    method: Method,
    *,
    title: str,
    size: int = 320,
    healthy: bool = False,
) -> Sheet:
    """Lays out the ten Yanagihara movements of one identity, with scores under each.

    Args:
        identity: a face at rest or a synthetic subject.
        palsy: the requested palsy.
        method: the method that generates the pictures.
        title: title of the sheet.
        size: pixels a side of each picture.
        healthy: also show the movements without the palsy, above those with it.

    Returns:
        The sheet.
    """
    targets = [TargetExpression(m, palsy) for m in YANAGIHARA]
    pictures = list(generate(method, [_portrait(identity, target, size) for target in targets]))
    rest = _rest_of(identity, method, size)
    rows = [
        requested_and_measured(picture.image, movement, palsy, rest)
        for picture, movement in zip(pictures, YANAGIHARA, strict=True)
    ]
    healthy_images = None
    if healthy:
        wink = palsy.weak_side  # wink with the eye of the same side
        targets = [TargetExpression(m, Palsy.none(), wink=wink) for m in YANAGIHARA]
        requests = [_portrait(identity, target, size) for target in targets]
        healthy_images = [picture.image for picture in generate(method, requests)]
    return layout_sheet(pictures, rows, title, "requested", healthy_images)


def _portrait(identity: Identity, expression: Expression, size: int) -> Request:
    return Request(identity, expression, 0, size, PORTRAIT)


def _rest_of(identity: Identity, method: Method, size: int) -> Measures | None:
    """The identity's measures at rest, which are subtracted from those of its movements: of the
    photo itself, or of a synthetic subject as the method renders it. None if no single face is
    found."""
    if isinstance(identity, Face):
        return measure(identity.landmarks)
    (picture,) = generate(method, [_portrait(identity, REST, size)])
    faces = detect_faces(picture.image)
    return measure(faces[0].landmarks) if len(faces) == 1 else None


def layout_sheet(
    pictures: Sequence[Generated],
    rows: list[RequestedMeasured],
    title: str,
    reference: str,
    healthy: Sequence[np.ndarray] | None = None,
    size: int | None = None,
) -> Sheet:
    """Lays out pictures of movements, five per row, with the scores under each.

    Args:
        pictures: square pictures with the palsy.
        rows: what was requested and measured, one per picture.
        title: title of the sheet.
        reference: caption of the requested scores: "requested", or "patient" if they are measured
            in a patient's pictures.
        healthy: the same movements without the palsy, (S, S, 3) uint8 RGB, shown above.
        size: pixels a side at which ``pictures`` are shown; default: as they are.

    Returns:
        The sheet; its ``pictures`` have their original size.
    """
    resized = [_resized(picture.image, size) for picture in pictures]
    tiles = [_captioned(i, *_caption(r, reference)) for i, r in zip(resized, rows, strict=True)]
    lines = [tiles[k : k + ACROSS] for k in range(0, len(tiles), ACROSS)]
    if healthy is not None:
        upper = [
            _captioned(i, r.movement.label, "healthy") for i, r in zip(healthy, rows, strict=True)
        ]
        above = [upper[k : k + ACROSS] for k in range(0, len(upper), ACROSS)]
        lines = [line for pair in zip(above, lines, strict=True) for line in pair]
    requested = _total([row.requested_score for row in rows])
    measured = _total([row.measured_score for row in rows])
    labelled = ((reference, requested), ("measured", measured))
    totals = [f"{label} {total}" for label, total in labelled if total]
    return Sheet(_framed(lines, title, ", ".join(totals)), rows, list(pictures))


def _resized(image: np.ndarray, size: int | None) -> np.ndarray:
    if size is None or image.shape[0] == size:
        return image
    interpolation = cv2.INTER_AREA if size < image.shape[0] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, (size, size), interpolation=interpolation))


def _total(scores: list[int | None]) -> str:
    """A Yanagihara total in words; empty if an item is unknown."""
    known = [score for score in scores if score is not None]
    if len(known) < len(YANAGIHARA):
        return ""
    return f"Yanagihara {sum(known)} of 40 ({yanagihara_band(sum(known))})"


def grid(
    identities: Sequence[Identity],
    expressions: Sequence[Expression],
    method: Method,
    *,
    size: int = 224,
) -> tuple[np.ndarray, list[Generated]]:
    """Lays out every identity (rows) with every expression (columns).

    Args:
        identities: faces at rest or synthetic subjects, at least one.
        expressions: expressions in any form.
        method: the method that generates the pictures.
        size: pixels a side of each picture.

    Returns:
        The grid, (H, W, 3) uint8 RGB, and its pictures, row by row.
    """
    lines = [
        list(generate(method, [_portrait(identity, e, size) for e in expressions]))
        for identity in identities
    ]
    heads = [_head(e) for e in expressions]
    first = [_captioned(p.image, h, "", above=True) for p, h in zip(lines[0], heads, strict=True)]
    rest = [[picture.image for picture in line] for line in lines[1:]]
    title = f"{len(identities)} identities, one expression per column"
    return _framed([first, *rest], title, ""), [picture for line in lines for picture in line]


def _head(requested: Expression) -> str:
    if isinstance(requested, ExpressionImage):
        return "as pictured"
    if not isinstance(requested, TargetExpression):
        return "as captured"
    weak = requested.palsy.weak_side
    if weak is None:
        return requested.movement.label
    return f"{requested.movement.label}, {weak.value} {house_brackmann(requested.palsy).value}"


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
            tiles = [_captioned(i, t, "", above=True) for i, t in zip(tiles, titles, strict=True)]
        rows.append(tiles)
    return _framed(rows, "", "", CARE)


def _caption(row: RequestedMeasured, reference: str) -> tuple[str, str]:
    """Heading and line of a picture's caption."""
    measured = "no face" if row.measured_score is None else f"{row.measured_score}"
    weak = row.measured_side is not None and row.measured_score != 4
    side = f", {row.side_text} weak" if weak else ""
    requested = "no face" if row.requested_score is None else f"{row.requested_score}"
    return row.movement.label, f"{reference} {requested} · measured {measured}{side}"


def _captioned(image: np.ndarray, head: str, line: str, *, above: bool = False) -> np.ndarray:
    """A picture with a heading and a line of text below, wrapped to the width of the picture; or
    with the heading alone above."""
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


def _framed(
    lines: Sequence[Sequence[np.ndarray]], title: str, total: str, footer: str = FOOT
) -> np.ndarray:
    """Rows of tiles with a title and totals above and a footer below."""
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
