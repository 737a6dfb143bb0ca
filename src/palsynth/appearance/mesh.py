"""The canonical mesh: one triangulation of the face that every image is rendered with.

Canonical coordinates: the origin lies midway between the outer eye corners, one unit is
the outer-eye distance (about 95 mm), x points to the patient's left (the image's right),
y down, z away from the camera. The mesh has the 468 MediaPipe skin landmarks as its first
vertices and further ones where landmarks are sparse (forehead, cheeks, neck) or where a
lid must keep its shape (a ring beside the lashes). The openings of eyes and mouth are
holes: eyeballs, teeth and the mouth cavity are layers behind the skin, so opening or
closing them never tears a triangle.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.spatial import Delaunay

from palsynth.face import topology

EXTENT = (-1.0, -1.0, 1.0, 1.5)
"""Left, top, right, bottom of the mesh in canonical units."""

_SPACING = 0.07
_LASH_RING = 0.022


@dataclass(frozen=True)
class CanonicalMesh:
    """A triangle mesh whose first 468 vertices are the skin landmarks."""

    vertices: np.ndarray
    """Positions (V, 3), canonical units."""

    triangles: np.ndarray
    """Vertex indices (T, 3) int32."""

    mirror: np.ndarray
    """Index (V,) of each vertex's mirror image."""

    @cached_property
    def spread(self) -> np.ndarray:
        """Matrix (V - 468, 468) that interpolates landmark values at the other vertices.

        Thin-plate spline through the landmarks (Bookstein 1989). The centres are fixed in
        canonical space, so the system is solved once and each face costs one product.
        """
        n = topology.SKIN_POINTS
        return thin_plate_operator(self.vertices[:n, :2], self.vertices[n:, :2])

    def from_landmarks(self, landmarks: np.ndarray) -> np.ndarray:
        """Interpolates all vertices of a face from its landmarks.

        Args:
            landmarks: landmarks (468 or 478, D), in any unit.

        Returns:
            Vertices (V, D) float32, in the same unit.
        """
        skin = np.asarray(landmarks, dtype=np.float32)[: topology.SKIN_POINTS]
        return np.vstack([skin, self.spread @ skin])

    @cached_property
    def neighbours(self) -> tuple[np.ndarray, np.ndarray]:
        """Vertex adjacency as CSR: offsets (V + 1,) and neighbour indices, int32."""
        edges = np.vstack([self.triangles[:, [i, j]] for i in range(3) for j in range(3) if i != j])
        edges = np.unique(edges, axis=0)
        offsets = np.searchsorted(edges[:, 0], np.arange(len(self.vertices) + 1))
        return offsets.astype(np.int32), edges[:, 1].astype(np.int32)


def thin_plate_operator(
    centres: np.ndarray, points: np.ndarray, stiffness: float = 1e-3
) -> np.ndarray:
    """Computes a thin-plate spline as a linear operator.

    Args:
        centres: positions (C, 2) at which values are known.
        points: positions (P, 2) at which they are wanted.
        stiffness: regularisation; 0 interpolates the centres exactly.

    Returns:
        Matrix (P, C) float32 that maps values at ``centres`` to values at ``points``.
    """

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        r2 = np.square(a[:, None] - b[None]).sum(-1)
        return 0.5 * r2 * np.log(np.maximum(r2, 1e-12))

    n = len(centres)
    affine = np.hstack([np.ones((n, 1)), centres])
    system = np.zeros((n + 3, n + 3))
    system[:n, :n] = kernel(centres, centres) + stiffness * np.eye(n)
    system[:n, n:] = affine
    system[n:, :n] = affine.T
    query = np.hstack([kernel(points, centres), np.ones((len(points), 1)), points])
    return np.linalg.solve(system, query.T)[:n].T.astype(np.float32)


def build_mesh(mean_landmarks: np.ndarray, mirror: np.ndarray) -> CanonicalMesh:
    """Triangulates the symmetric mean face.

    Args:
        mean_landmarks: landmarks (478, 3), canonical coordinates.
        mirror: index (478,) of each landmark's mirror image.

    Returns:
        The canonical mesh.

    Raises:
        ValueError: the triangulation cannot contain an edge of an eye's or the mouth's contour.
    """
    n = topology.SKIN_POINTS
    skin = mean_landmarks[:n]
    extra = _extra_points(skin)
    points = np.vstack([skin[:, :2], extra])
    open_points = _mouth_opened(points, skin)

    triangles = Delaunay(open_points).simplices
    for hole in _holes():
        _recover_edges(triangles, open_points, np.column_stack([hole, np.roll(hole, -1)]))
    centroids = open_points[triangles].mean(1)
    a, b, c = (open_points[triangles[:, i]] for i in range(3))
    valid = np.abs(_cross(b - a, c - a)) > 1e-6  # no slivers along the straight border
    for hole in _holes():
        valid &= ~_inside(centroids, open_points[hole])
    triangles = triangles[valid]
    a, b, c = (open_points[triangles[:, i]] for i in range(3))
    flipped = _cross(b - a, c - a) < 0
    triangles[flipped] = triangles[flipped][:, ::-1]

    depth = np.zeros(len(points), np.float32)
    depth[:n] = skin[:, 2]
    depth[n:] = thin_plate_operator(skin[:, :2], extra) @ skin[:, 2]
    vertices = np.column_stack([points, np.clip(depth, -0.45, 1.2)]).astype(np.float32)

    mirror_points = extra * [-1, 1]
    nearest = np.square(mirror_points[:, None] - extra[None]).sum(-1).argmin(1)
    full_mirror = np.concatenate([mirror[:n], n + nearest]).astype(np.int32)
    return CanonicalMesh(vertices, triangles.astype(np.int32), full_mirror)


