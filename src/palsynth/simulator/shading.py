"""Light on moved skin: the turn of the surface, and folds that appear or vanish."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from palsynth.appearance.folds import NAMES, RESOLUTION, fold_maps, map_grid
from palsynth.appearance.mesh import EXTENT
from palsynth.appearance.model import canonical_mesh
from palsynth.appearance.smoothstep import smoothstep
from palsynth.simulator.drive import Drive
from palsynth.simulator.surface import MIDLINE, rest_surface

_LIGHT = np.array([0.0, -0.5, -0.86])
"""Towards the lamp: in front of the face and above it."""

AMBIENT = 0.6
"""Share of light that comes from everywhere."""


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
    shading, place = fold_maps()
    gate = _map_gate()
    appear = vanish = None
    for name in NAMES:
        left, right = drive.left.folds.get(name, 0.0), drive.right.folds.get(name, 0.0)
        if max(left, right) > 1e-3:
            low, high = max(right, 0.0), max(left, 0.0)
            strength = low if low == high else low + (high - low) * gate
            term = strength * shading[name]
            appear = term if appear is None else appear + term
        if min(left, right) < -1e-3:
            low, high = max(-right, 0.0), max(-left, 0.0)
            term = np.minimum(low + (high - low) * gate, 1.0) * place[name]
            vanish = term if vanish is None else np.maximum(vanish, term)
    return appear, vanish


def sample_map(values: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Reads a fold map at canonical coordinates (H, W)."""
    x = ((u - EXTENT[0]) * RESOLUTION - 0.5).astype(np.float32)
    y = ((v - EXTENT[1]) * RESOLUTION - 0.5).astype(np.float32)
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
