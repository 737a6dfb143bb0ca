"""Effects of smiling, learnt from photographs of the same people neutral and smiling.

The scanned fields come from a scan of one head; the photographs show how people's lips actually
move in a smile, and how the skin changes with it: cheeks bunch up, the nasolabial fold deepens,
light on lids and lips changes. The fit is in :mod:`palsynth.capture.smiles`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np

from palsynth.appearance.model import canonical_mesh, texture_shape

MOUTH = (11, 17)
"""Rows (lip to lip) and columns (corner to corner) of the map of light inside the mouth."""


@dataclass(frozen=True)
class Smile:
    """Symmetric means over the photographed people, for a full grin."""

    way: np.ndarray
    """Displacement (V, 3) of the mesh beyond the scanned fields, canonical units."""

    light: np.ndarray
    """Log change (H, W, 3) of the skin's colour over the appearance model's texture."""

    mouth: np.ndarray
    """Log light (2, h, w, 3) inside the mouth relative to the procedural mouth, from lip to lip and
    corner to corner: its mean, and its slope over the standardised width of the opening."""

    openings: tuple[float, float]
    """Mean and standard deviation of the openings that standardise that slope."""


@lru_cache(maxsize=1)
def smile_model() -> Smile:
    """The smile that ships with the package, fitted to 66 photographed people."""
    with (files("palsynth.simulator") / "assets" / "smile.npz").open("rb") as file:
        arrays = np.load(file)
        light = arrays["light"].astype(np.float32) * float(arrays["light_step"])
        mean, deviation = arrays["openings"].tolist()
        way = arrays["way"].astype(np.float32)
        # half precision loses exact symmetry: restore it to the last bit
        way = (way + way[canonical_mesh().mirror] * np.array([-1, 1, 1], np.float32)) / 2
        return Smile(way, light, arrays["mouth"].astype(np.float32), (mean, deviation))


def no_smile() -> Smile:
    """A smile without any learnt effect: all displacements and changes of light are zero."""
    way = np.zeros_like(canonical_mesh().vertices)
    light = np.zeros((*texture_shape(), 3), np.float32)
    return Smile(way, light, np.zeros((2, *MOUTH, 3), np.float32), (0.0, 1.0))