def _holes() -> tuple[np.ndarray, ...]:
    return (
        topology.eye_polygon("right"),
        topology.eye_polygon("left"),
        topology.mouth_polygon(),
    )


def _recover_edges(triangles: np.ndarray, points: np.ndarray, edges: np.ndarray) -> None:
    """Flips diagonals, in place, until the triangulation contains ``edges`` (Sloan 1993)."""

    def side(a: int, b: int, c: int) -> float:
        (ax, ay), (bx, by), (cx, cy) = points[a], points[b], points[c]
        return float((bx - ax) * (cy - ay) - (by - ay) * (cx - ax))

    def crossing(a: int, b: int, c: int, d: int) -> bool:
        apart = side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0
        return apart and len({a, b, c, d}) == 4

    for a, b in edges:
        for _ in range(100):
            owners: dict[tuple[int, int], list[int]] = {}
            for t, (i, j, k) in enumerate(triangles):
                for u, v in ((i, j), (j, k), (k, i)):
                    owners.setdefault((min(u, v), max(u, v)), []).append(t)
            if (min(a, b), max(a, b)) in owners:
                break
            for (c, d), pair in owners.items():
                if len(pair) == 2 and crossing(a, b, c, d):
                    e, f = (int(triangles[t].sum()) - c - d for t in pair)
                    if crossing(c, d, e, f):  # a convex quadrilateral: its diagonal may flip
                        triangles[pair[0]], triangles[pair[1]] = (c, e, f), (d, e, f)
                        break
        else:
            raise ValueError(f"the mesh cannot hold the contour edge {a}-{b}")


def _extra_points(skin: np.ndarray) -> np.ndarray:
    """A symmetric grid where landmarks are sparse, the border, and rings beside the lashes."""
    rings = []
    for side in ("right", "left"):
        for lid, direction in ((topology.UPPER_LID[side], -1), (topology.LOWER_LID[side], 1)):
            ring = skin[list(lid[1:-1]), :2].copy()
            ring[:, 1] += direction * _LASH_RING
            rings.append(ring)
    ring_points = np.vstack(rings)

    left, top, right, bottom = EXTENT
    rows = []
    for k, y in enumerate(np.arange(top + _SPACING, bottom - 0.5 * _SPACING, _SPACING * 0.87)):
        x = np.arange(_SPACING * (0.5 if k % 2 else 0.0), right - 0.5 * _SPACING, _SPACING)
        x = np.unique(np.concatenate([-x, x]))
        rows.append(np.column_stack([x, np.full(len(x), y)]))
    grid = np.vstack(rows)
    taken = np.vstack([skin[:, :2], ring_points])
    gap = np.sqrt(np.square(grid[:, None] - taken[None]).sum(-1).min(1))
    grid = grid[gap > 0.042]
    for hole in _holes():
        grid = grid[~_inside(grid, skin[hole, :2])]

    xs = np.linspace(left, right, 27)
    ys = np.linspace(top, bottom, 33)[1:-1]
    border = np.vstack(
        [
            np.column_stack([xs, np.full_like(xs, top)]),
            np.column_stack([xs, np.full_like(xs, bottom)]),
            np.column_stack([np.full_like(ys, left), ys]),
            np.column_stack([np.full_like(ys, right), ys]),
        ]
    )
    return np.vstack([ring_points, grid, border])


def _mouth_opened(points: np.ndarray, skin: np.ndarray) -> np.ndarray:
    """The points with the jaw dropped slightly, so that upper and lower lip are apart."""
    inner = skin[list(topology.INNER_UPPER_LIP), :2]
    below = points[:, 1] > np.interp(points[:, 0], inner[:, 0], inner[:, 1])
    below[list(topology.INNER_UPPER_LIP)] = False
    below[list(topology.INNER_LOWER_LIP[1:-1])] = True
    half_width = inner[-1, 0]
    reach = np.sqrt(np.clip(1 - np.abs(points[:, 0] / half_width), 0, None))
    drop = 0.15 * reach * np.exp(-np.square((points[:, 1] - inner[5, 1]) / 0.35))
    opened = points.copy()
    opened[below, 1] += drop[below]
    return opened


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]


def _inside(points: np.ndarray, polygon: np.ndarray) -> np.ndarray:
    """Mask (N,) of the points inside a polygon (even-odd rule)."""
    x, y = points[:, 0, None], points[:, 1, None]
    x1, y1 = polygon[None, :, 0], polygon[None, :, 1]
    x2, y2 = np.roll(x1, -1, 1), np.roll(y1, -1, 1)
    crosses = (y1 > y) != (y2 > y)
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing_x = (x2 - x1) * (y - y1) / (y2 - y1) + x1
    return np.asarray((crosses & (x < crossing_x)).sum(1) % 2 == 1)
