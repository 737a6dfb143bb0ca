"""Landmarks that a manifest gives, so that pictures without a face can stand for faces."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from palsynth.data.manifest import Row, write_manifest
from palsynth.face import topology
from palsynth.face.framing import RECOGNISER


def aligned(size: int) -> dict[str, list[list[float]]]:
    """Attributes of a square picture that is cropped already: its crop is the picture itself."""
    x, y = RECOGNISER.origin(size)
    half = RECOGNISER.scale(size) / 2
    places = {topology.OUTER_CANTHUS["right"]: x - half, topology.OUTER_CANTHUS["left"]: x + half}
    return {
        "multipie60": [
            [float(places.get(landmark, x)), float(y)] for landmark in topology.MULTIPIE_60.values()
        ]
    }


def fill(folder: Path, rows: list[tuple[Row, tuple[int, int, int]]], shape=(40, 40)) -> None:  # type: ignore[no-untyped-def]
    """Pictures of one colour, whose manifest says where their eyes are."""
    for row, colour in rows:
        path = folder / row.file_name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((*shape, 3), colour, np.uint8)).save(path)
    there = aligned(shape[0])
    write_manifest(
        folder, [replace(row, attributes={**there, **row.attributes}) for row, _ in rows]
    )
