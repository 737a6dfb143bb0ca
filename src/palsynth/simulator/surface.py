"""From activation to shape: where every vertex of a face moves."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np

from palsynth.appearance.model import canonical_mesh
from palsynth.appearance.smoothstep import smoothstep
from palsynth.clinical import Side
from palsynth.compiled import compiled
from palsynth.face import topology
from palsynth.simulator.drive import Drive
from palsynth.simulator.smile import smile_model

MIDLINE = 0.16
"""Half width of the blend between the two sides' fields, canonical units."""

UPPER_LID_TRAVEL = 0.86
"""Share of the closing distance that the upper lid travels; the lower lid rises the rest."""

MIN_AREA = 0.05
"""Smallest share of its area at rest to which a skin triangle may shrink."""

VISIBLE = 0.05
"""Twice the area in square pixels from which a triangle counts: smaller ones cover no pixel."""

PATIENCE = 100
"""Iterations of smoothing displacements before they are also shrunk."""


@dataclass(frozen=True)
class Pose:
    """Pose of a face in an image."""

    rotation: np.ndarray
    """Rotation matrix (3, 3) of the head."""

    scale: float
    """Pixels per canonical unit."""


@lru_cache(maxsize=1)
def fields() -> dict[str, np.ndarray]:
    """Loads the scanned expression fields on the canonical mesh.

    Returns:
        Displacement fields (V, 3) float32 by name, canonical units at full strength, among them
        ``smile``, what photographed smiles do beyond the scan; and under ``depth`` the neutral
        depth (V,).
    """
    path = files("palsynth.simulator") / "assets" / "fields.npz"
    with path.open("rb") as file:
        scanned = {k: v.astype(np.float32) for k, v in np.load(file).items()}
    return {**scanned, "smile": smile_model().way}


@lru_cache(maxsize=1)
def side_gate() -> np.ndarray:
    """Weight (V,) of the left side: 1 on the patient's left, 0 on the right, smooth between."""
    return smoothstep((canonical_mesh().vertices[:, 0] / MIDLINE + 1) / 2)


@lru_cache(maxsize=1)
def rest_surface() -> np.ndarray:
    """The canonical face (V, 3) with depth from the scan, 0 at the outer eye corners."""
    points = canonical_mesh().vertices.copy()
    depth = fields()["depth"]
    points[:, 2] = depth - depth[list(topology.OUTER_CANTHUS.values())].mean()
    return points


def estimate_pose(landmarks: np.ndarray) -> Pose:
    """Estimates rotation and scale of a face by orthogonal Procrustes analysis.

    Args:
        landmarks: landmarks (468 or more, 3) in pixels, depth in the units of x as MediaPipe
            gives it; without depth (…, 2) the rotation is in the image plane only.

    Returns:
        The pose relative to the canonical face.
    """
    n = topology.SKIN_POINTS
    model = canonical_mesh().vertices[:n].astype(np.float64)
    observed = np.asarray(landmarks[:n], np.float64)
    dims = observed.shape[1]
    a = model[:, :dims] - model[:, :dims].mean(0)
    b = observed - observed.mean(0)
    u, s, vt = np.linalg.svd(b.T @ a)
    d = np.sign(np.linalg.det(u @ vt))
    s[-1] *= d
    u[:, -1] *= d
    rotation = np.eye(3)
    rotation[:dims, :dims] = u @ vt
    return Pose(rotation, float(s.sum() / np.square(a).sum()))


def move(points: np.ndarray, pose: Pose, drive: Drive) -> np.ndarray:
    """Moves the vertices of a face.

    The skin never folds over: where a movement would shrink a triangle below ``MIN_AREA`` of
    its rest area, the displacements around it are smoothed.

    Args:
        points: vertices (V, 3) at rest, pixels.
        pose: pose of the face in the image.
        drive: the activation of the face.

    Returns:
        Moved vertices (V, 3) float32, pixels.
    """
    mesh = canonical_mesh()
    offset = field_displacement(drive) @ pose.rotation.T * pose.scale
    moved = (points + offset).astype(np.float32)
    for side in Side:
        _close_lids(moved, points, offset, side, drive.of(side).closure)
    if drive.sealed > 0:
        _seal_lips(moved, points, drive.sealed)
    _separate_lips(moved, points)
    _unfold(points[:, :2].copy(), moved, mesh.triangles, MIN_AREA)
    return moved


