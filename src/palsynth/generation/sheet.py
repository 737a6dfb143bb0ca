"""Sheets and grids: many pictures side by side, with captions, as one image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from palsynth.clinical import YANAGIHARA, Movement, Palsy, house_brackmann, yanagihara_band
from palsynth.face.detect import detect_faces
from palsynth.face.face import Face
from palsynth.face.framing import PORTRAIT
from palsynth.face.measures import Measures, measure
from palsynth.generation.measured import RequestedMeasured, requested_and_measured
from palsynth.methods.base import (
    Expression,
    ExpressionImage,
    Identity,
    Method,
    Request,
    TargetExpression,
)

INK, GREY, PAPER = (28, 34, 40), (104, 114, 124), (255, 255, 255)
CARE = "for research and teaching; not a medical device"
ACROSS = 5
"""Pictures in a line of a sheet."""

FOOT = f"synthetic, made by palsynth · {CARE}"


@dataclass(frozen=True)
class Sheet:
    """``image`` (H, W, 3) uint8; ``rows`` what was asked and measured of each of its palsied
    ``pictures``."""

    image: np.ndarray
    rows: list[RequestedMeasured]
    pictures: list[np.ndarray]


def sheet(
    identity: Identity,
    palsy: Palsy,
    method: Method,
    *,
    title: str,
    size: int = 320,
    healthy: bool = False,
) -> Sheet:
    """The ten Yanagihara movements of one identity, asked and measured under each.

    ``healthy`` draws the same movements without the palsy above the palsied ones.
    """
    requests = [
        Request(identity, TargetExpression(m, palsy), 0, size, PORTRAIT) for m in YANAGIHARA
    ]
    images = method(requests)
    still = _rest_of(identity, method, size)
    rows = [
        requested_and_measured(image, movement, palsy, still)
        for image, movement in zip(images, YANAGIHARA, strict=True)
    ]
    well = None
    if healthy:
        wink = palsy.weak_side  # the healthy eye of the same side
        requested = [TargetExpression(m, Palsy.none(), wink=wink) for m in YANAGIHARA]
        well = method([Request(identity, a, 0, size, PORTRAIT) for a in requested])
    return drawn_sheet(images, rows, title, "requested", well)


def _rest_of(identity: Identity, method: Method, size: int) -> Measures | None:
    """The identity's own measures at rest, against which its movements are measured: a photo's as
    it was given, a person's as the method draws it. None where no single face is found."""
    if isinstance(identity, Face):
        return measure(identity.landmarks)
    request = Request(identity, TargetExpression(Movement.REST, Palsy.none()), 0, size, PORTRAIT)
    faces = detect_faces(method([request])[0])
    return measure(faces[0].landmarks) if len(faces) == 1 else None


def drawn_sheet(
    images: Sequence[np.ndarray], rows: list[RequestedMeasured], title: str, asker: str,
    well: Sequence[np.ndarray] | None = None, size: int | None = None,
) -> Sheet:  # fmt: skip
    """Pictures of movements, five a line, with who asked for what (``asker``) and what is measured
    under each; ``well`` the same without a palsy, above them; ``size`` pixels a side that they are
    shown at."""
    shown = [_resized(image, size) for image in images]
    tiles = [_captioned(i, *_caption(row, asker)) for i, row in zip(shown, rows, strict=True)]
    lines = [tiles[k : k + ACROSS] for k in range(0, len(tiles), ACROSS)]
    if well is not None:
        tops = [_captioned(i, r.movement.label, "healthy") for i, r in zip(well, rows, strict=True)]
        above = [tops[k : k + ACROSS] for k in range(0, len(tops), ACROSS)]
        lines = [line for pair in zip(above, lines, strict=True) for line in pair]
    requested = _total([row.requested_score for row in rows])
    measured = _total([row.measured_score for row in rows])
    totals = [
        f"{who} {total}" for who, total in ((asker, requested), ("measured", measured)) if total
    ]
    return Sheet(_framed(lines, title, ", ".join(totals)), rows, list(images))


def _resized(image: np.ndarray, size: int | None) -> np.ndarray:
    if size is None or image.shape[0] == size:
        return image
    shrunk = cv2.resize(
        image, (size, size),
        interpolation=cv2.INTER_AREA if size < image.shape[0] else cv2.INTER_CUBIC,
    )  # fmt: skip
    return np.asarray(shrunk)


