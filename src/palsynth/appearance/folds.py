"""Skin folds, painted as shading maps over the canonical face.

The scan's mesh is too coarse for fine folds, so each is a set of curves in canonical
coordinates (one side; the other is its mirror image). A fold is a dark valley with a lit
ridge beside it, as it appears under light from above.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from palsynth.appearance.curves import smooth_curve
from palsynth.appearance.mesh import EXTENT

RESOLUTION = 200
"""Pixels of a fold map per canonical unit."""

Curve = tuple[tuple[tuple[float, float], ...], float, float]
"""Points along the curve on the patient's left, depth 0 … 1, width in canonical units."""

_CURVES: dict[str, tuple[Curve, ...]] = {
    "forehead": (
        (((0.02, -0.345), (0.14, -0.349), (0.28, -0.374), (0.42, -0.366), (0.52, -0.335)),
         0.85, 0.0085),
        (((-0.03, -0.412), (0.10, -0.408), (0.26, -0.433), (0.44, -0.428), (0.57, -0.385)),
         1.1, 0.0095),
        (((-0.02, -0.480), (0.15, -0.478), (0.30, -0.502), (0.46, -0.490), (0.55, -0.455)),
         1.0, 0.0095),
        (((-0.02, -0.552), (0.12, -0.550), (0.29, -0.568), (0.42, -0.552)), 0.75, 0.0090),
        (((0.16, -0.318), (0.27, -0.338), (0.38, -0.330)), 0.45, 0.0075),
    ),
    "glabella": (
        (((0.066, -0.075), (0.068, -0.13), (0.080, -0.195), (0.092, -0.26)), 0.8, 0.014),
        (((0.034, -0.105), (0.028, -0.16), (0.034, -0.215)), 0.35, 0.012),
        (((-0.07, -0.050), (0.0, -0.038), (0.07, -0.050)), 0.35, 0.014),
    ),
    "crow": (
        (((0.555, -0.035), (0.60, -0.062), (0.655, -0.100)), 0.8, 0.0075),
        (((0.565, 0.005), (0.62, -0.003), (0.680, -0.016)), 1.0, 0.0075),
        (((0.560, 0.045), (0.61, 0.062), (0.665, 0.072)), 0.9, 0.0075),
        (((0.535, 0.080), (0.575, 0.108), (0.62, 0.128)), 0.6, 0.0075),
        (((0.20, 0.110), (0.30, 0.140), (0.42, 0.130)), 0.7, 0.010),
        (((0.24, 0.155), (0.34, 0.178), (0.46, 0.160)), 0.45, 0.009),
        (((0.545, -0.070), (0.585, -0.115), (0.635, -0.160)), 0.6, 0.0075),
    ),
    "bunny": (
        (((0.030, 0.018), (0.075, 0.066), (0.135, 0.092)), 0.75, 0.011),
        (((0.040, 0.080), (0.085, 0.124), (0.140, 0.148)), 0.55, 0.011),
        (((0.030, 0.140), (0.075, 0.178), (0.125, 0.196)), 0.40, 0.011),
        (((-0.06, -0.012), (0.0, 0.002), (0.06, -0.012)), 0.35, 0.013),
    ),
    "nasolabial": (
        (((0.17, 0.40), (0.215, 0.47), (0.265, 0.56), (0.31, 0.65), (0.34, 0.75)), 0.75, 0.020),
    ),
    "marionette": ((((0.270, 0.765), (0.305, 0.835), (0.322, 0.930)), 0.5, 0.020),),
    "chin": ((((0.0, 0.935), (0.08, 0.938), (0.16, 0.955)), 0.8, 0.016),),
    "pucker": tuple(
        (((x, 0.655 + 0.25 * x * x), (0.82 * x, 0.690 + 0.2 * x * x)), 0.6, 0.007)
        for x in (0.04, 0.085, 0.13, 0.175)
    ) + tuple(
        (((1.05 * x, 0.885 - 0.3 * x * x), (0.86 * x, 0.850 - 0.3 * x * x)), 0.5, 0.007)
        for x in (0.045, 0.095, 0.145)
    ),
}  # fmt: skip

NAMES = tuple(_CURVES)