def smallest_jacobian(points: np.ndarray, moved: np.ndarray) -> float:
    """Computes the smallest ratio of a triangle's moved area to its rest area.

    Args:
        points: vertices (V, 2 or 3) at rest, pixels.
        moved: moved vertices (V, 2 or 3), pixels.

    Returns:
        The minimum over the triangles that face the camera at rest; negative if one flips.
    """
    triangles = canonical_mesh().triangles
    before, after = _areas(points, triangles), _areas(moved, triangles)
    facing = before > VISIBLE
    return float((after[facing] / before[facing]).min())


def _areas(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    a, b, c = (points[triangles[:, i], :2] for i in range(3))
    u, v = b - a, c - a
    return u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]


def field_displacement(drive: Drive) -> np.ndarray:
    """Sums the fields of an activation, gated by side, and its offset.

    Args:
        drive: the activation of the face.

    Returns:
        Displacement (V, 3), canonical units; lids and lips not yet closed.
    """
    library = fields()
    gate = side_gate()[:, None]
    out = np.zeros_like(library["mouthSmile"])
    names = drive.left.fields.keys() | drive.right.fields.keys()
    for name in sorted(names):
        left, right = drive.left.fields.get(name, 0.0), drive.right.fields.get(name, 0.0)
        if left == right:
            out += left * library[name]
        else:
            out += (right + (left - right) * gate) * library[name]
    if drive.drag:
        towards = library["mouthLeft"]
        if drive.drag < 0:
            towards = towards[canonical_mesh().mirror] * np.array([-1, 1, 1], np.float32)
        out += abs(drive.drag) * towards
    if drive.jaw:
        out += drive.jaw * library["jawOpen"]
    if drive.offset is not None:
        out += drive.offset
    return out


