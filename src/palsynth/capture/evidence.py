"""How far each region moves, and whether that exceeds the noise of faces at rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from palsynth.appearance.smoothstep import smoothstep
from palsynth.capture.basis import basis
from palsynth.clinical import Side
from palsynth.face import topology

BROW = ("browDown", "browInnerUp", "browOuterUp")
EYE = ("cheekRaiser", "eyeSquint")

BY_CHANCE = {
    True: (0.006, 0.014),
    False: (0.015, 0.030),
}
"""Displacement of a region measured by chance in faces at rest, in outer-eye distances, with the
same person's rest (True) and without: up to the first the region counts as still, from the second
on as surely moving. Without a rest, 95 of 100 photographed faces at rest stay below 0.029, and half
of their smiles exceed 0.047."""


@dataclass(frozen=True)
class FaceRegion:
    """A region of the face."""

    fields: tuple[str, ...]
    """Fields that move the region."""

    points: Mapping[Side, tuple[int, ...]]
    """Landmarks of each side by which its displacement is measured."""


@lru_cache(maxsize=1)
def regions() -> dict[str, FaceRegion]:
    """The regions "brow" and "mouth"; eyes are read from their lids instead."""
    lips = {
        Side.LEFT: (291, 308, 269, 270, 405, 321, 409, 375),
        Side.RIGHT: (61, 78, 39, 40, 181, 91, 185, 146),
    }
    brows = {
        side: (*topology.BROW_UPPER[side.value], *topology.BROW_LOWER[side.value]) for side in Side
    }
    mouth = {field for field, _ in basis().names} - set(BROW) - set(EYE)
    return {"brow": FaceRegion(BROW, brows), "mouth": FaceRegion(tuple(sorted(mouth)), lips)}


def ways(strengths: np.ndarray, region: FaceRegion) -> dict[Side, np.ndarray]:
    """Computes the displacement of a region's landmarks by its fields.

    Args:
        strengths: strengths (C,) of the basis' columns.
        region: the region.

    Returns:
        Displacements (N, 2) of each side's landmarks, outer-eye distances.
    """
    columns = basis()
    own = np.array([field in region.fields for field, _ in columns.names])
    moved = np.tensordot(strengths * own, columns.columns, 1)[:, :2]
    return {side: moved[list(points)] for side, points in region.points.items()}


def certainty(strengths: np.ndarray, with_rest: bool) -> Mapping[str, float]:
    """Estimates how certain it is that each region moves.

    Args:
        strengths: strengths (C,) of the basis' columns.
        with_rest: whether the same person at rest was known.

    Returns:
        Certainty by region, from 0 (no further than faces at rest appear to move) to 1.
    """
    low, high = BY_CHANCE[with_rest]
    out = {}
    for name, region in regions().items():
        moved = np.vstack(list(ways(strengths, region).values()))
        rms = float(np.sqrt(np.square(moved).sum(1).mean()))
        out[name] = float(smoothstep(np.float64((rms - low) / (high - low))))
    return out
