"""What smiling does to a face, learnt from photographs of the same people neutral and smiling.

The scanned fields move lips as a scan of one head moved; the photographs say how people's lips
really go, and what changes on their skin besides: cheeks gather, the nasolabial fold deepens, lids
and lips catch other light. The fit is :mod:`palsynth.capture.smiles`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np

from palsynth.appearance.model import canonical_mesh, texture_shape

MOUTH = (11, 17)
"""Rows from lip to lip and columns from corner to corner of the light within the mouth."""


@dataclass(frozen=True)
class Smile:
    """Means over the photographed people, alike on both sides, for a full grin.

    ``way`` (V, 3) displacement of the mesh, canonical units, beyond the scanned fields; ``light``
    (H, W, 3) change of the log of the skin's colour on the appearance model's texture; ``mouth``
    (2, h, w, 3) the log of the light within the mouth, of a drawn mouth's, from lip to lip and from
    corner to corner: its mean, and its change by the width of the opening (``openings``).
    """

    way: np.ndarray
    light: np.ndarray
    mouth: np.ndarray
    openings: tuple[float, float]


@lru_cache(maxsize=1)
def learnt_smile() -> Smile:
    """The smile that ships, of 66 photographed people."""
    with (files("palsynth.simulator") / "assets" / "smile.npz").open("rb") as file:
        stored = np.load(file)
        light = stored["light"].astype(np.float32) * float(stored["light_step"])
        mean, spread = stored["openings"].tolist()
        way = stored["way"].astype(np.float32)
        # alike on both sides to the last bit, which half precision does not keep
        way = (way + way[canonical_mesh().mirror] * np.array([-1, 1, 1], np.float32)) / 2
        return Smile(way, light, stored["mouth"].astype(np.float32), (mean, spread))


def unlearnt() -> Smile:
    """What smiling does where nothing is learnt: nothing."""
    way = np.zeros_like(canonical_mesh().vertices)
    light = np.zeros((*texture_shape(), 3), np.float32)
    return Smile(way, light, np.zeros((2, *MOUTH, 3), np.float32), (0.0, 1.0))
