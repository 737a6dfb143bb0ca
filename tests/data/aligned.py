"""Landmarks that a manifest gives, so that pictures without a face can stand for faces."""

from __future__ import annotations

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
