"""Rasterises a deformed triangle mesh: for each output pixel, where it comes from.

One numba kernel. Vertices carry attributes (position in the source image, canonical
coordinates, shading); each output pixel gets the attributes of the nearest triangle over
it, interpolated linearly. Since this is backward warping rather than splatting, it leaves
no gaps.
"""

from __future__ import annotations

import numpy as np

from palsynth.compiled import compiled


@compiled
def _fill(points, depth, attributes, triangles, out, nearest):  # type: ignore[no-untyped-def]
    height, width, channels = out.shape
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay, bx, by = points[a, 0], points[a, 1], points[b, 0], points[b, 1]
        cx, cy = points[c, 0], points[c, 1]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area <= 1e-9:  # facing away from the camera
            continue
        x0 = max(0, int(np.ceil(min(ax, bx, cx))))
        x1 = min(width - 1, int(np.floor(max(ax, bx, cx))))
        y0 = max(0, int(np.ceil(min(ay, by, cy))))
        y1 = min(height - 1, int(np.floor(max(ay, by, cy))))
        inverse = 1.0 / area
        for y in range(y0, y1 + 1):
            for x in range(x0, x1 + 1):
                wb = ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) * inverse
                wc = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) * inverse
                wa = 1.0 - wb - wc
                if wa < -1e-6 or wb < -1e-6 or wc < -1e-6:
                    continue
                z = wa * depth[a] + wb * depth[b] + wc * depth[c]
                if z < nearest[y, x]:
                    nearest[y, x] = z
                    for k in range(channels):
                        out[y, x, k] = (
                            wa * attributes[a, k] + wb * attributes[b, k] + wc * attributes[c, k]
                        )


def rasterise(
    points: np.ndarray,
    depth: np.ndarray,
    attributes: np.ndarray,
    triangles: np.ndarray,
    shape: tuple[int, int],
) -> tuple[np.ndarray, np.ndarray]:
    """Rasterises a mesh with a depth buffer.

    Args:
        points: vertex positions (V, 2) in pixels; pixel centres are whole numbers.
        depth: depth (V,) of the vertices; smaller is nearer.
        attributes: values (V, K) to interpolate.
        triangles: vertex indices (T, 3), with positive area when facing the camera.
        shape: height and width of the output.

    Returns:
        The attributes (H, W, K) float32, zero where no triangle covers the pixel, and the
        coverage (H, W) bool.
    """
    out = np.zeros((*shape, attributes.shape[1]), np.float32)
    nearest = np.full(shape, np.inf, np.float32)
    _fill(
        np.ascontiguousarray(points, np.float32),
        np.ascontiguousarray(depth, np.float32),
        np.ascontiguousarray(attributes, np.float32),
        np.ascontiguousarray(triangles, np.int32),
        out,
        nearest,
    )
    return out, np.isfinite(nearest)
