"""Statistics of a dataset: counts by split, movement, side and grade, and a chart of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from palsynth.data.manifest import Row, read_manifest
from palsynth.errors import InputError
from palsynth.face.images import NOT_MADE, SHOWS_INPUT, read_image
from palsynth.face.label import combined, digital_source, label


@dataclass(frozen=True)
class Stats:
    """Counts of a dataset.

    Attributes:
        images: number of images.
        subjects: number of subjects.
        tables: label -> {value: number of images}.
    """

    images: int
    subjects: int
    tables: dict[str, dict[str, int]]


def stats(rows: list[Row]) -> Stats:
    """Counts the labels of a dataset; images without a label count as "unknown".

    Args:
        rows: the rows of the dataset.

    Returns:
        The counts.
    """
    tables = {}
    for name in ("split", "movement", "side", "hb_grade", "yanagihara_item"):
        counts = Counter(str(v) if (v := getattr(r, name)) is not None else "unknown" for r in rows)
        tables[name] = dict(sorted(counts.items()))
    return Stats(len(rows), len({r.subject_id for r in rows}), tables)


TILES = 12
"""Largest number of images in the strip of a chart."""


def stats_picture(folder: Path) -> np.ndarray:
    """Charts a dataset: a strip of its images above bars of its labels.

    Args:
        folder: the dataset.

    Returns:
        (H, 1200, 3) uint8 RGB.

    Raises:
        InputError: if the manifest cannot be read.
    """
    rows = read_manifest(folder)
    counts = stats(rows)
    width, margin, tile = 1200, 24, 96
    strip = Image.new("RGB", (width, tile), "white")
    for column, row in enumerate(_shown(rows)):
        try:
            image = Image.fromarray(read_image(folder / row.file_name))
        except InputError:
            continue
        image.thumbnail((tile, tile))
        strip.paste(image, (column * (tile + 4), 0))
    lines = sum(len(t) + 2 for t in counts.tables.values())
    canvas = Image.new("RGB", (width, tile + 3 * margin + 22 * (lines + 2)), "white")
    canvas.paste(strip, (margin, margin))
    pen = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(15)
    y = tile + 2 * margin
    pen.text((margin, y), f"{counts.images} images of {counts.subjects} subjects", "black", font)
    y += 34
    largest = max(max(t.values()) for t in counts.tables.values())
    for name, table in counts.tables.items():
        pen.text((margin, y), name, "black", font)
        y += 22
        for value, count in table.items():
            length = int((width - 420) * count / largest)
            pen.text((margin + 16, y), value, (70, 70, 70), font)
            pen.rectangle((220, y + 3, 220 + max(length, 1), y + 16), fill=(92, 141, 170))
            pen.text((230 + length, y), str(count), (70, 70, 70), font)
            y += 22
        y += 22
    return np.asarray(canvas)


def stats_text(folder: Path) -> dict[str, str]:
    """The text chunks of a chart's file.

    Args:
        folder: the dataset.

    Returns:
        Those of a picture that is labelled as the images that it shows are, or as not generated
        where they are not.

    Raises:
        InputError: if the manifest cannot be read.
    """
    shown = [folder / row.file_name for row in _shown(read_manifest(folder))]
    source = combined([digital_source(path) for path in shown if path.is_file()] or [None])
    return NOT_MADE if source is None else {**SHOWS_INPUT, **label(source)}


def _shown(rows: list[Row]) -> list[Row]:
    """Rows of images that are spread evenly over a dataset."""
    return rows[:: max(1, len(rows) // TILES)][:TILES]
