"""Light on moved skin: the turn of the surface, folds that appear or vanish, and a smile."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from palsynth.appearance.folds import NAMES, RESOLUTION, fold_maps, map_grid
from palsynth.appearance.mesh import EXTENT
from palsynth.appearance.model import UNIT, canonical_mesh, texture_shape
from palsynth.appearance.smoothstep import smoothstep
from palsynth.simulator.drive import Drive
from palsynth.simulator.smile import Smile
from palsynth.simulator.surface import MIDLINE, rest_surface

_LIGHT = np.array([0.0, -0.5, -0.86])
"""Towards the lamp: in front of the face and above it."""

AMBIENT = 0.6
"""Share of light that comes from everywhere."""


FAINT = 0.004
"""Log of brightness below which a change is none."""


@dataclass(frozen=True)
class Shading:
    """Changes of light: ``turn`` (V,) log brightness at the vertices; over the fold maps (H, W)
    ``appear`` log brightness of folds, ``vanish`` weight 0 … 1 of folds that are smoothed away;
    ``smile`` (h, w, 3) log colour over the appearance model's texture. None where nothing is."""

    turn: np.ndarray
    appear: np.ndarray | None
    vanish: np.ndarray | None
    smile: np.ndarray | None

    def touched(self) -> np.ndarray:
        """(V,) bool: vertices about which anything changes."""
        out = np.abs(self.turn) > FAINT
        u, v = canonical_mesh().vertices[None, :, 0], canonical_mesh().vertices[None, :, 1]
        smile = None if self.smile is None else np.abs(self.smile).max(-1)
        for values, resolution in (
            (self.appear, RESOLUTION), (self.vanish, RESOLUTION), (smile, UNIT),
        ):  # fmt: skip
            if values is not None:
                around = cv2.dilate(np.abs(values), np.ones((15, 15), np.uint8))
                out |= sample_map(around, u, v, resolution)[0] > FAINT
        return out


def shading(drive: Drive, displacement: np.ndarray, smile: Smile) -> Shading:
    """What ``drive`` changes of a face's light, by the canonical displacements (V, 3) it makes."""
    turn = surface_shading(displacement)
    turn = np.where(np.abs(displacement).max(1) < 1e-4, 0, turn)
    return Shading(turn, *fold_shading(drive), smile_light(drive, smile))


def smile_light(drive: Drive, smile: Smile) -> np.ndarray | None:
    """Log of the change of colour (H, W, 3) that smiling makes; None where nobody smiles."""
    left, right = drive.left.smile, drive.right.smile
    if max(left, right) < 1e-3:
        return None
    strength = left if left == right else right + (left - right) * _texture_gate()
    return np.asarray(strength * smile.light, np.float32)


def surface_shading(displacement: np.ndarray) -> np.ndarray:
    """(V,) log of brightness after / before, from canonical displacements (V, 3).

    An expression ratio image (Liu, Shan, Zhang 2001) with the scan's normals.
    """
    after = _lambert(_normals(rest_surface() + displacement))
    ratio = np.log(after) - np.log(_rest_brightness())
    return np.clip(ratio, -0.5, 0.3).astype(np.float32)


def fold_shading(drive: Drive) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Log shading (H, W) of the folds that appear and weight (H, W) 0 … 1 of those that vanish.

    Either is None where there is nothing to draw.
    """
    maps, place = fold_maps()
    gate = _map_gate()
    appear = vanish = None
    for name in NAMES:
        left, right = drive.left.folds.get(name, 0.0), drive.right.folds.get(name, 0.0)
        if max(left, right) > 1e-3:
            low, high = max(right, 0.0), max(left, 0.0)
            strength = low if low == high else low + (high - low) * gate
            term = strength * maps[name]
            appear = term if appear is None else appear + term
        if min(left, right) < -1e-3:
            low, high = max(-right, 0.0), max(-left, 0.0)
            term = np.minimum(low + (high - low) * gate, 1.0) * place[name]
            vanish = term if vanish is None else np.maximum(vanish, term)
    return appear, vanish


def sample_map(
    values: np.ndarray, u: np.ndarray, v: np.ndarray, resolution: int = RESOLUTION
) -> np.ndarray:
    """Reads a map over the face, of so many pixels a canonical unit, at coordinates (H, W)."""
    x = ((u - EXTENT[0]) * resolution - 0.5).astype(np.float32)
    y = ((v - EXTENT[1]) * resolution - 0.5).astype(np.float32)
    return np.asarray(cv2.remap(values, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT))


def smooth_out(image: np.ndarray, unit: float) -> np.ndarray:
    """The image without shading of the size of a fold; grain and broad light stay.

    ``unit`` is pixels per canonical unit. Float32 in and out.
    """
    fine = cv2.GaussianBlur(image, (0, 0), max(0.6, 0.008 * unit))
    broad = cv2.GaussianBlur(image, (0, 0), max(1.5, 0.045 * unit))
    return np.asarray(image - fine + broad, np.float32)


def skin_likeness(colour: np.ndarray, unit: float) -> np.ndarray:
    """Weight (H, W), 1 on skin and 0 on hair, of a picture of a face (H, W, 3).

    A fringe or a beard does not fold. Hair is what is much darker than the face's skin.
    """
    light = cv2.GaussianBlur(colour, (0, 0), max(0.6, 0.012 * unit)).sum(-1)
    lit = light[light > 30]
    typical = float(np.median(lit)) if len(lit) else 1.0
    return np.asarray(smoothstep((light / max(typical, 1.0) - 0.45) / 0.25), np.float32)


@lru_cache(maxsize=1)
def _map_gate() -> np.ndarray:
    return smoothstep((map_grid()[0] / MIDLINE + 1) / 2)


@lru_cache(maxsize=1)
def _texture_gate() -> np.ndarray:
    """(1, W, 1) 1 on the patient's left half of the appearance model's texture, 0 on the right."""
    x = EXTENT[0] + (np.arange(texture_shape()[1], dtype=np.float32) + 0.5) / UNIT
    return smoothstep((x / MIDLINE + 1) / 2)[None, :, None]


@lru_cache(maxsize=1)
def _rest_brightness() -> np.ndarray:
    return _lambert(_normals(rest_surface()))


def _normals(points: np.ndarray) -> np.ndarray:
    triangles = canonical_mesh().triangles
    a, b, c = (points[triangles[:, i]] for i in range(3))
    faces = np.cross(c - a, b - a)
    out = np.zeros_like(points)
    for i in range(3):
        for axis in range(3):
            out[:, axis] += np.bincount(triangles[:, i], faces[:, axis], len(points))
    return out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)


def _lambert(normals: np.ndarray) -> np.ndarray:
    lit = np.clip(normals @ (_LIGHT / np.linalg.norm(_LIGHT)), 0.02, 1)
    return np.asarray(AMBIENT + (1 - AMBIENT) * lit)
