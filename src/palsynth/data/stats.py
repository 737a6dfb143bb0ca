"""What is in a dataset: counts by split, movement, side and grade, and a picture of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from palsynth.data.manifest import Row, read_manifest
from palsynth.errors import InputError
from palsynth.face.images import read_image


@dataclass(frozen=True)
class Stats:
    """Counts of a dataset; ``tables`` maps a label's name to value -> images."""

    images: int
    subjects: int
    tables: dict[str, dict[str, int]]


def stats(rows: list[Row]) -> Stats:
    """Counts every label; images without it count as "unknown"."""
    tables = {}
    for name in ("split", "movement", "side", "hb_grade", "yanagihara_item"):
        counts = Counter(str(v) if (v := getattr(r, name)) is not None else "unknown" for r in rows)
        tables[name] = dict(sorted(counts.items()))
    return Stats(len(rows), len({r.subject_id for r in rows}), tables)


def stats_picture(folder: Path, tiles: int = 12) -> np.ndarray:
    """A picture of a dataset: a strip of its images above bars of its labels, (H, W, 3) uint8."""
    rows = read_manifest(folder)
    found = stats(rows)
    width, margin, tile = 1200, 24, 96
    step = max(1, len(rows) // tiles)
    strip = Image.new("RGB", (width, tile), "white")
    for place, row in enumerate(rows[::step][:tiles]):
        try:
            image = Image.fromarray(read_image(folder / row.file_name))
        except InputError:
            continue
        image.thumbnail((tile, tile))
        strip.paste(image, (place * (tile + 4), 0))
    lines = sum(len(t) + 2 for t in found.tables.values())
    canvas = Image.new("RGB", (width, tile + 3 * margin + 22 * (lines + 2)), "white")
    canvas.paste(strip, (margin, margin))
    draw = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(15)
    y = tile + 2 * margin
    draw.text((margin, y), f"{found.images} images of {found.subjects} subjects", "black", font)
    y += 34
    most = max(max(t.values()) for t in found.tables.values())
    for name, table in found.tables.items():
        draw.text((margin, y), name, "black", font)
        y += 22
        for value, count in table.items():
            length = int((width - 420) * count / most)
            draw.text((margin + 16, y), value, (70, 70, 70), font)
            draw.rectangle((220, y + 3, 220 + max(length, 1), y + 16), fill=(92, 141, 170))
            draw.text((230 + length, y), str(count), (70, 70, 70), font)
            y += 22
        y += 22
    return np.asarray(canvas)