@lru_cache(maxsize=1)
def fold_maps() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Renders the shading map and the region mask of every fold.

    Returns:
        Two dicts by fold name, of maps (H, W) float32 over the mesh's extent, covering both
        sides of the face: log shading at full strength, and a wide, soft mask 0 … 1 of the
        region to be smoothed when the fold vanishes.
    """
    shading, region_masks = {}, {}
    for name, curves in _CURVES.items():
        log_shade, region_mask = _paint(curves)
        shading[name] = log_shade + log_shade[:, ::-1]
        region_masks[name] = np.minimum(region_mask + region_mask[:, ::-1], 1)
    pebbles = _chin_pebbles()
    shading["chin"] = shading["chin"] + pebbles + pebbles[:, ::-1]
    return shading, region_masks


def map_grid() -> tuple[np.ndarray, np.ndarray]:
    """Canonical x and y of every fold map pixel, each (H, W) float32."""
    left, top, right, bottom = EXTENT
    width, height = int((right - left) * RESOLUTION), int((bottom - top) * RESOLUTION)
    x = left + (np.arange(width, dtype=np.float32) + 0.5) / RESOLUTION
    y = top + (np.arange(height, dtype=np.float32) + 0.5) / RESOLUTION
    grid_x, grid_y = np.meshgrid(x, y)
    return grid_x, grid_y


def _paint(curves: tuple[Curve, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Log shading and region mask (H, W) of the curves of one fold."""
    grid_x, grid_y = map_grid()
    log_shade = np.zeros_like(grid_x)
    region_mask = np.zeros_like(grid_x)
    for points, depth, width in curves:
        path = smooth_curve(np.array(points, np.float32), 12)
        reach = 0.08
        x0, y0 = path.min(0) - reach
        x1, y1 = path.max(0) + reach
        rows = slice(*np.searchsorted(grid_y[:, 0], [y0, y1]))
        columns = slice(*np.searchsorted(grid_x[0], [x0, x1]))
        gx, gy = grid_x[rows, columns, None], grid_y[rows, columns, None]
        d2 = np.square(gx - path[:, 0]) + np.square(gy - path[:, 1])
        nearest = d2.argmin(-1)
        distance = np.sqrt(d2.min(-1))
        t = np.linspace(0, 1, len(path))[nearest]
        taper = np.clip(np.minimum(t, 1 - t) / 0.28, 0, 1)
        taper = taper * taper * (3 - 2 * taper)
        taper = taper * (0.85 + 0.15 * np.sin(9 * t + 7 * points[0][1]))
        normal = np.gradient(path, axis=0)[nearest]
        length = np.maximum(np.linalg.norm(normal, axis=-1), 1e-6)
        below = (
            (gy[..., 0] - path[nearest, 1]) * normal[..., 0]
            - (gx[..., 0] - path[nearest, 0]) * normal[..., 1]
        ) / length
        valley = np.exp(-0.5 * np.square(distance / width))
        ridge = np.exp(-0.5 * np.square((below - 1.9 * width) / (1.1 * width)))
        ridge = ridge * np.exp(-0.5 * np.square(np.clip(distance - 3 * width, 0, None) / width))
        # the taper keeps the ends of a curve from being sharp
        value = depth * taper * (-0.32 * valley + 0.11 * ridge)
        region = np.exp(-0.5 * np.square(distance / 0.035)) * taper
        log_shade[rows, columns] += value
        region_mask[rows, columns] = np.maximum(region_mask[rows, columns], region)
    return log_shade.astype(np.float32), region_mask.astype(np.float32)


def _chin_pebbles() -> np.ndarray:
    """Orange-peel texture of a tensed chin: fixed soft dimples on the patient's left half."""
    grid_x, grid_y = map_grid()
    rng = np.random.default_rng(7)
    out = np.zeros_like(grid_x)
    for _ in range(26):
        x, y = rng.uniform(0.0, 0.17), rng.uniform(1.0, 1.17)
        size = rng.uniform(0.010, 0.018)
        d2 = (np.square(grid_x - x) + np.square((grid_y - y) * 1.2)) / size**2
        lit = np.exp(
            -0.5 * (np.square((grid_x - x) / size) + np.square((grid_y - y - size) / size))
        )
        out += -0.10 * np.exp(-0.5 * d2) + 0.05 * lit
    return out.astype(np.float32)