def _total(scores: list[int | None]) -> str:
    """A Yanagihara total in words; nothing where an item is not known."""
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
) -> np.ndarray:
    """People down, expressions across, as one image (H, W, 3) uint8."""
    lines = []
    for identity in identities:
        images = method([Request(identity, e, 0, size, PORTRAIT) for e in expressions])
        lines.append(images)
    heads = [_head(e) for e in expressions]
    first = [_captioned(i, h, "", above=True) for i, h in zip(lines[0], heads, strict=True)]
    rest = [[np.asarray(i) for i in line] for line in lines[1:]]
    return _framed([first, *rest], f"{len(identities)} people, one expression a column", "")


def _head(requested: Expression) -> str:
    if isinstance(requested, ExpressionImage):
        return "as pictured"
    weak = requested.palsy.weak_side
    if weak is None:
        return requested.movement.label
    return f"{requested.movement.label}, {weak.value} {house_brackmann(requested.palsy).value}"


def labelled_grid(lines: dict[str, list[np.ndarray]], heads: Sequence[str]) -> np.ndarray:
    """Named lines of pictures under one another, a head above each column, (H, W, 3) uint8.

    Nothing says that they are synthetic: a line may show pictures that were given.
    """
    font = ImageFont.load_default(11)
    width = max(int(font.getlength(name)) for name in lines) + 8
    rows = []
    for number, (name, images) in enumerate(lines.items()):
        canvas = Image.new("RGB", (width, images[0].shape[0]), PAPER)
        ImageDraw.Draw(canvas).text((4, 4), name, INK, font)
        tiles = [np.asarray(canvas), *images]
        if not number:
            tiles = [_captioned(i, h, "", above=True)
                     for i, h in zip(tiles, ["", *heads], strict=True)]  # fmt: skip
        rows.append(tiles)
    return _framed(rows, "", "", CARE)


def _caption(row: RequestedMeasured, asker: str) -> tuple[str, str]:
    measured = "no face" if row.measured_score is None else f"{row.measured_score}"
    weak = row.measured_side is not None and row.measured_score != 4
    side = f", {row.side_text} weak" if weak else ""
    requested = "no face" if row.requested_score is None else f"{row.requested_score}"
    return row.movement.label, f"{asker} {requested} · measured {measured}{side}"


def _captioned(image: np.ndarray, head: str, line: str, *, above: bool = False) -> np.ndarray:
    """A picture with a head and a line of text under it, which breaks where it is too long for the
    picture, or with the head alone above it."""
    size = image.shape[1]
    step = max(11, size // 20)
    small = ImageFont.load_default(step)
    broken = _broken(line, small, size - 8)
    band = int(step * (1.7 if above else 1.9 + 1.4 * len(broken)))
    canvas = Image.new("RGB", (size, size + band), PAPER)
    canvas.paste(Image.fromarray(image), (0, band if above else 0))
    draw = ImageDraw.Draw(canvas)
    y = step * 0.25 if above else size + step * 0.35
    draw.text((4, y), head, INK, ImageFont.load_default(step * 1.12))
    for number, part in enumerate(broken, 1):
        draw.text((4, y + step * 1.4 * number), part, GREY, small)
    return np.asarray(canvas)


def _broken(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> list[str]:
    """A text in lines of at most ``width`` pixels, broken between words."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _framed(
    lines: Sequence[Sequence[np.ndarray]], title: str, total: str, words: str = FOOT
) -> np.ndarray:
    """Lines of tiles with a title above and the words of care below."""
    gap = 8
    width = max(sum(t.shape[1] + gap for t in line) + gap for line in lines)
    # a sheet of one or two pictures is as wide as its words
    if len(lines[0]) < 3:
        words_width = ImageFont.load_default(13 * 0.9).getlength(words)
        width = max(width, int(words_width) + 2 * gap)
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
    ImageDraw.Draw(foot).text((gap, step * 0.3), words, GREY, ImageFont.load_default(step * 0.9))
    return np.vstack([np.asarray(head), body, np.asarray(foot)])
