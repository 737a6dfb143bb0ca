"""Light on moved skin: surface orientation, folds that appear or vanish, and the smile."""

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
"""Direction to the lamp: in front of the face and above it."""

AMBIENT = 0.6
"""Share of ambient light."""

FAINT = 0.004
"""Log brightness below which a change is ignored."""


@dataclass(frozen=True)
class Shading:
    """Changes of light on the skin; None for a map without any change."""

    turn: np.ndarray
    """Log brightness (V,) at the vertices, from the orientation of the surface."""

    appear: np.ndarray | None
    """Log brightness (H, W) of appearing folds over the fold maps."""

    vanish: np.ndarray | None
    """Weight (H, W), 0 … 1, of folds to be smoothed away, over the fold maps."""

    smile: np.ndarray | None
    """Log colour (h, w, 3) of a smile over the appearance model's texture."""

    def touched(self) -> np.ndarray:
        """Mask (V,) bool of the vertices around which the light changes."""
        out = np.abs(self.turn) > FAINT
        u, v = canonical_mesh().vertices[None, :, 0], canonical_mesh().vertices[None, :, 1]
        smile = None if self.smile is None else np.abs(self.smile).max(-1)
        for values, resolution in (
            (self.appear, RESOLUTION),
            (self.vanish, RESOLUTION),
            (smile, UNIT),
        ):
            if values is not None:
                around = cv2.dilate(np.abs(values), np.ones((15, 15), np.uint8))
                out |= sample_map(around, u, v, resolution)[0] > FAINT
        return out


def shading(drive: Drive, displacement: np.ndarray, smile: Smile) -> Shading:
    """Computes how a movement changes the light on a face.

    Args:
        drive: the activation of the face.
        displacement: the displacement (V, 3) that it produces, canonical units.
        smile: how smiling changes the light.

    Returns:
        The changes of light.
    """
    turn = surface_shading(displacement)
    turn = np.where(np.abs(displacement).max(1) < 1e-4, 0, turn)
    return Shading(turn, *fold_shading(drive), smile_light(drive, smile))


def smile_light(drive: Drive, smile: Smile) -> np.ndarray | None:
    """Computes how smiling changes the colour of the skin.

    Args:
        drive: the activation of the face.
        smile: how a full grin changes the light.

    Returns:
        Log change (H, W, 3) float32 over the appearance model's texture; None without a smile.
    """
    left, right = drive.left.smile, drive.right.smile
    if max(left, right) < 1e-3:
        return None
    strength = left if left == right else right + (left - right) * _texture_gate()
    return np.asarray(strength * smile.light, np.float32)


def surface_shading(displacement: np.ndarray) -> np.ndarray:
    """Computes the change of brightness due to the orientation of the surface.

    An expression ratio image (Liu, Shan, Zhang 2001) with the scan's normals.

    Args:
        displacement: displacement (V, 3), canonical units.

    Returns:
        Log ratio (V,) float32 of the brightness after and before, -0.5 … 0.3.
    """
    after = _lambert(_normals(rest_surface() + displacement))
    ratio = np.log(after) - np.log(_rest_brightness())
    return np.clip(ratio, -0.5, 0.3).astype(np.float32)


def fold_shading(drive: Drive) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Computes the shading of folds.

    Args:
        drive: the activation of the face.

    Returns:
        Log shading (H, W) of the folds that appear, and the weight (H, W), 0 … 1, of those that
        vanish; either is None if there are no such folds.
    """
    maps, region_masks = fold_maps()
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
            term = np.minimum(low + (high - low) * gate, 1.0) * region_masks[name]
            vanish = term if vanish is None else np.maximum(vanish, term)
    return appear, vanish


def sample_map(
    values: np.ndarray, u: np.ndarray, v: np.ndarray, resolution: int = RESOLUTION
) -> np.ndarray:
    """Samples a map over the canonical face, bilinearly.

    Args:
        values: map (h, w) or (h, w, C) over the mesh's extent.
        u: canonical x (H, W) of the samples.
        v: canonical y (H, W) of the samples.
        resolution: pixels of the map per canonical unit.

    Returns:
        Samples (H, W) or (H, W, C); 0 beyond the map.
    """
    x = ((u - EXTENT[0]) * resolution - 0.5).astype(np.float32)
    y = ((v - EXTENT[1]) * resolution - 0.5).astype(np.float32)
    return np.asarray(cv2.remap(values, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT))


def smooth_out(image: np.ndarray, unit: float) -> np.ndarray:
    """Removes shading at the scale of folds; grain and broad light are preserved.

    Args:
        image: image (H, W, 3) float32.
        unit: pixels per canonical unit.

    Returns:
        The smoothed image (H, W, 3) float32.
    """
    fine = cv2.GaussianBlur(image, (0, 0), max(0.6, 0.008 * unit))
    broad = cv2.GaussianBlur(image, (0, 0), max(1.5, 0.045 * unit))
    return np.asarray(image - fine + broad, np.float32)


def skin_likeness(colour: np.ndarray, unit: float) -> np.ndarray:
    """Estimates which pixels of a face are skin rather than hair.

    A fringe or a beard does not fold. Pixels much darker than the face's skin count as hair.

    Args:
        colour: image (H, W, 3) float32 of the face, 0 … 255; black elsewhere is ignored.
        unit: pixels per canonical unit.

    Returns:
        Weight (H, W) float32, 1 on skin and 0 on hair.
    """
    light = cv2.GaussianBlur(colour, (0, 0), max(0.6, 0.012 * unit)).sum(-1)
    lit = light[light > 30]
    typical = float(np.median(lit)) if len(lit) else 1.0
    return np.asarray(smoothstep((light / max(typical, 1.0) - 0.45) / 0.25), np.float32)


@lru_cache(maxsize=1)
def _map_gate() -> np.ndarray:
    """Weight (H, W) of the patient's left side over the fold maps."""
    return smoothstep((map_grid()[0] / MIDLINE + 1) / 2)


@lru_cache(maxsize=1)
def _texture_gate() -> np.ndarray:
    """Weight (1, W, 1) of the patient's left side over the appearance model's texture."""
    x = EXTENT[0] + (np.arange(texture_shape()[1], dtype=np.float32) + 0.5) / UNIT
    return smoothstep((x / MIDLINE + 1) / 2)[None, :, None]


@lru_cache(maxsize=1)
def _rest_brightness() -> np.ndarray:
    return _lambert(_normals(rest_surface()))


def _normals(points: np.ndarray) -> np.ndarray:
    """Unit normals (V, 3) of the mesh with these vertices."""
    triangles = canonical_mesh().triangles
    a, b, c = (points[triangles[:, i]] for i in range(3))
    faces = np.cross(c - a, b - a)
    out = np.zeros_like(points)
    for i in range(3):
        for axis in range(3):
            out[:, axis] += np.bincount(triangles[:, i], faces[:, axis], len(points))
    return out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)


def _lambert(normals: np.ndarray) -> np.ndarray:
    """Brightness (V,) by Lambert's law."""
    lit = np.clip(normals @ (_LIGHT / np.linalg.norm(_LIGHT)), 0.02, 1)
    return np.asarray(AMBIENT + (1 - AMBIENT) * lit)
