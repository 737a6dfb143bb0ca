"""Sheets and grids: many pictures with captions, laid out in one image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from palsynth.clinical import YANAGIHARA, Palsy, house_brackmann, yanagihara_band
from palsynth.face.detect import detect_faces
from palsynth.face.face import Face
from palsynth.face.framing import PORTRAIT
from palsynth.face.images import text_chunks, write_png
from palsynth.face.measures import Measures, measure
from palsynth.generation.layout import captioned, framed, resized
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

ACROSS = 5
"""Pictures in a row of a sheet."""


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
    write_png(path, image, **text_chunks(record, made=pictures[0].synthetic))


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
    shown = [resized(picture.image, size) for picture in pictures]
    tiles = [captioned(i, *_caption(r, reference)) for i, r in zip(shown, rows, strict=True)]
    lines = [tiles[k : k + ACROSS] for k in range(0, len(tiles), ACROSS)]
    if healthy is not None:
        upper = [
            captioned(i, r.movement.label, "healthy") for i, r in zip(healthy, rows, strict=True)
        ]
        above = [upper[k : k + ACROSS] for k in range(0, len(upper), ACROSS)]
        lines = [line for pair in zip(above, lines, strict=True) for line in pair]
    requested = _total([row.requested_score for row in rows])
    measured = _total([row.measured_score for row in rows])
    labelled = ((reference, requested), ("measured", measured))
    totals = [f"{label} {total}" for label, total in labelled if total]
    return Sheet(framed(lines, title, ", ".join(totals)), rows, list(pictures))


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
    first = [captioned(p.image, h, "", above=True) for p, h in zip(lines[0], heads, strict=True)]
    rest = [[picture.image for picture in line] for line in lines[1:]]
    title = f"{len(identities)} identities, one expression per column"
    return framed([first, *rest], title, ""), [picture for line in lines for picture in line]


def _head(requested: Expression) -> str:
    if isinstance(requested, ExpressionImage):
        return "as pictured"
    if not isinstance(requested, TargetExpression):
        return "as captured"
    weak = requested.palsy.weak_side
    if weak is None:
        return requested.movement.label
    return f"{requested.movement.label}, {weak.value} {house_brackmann(requested.palsy).value}"


def _caption(row: RequestedMeasured, reference: str) -> tuple[str, str]:
    """Heading and line of a picture's caption."""
    measured = "no face" if row.measured_score is None else f"{row.measured_score}"
    weak = row.measured_side is not None and row.measured_score != 4
    side = f", {row.side_text} weak" if weak else ""
    requested = "no face" if row.requested_score is None else f"{row.requested_score}"
    return row.movement.label, f"{reference} {requested} · measured {measured}{side}"