@lru_cache(maxsize=2)
def _lid_skin(side: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Vertices that follow the lids: their indices, the matching position along the lid, and the
    shares of the upper and the lower lid's travel: 1 at the lashes, 0 from the brow upwards."""
    mesh = canonical_mesh()
    upper, lower = topology.UPPER_LID[side], topology.LOWER_LID[side]
    margin = mesh.vertices[list(upper), :2]
    x, y = mesh.vertices[:, 0], mesh.vertices[:, 1]
    inner, outer = sorted((margin[0, 0], margin[-1, 0]))
    near = (x > inner - 0.06) & (x < outer + 0.06)
    middle_y = np.interp(x, margin[:, 0], (margin[:, 1] + mesh.vertices[list(lower), 1]) / 2)
    above = near & (y < middle_y) & (y > margin[:, 1].min() - 0.22)
    below = near & (y >= middle_y) & (y < mesh.vertices[list(lower), 1].max() + 0.14)

    # a vertex follows the lid less the further it lies from the margin
    gap_up = np.interp(x, margin[:, 0], margin[:, 1]) - y
    gap_down = y - np.interp(x, margin[:, 0], mesh.vertices[list(lower), 1])
    ends = np.clip(1 - np.maximum(inner - x, x - outer) / 0.06, 0, 1)
    follow_up = np.where(above, np.exp(-np.square(np.clip(gap_up - 0.02, 0, None) / 0.03)), 0)
    follow_down = np.where(below, np.exp(-np.square(np.clip(gap_down - 0.02, 0, None) / 0.06)), 0)
    follow_up, follow_down = follow_up * ends, follow_down * ends
    index = np.flatnonzero((follow_up > 0.01) | (follow_down > 0.01))
    position = np.interp(x[index], margin[:, 0], np.arange(len(upper)))
    return index, position, follow_up[index], follow_down[index]


def _close_lids(
    moved: np.ndarray, points: np.ndarray, offset: np.ndarray, side: Side, closure: float
) -> None:
    """Closes the lid margins, in place, by shares of the face's own aperture; lid skin follows."""
    upper, lower = list(topology.UPPER_LID[side.value]), list(topology.LOWER_LID[side.value])
    gap = moved[lower, :2] - moved[upper, :2]
    shut = float(np.clip(closure, -0.4, 1.0))
    upper_travel = shut * UPPER_LID_TRAVEL * gap
    lower_travel = -max(shut, 0.0) * (1 - UPPER_LID_TRAVEL) * gap
    index, position, follow_up, follow_down = _lid_skin(side.value)
    steps = np.arange(len(upper))
    for axis in (0, 1):
        moved[index, axis] += follow_up * np.interp(position, steps, upper_travel[:, axis])
        moved[index, axis] += follow_down * np.interp(position, steps, lower_travel[:, axis])
    base_upper, base_lower = (
        points[upper, :2] + offset[upper, :2],
        points[lower, :2] + offset[lower, :2],
    )
    moved[upper, :2] = base_upper + upper_travel
    moved[lower, :2] = base_lower + lower_travel


@lru_cache(maxsize=2)
def _lip_skin(upper: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices that follow an inner lip as it is pulled towards the other: their indices, the
    matching position along the lip, and the share of its travel: 1 at its edge, 0 at nose and
    chin."""
    mesh = canonical_mesh()
    edge = list(topology.INNER_UPPER_LIP if upper else topology.INNER_LOWER_LIP)
    margin = mesh.vertices[edge, :2]
    order = np.argsort(margin[:, 0])
    x, y = mesh.vertices[:, 0], mesh.vertices[:, 1]
    gap = y - np.interp(x, margin[order, 0], margin[order, 1])
    gap = -gap if upper else gap
    near = (x > margin[:, 0].min()) & (x < margin[:, 0].max()) & (gap > -1e-4) & (gap < 0.16)
    index = np.flatnonzero(near)
    position = np.interp(x[index], margin[order, 0], order.astype(np.float64))
    return index, position, np.exp(-np.square(np.clip(gap[index], 0, None) / 0.07))


def _seal_lips(moved: np.ndarray, points: np.ndarray, sealed: float) -> None:
    """Closes lips, in place, that movements of other parts have pulled apart: to no further apart
    than at rest, with the skin around them following."""
    upper, lower = list(topology.INNER_UPPER_LIP), list(topology.INNER_LOWER_LIP)
    gap = (moved[lower, :2] - moved[upper, :2]) - (points[lower, :2] - points[upper, :2])
    gap[:, 1] = np.maximum(gap[:, 1], 0)  # pressed lips stay pressed
    steps = np.arange(len(upper))
    for share, is_upper, edge in ((0.5, True, upper), (-0.5, False, lower)):
        index, position, follow = _lip_skin(is_upper)
        before = moved[edge, :2].copy()
        for axis in (0, 1):
            shift = sealed * share * gap[:, axis]
            moved[index, axis] += follow * np.interp(position, steps, shift)
            moved[edge, axis] = before[:, axis] + shift


def _separate_lips(moved: np.ndarray, points: np.ndarray) -> None:
    """Makes lips that would pass through each other meet half way, in place. An overlap that is
    present at rest, which closed lips may have by a fraction of a pixel, is left alone."""
    upper, lower = list(topology.INNER_UPPER_LIP), list(topology.INNER_LOWER_LIP)
    at_rest = np.clip(points[upper, 1] - points[lower, 1], 0, None)
    overlap = np.clip(moved[upper, 1] - moved[lower, 1] - at_rest, 0, None) / 2
    moved[upper, 1] -= overlap
    moved[lower, 1] += overlap


@compiled
def _unfold(rest, moved, triangles, least):  # type: ignore[no-untyped-def]
    """Smooths displacements, in place, until no triangle is folded; returns the iterations.

    The displacements of a folded triangle's corners are pulled towards their mean, which passes
    compression on to its neighbours (position-based dynamics, Mueller 2007). If PATIENCE
    iterations do not suffice (real faces take at most five), displacements also shrink towards
    rest, which has no folds.
    """
    for iteration in range(4 * PATIENCE):
        folded = False
        shrink = 1.0 if iteration < PATIENCE else 0.9
        for t in range(triangles.shape[0]):
            a, b, c = triangles[t]
            before = (rest[b, 0] - rest[a, 0]) * (rest[c, 1] - rest[a, 1]) - (
                rest[b, 1] - rest[a, 1]
            ) * (rest[c, 0] - rest[a, 0])
            after = (moved[b, 0] - moved[a, 0]) * (moved[c, 1] - moved[a, 1]) - (
                moved[b, 1] - moved[a, 1]
            ) * (moved[c, 0] - moved[a, 0])
            if before <= VISIBLE or after >= least * before:
                continue
            folded = True
            for axis in range(2):
                mean = (
                    moved[a, axis]
                    + moved[b, axis]
                    + moved[c, axis]
                    - rest[a, axis]
                    - rest[b, axis]
                    - rest[c, axis]
                ) / 3
                for v in (a, b, c):
                    moved[v, axis] += 0.5 * (rest[v, axis] + shrink * mean - moved[v, axis])
        if not folded:
            return iteration
    return 4 * PATIENCE
