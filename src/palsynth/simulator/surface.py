"""From force to shape: where every vertex of a face goes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np
from numba import njit

from palsynth.appearance.model import canonical_mesh
from palsynth.appearance.smoothstep import smoothstep
from palsynth.clinical import Side
from palsynth.face import topology
from palsynth.simulator.drive import Drive
from palsynth.simulator.smile import learnt_smile

MIDLINE = 0.16
"""Half width, canonical units, over which one side's fields hand over to the other's."""

UPPER_LID_TRAVEL = 0.86
"""Share of the closing way that the upper lid goes; the lower one rises the rest."""

LEAST_AREA = 0.05
"""No skin triangle may shrink below this share of its area at rest."""

VISIBLE = 0.05
"""Square pixels (doubled) from which a triangle counts: smaller ones cover no pixel."""

PATIENCE = 100
"""Rounds of evening out displacements before they also shrink."""


@dataclass(frozen=True)
class Pose:
    """How a face lies in its picture: rotation (3, 3) and pixels per canonical unit."""

    rotation: np.ndarray
    scale: float


@lru_cache(maxsize=1)
def fields() -> dict[str, np.ndarray]:
    """The scanned expression fields on the canonical mesh, name -> (V, 3), ``depth``, and what
    photographed smiles do beyond them, ``smile``."""
    path = files("palsynth.simulator") / "assets" / "fields.npz"
    with path.open("rb") as file:
        scanned = {k: v.astype(np.float32) for k, v in np.load(file).items()}
    return {**scanned, "smile": learnt_smile().way}


@lru_cache(maxsize=1)
def side_gate() -> np.ndarray:
    """(V,) 1 on the patient's left, 0 on the right, smooth over the midline."""
    return smoothstep((canonical_mesh().vertices[:, 0] / MIDLINE + 1) / 2)


@lru_cache(maxsize=1)
def rest_surface() -> np.ndarray:
    """(V, 3) the canonical face in three dimensions, depth from the scan, 0 at the eye corners."""
    points = canonical_mesh().vertices.copy()
    depth = fields()["depth"]
    points[:, 2] = depth - depth[list(topology.OUTER_CANTHUS.values())].mean()
    return points


def estimate_pose(landmarks: np.ndarray) -> Pose:
    """Rotation and scale of a face from its landmarks (468 or more, 3) in pixels.

    Orthogonal Procrustes against the canonical face. MediaPipe's depth is in the units of
    x; landmarks without depth (468, 2) give a rotation in the image plane only.
    """
    n = topology.SKIN_POINTS
    model = canonical_mesh().vertices[:n].astype(np.float64)
    seen = np.asarray(landmarks[:n], np.float64)
    dims = seen.shape[1]
    a = model[:, :dims] - model[:, :dims].mean(0)
    b = seen - seen.mean(0)
    u, s, vt = np.linalg.svd(b.T @ a)
    d = np.sign(np.linalg.det(u @ vt))
    s[-1] *= d
    u[:, -1] *= d
    rotation = np.eye(3)
    rotation[:dims, :dims] = u @ vt
    return Pose(rotation, float(s.sum() / np.square(a).sum()))


def move(points: np.ndarray, pose: Pose, drive: Drive) -> np.ndarray:
    """Moved vertices (V, 3) in pixels, from rest vertices (V, 3).

    The skin never folds: where a movement would shrink a triangle below LEAST_AREA of its
    rest area, the displacements around it are evened out.
    """
    mesh = canonical_mesh()
    offset = field_displacement(drive) @ pose.rotation.T * pose.scale
    moved = (points + offset).astype(np.float32)
    for side in Side:
        _close_lids(moved, points, offset, side, drive.of(side).closure)
    if drive.sealed > 0:
        _seal_lips(moved, points, drive.sealed)
    _keep_lips_apart(moved, points)
    _unfold(points[:, :2].copy(), moved, mesh.triangles, LEAST_AREA)
    return moved


def smallest_jacobian(points: np.ndarray, moved: np.ndarray) -> float:
    """Smallest ratio of a triangle's moved area to its rest area, over camera-facing skin."""
    triangles = canonical_mesh().triangles
    before, after = _areas(points, triangles), _areas(moved, triangles)
    facing = before > VISIBLE
    return float((after[facing] / before[facing]).min())


def _areas(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    a, b, c = (points[triangles[:, i], :2] for i in range(3))
    u, v = b - a, c - a
    return u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]


def field_displacement(drive: Drive) -> np.ndarray:
    """(V, 3) displacement in canonical units from the fields and the drive's offset."""
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
    """Vertices that a lid drags: their indices, which lid point, how much of the upper and
    of the lower lid's way they go: all of it at the lashes, none from the brow on."""
    mesh = canonical_mesh()
    upper, lower = topology.UPPER_LID[side], topology.LOWER_LID[side]
    margin = mesh.vertices[list(upper), :2]
    x, y = mesh.vertices[:, 0], mesh.vertices[:, 1]
    inner, outer = sorted((margin[0, 0], margin[-1, 0]))
    near = (x > inner - 0.06) & (x < outer + 0.06)
    middle_y = np.interp(x, margin[:, 0], (margin[:, 1] + mesh.vertices[list(lower), 1]) / 2)
    above = near & (y < middle_y) & (y > margin[:, 1].min() - 0.22)
    below = near & (y >= middle_y) & (y < mesh.vertices[list(lower), 1].max() + 0.14)

    # how far above the margin a vertex lies decides how much it follows the lid
    gap_up = np.interp(x, margin[:, 0], margin[:, 1]) - y
    gap_down = y - np.interp(x, margin[:, 0], mesh.vertices[list(lower), 1])
    ends = np.clip(1 - np.maximum(inner - x, x - outer) / 0.06, 0, 1)
    follow_up = np.where(above, np.exp(-np.square(np.clip(gap_up - 0.02, 0, None) / 0.03)), 0)
    follow_down = np.where(below, np.exp(-np.square(np.clip(gap_down - 0.02, 0, None) / 0.06)), 0)
    follow_up, follow_down = follow_up * ends, follow_down * ends
    index = np.flatnonzero((follow_up > 0.01) | (follow_down > 0.01))
    place = np.interp(x[index], margin[:, 0], np.arange(len(upper)))
    return index, place, follow_up[index], follow_down[index]


def _close_lids(
    moved: np.ndarray, points: np.ndarray, offset: np.ndarray, side: Side, closure: float
) -> None:
    """Moves lid margins by the person's own aperture, and the lid skin after them."""
    upper, lower = list(topology.UPPER_LID[side.value]), list(topology.LOWER_LID[side.value])
    gap = moved[lower, :2] - moved[upper, :2]
    shut = float(np.clip(closure, -0.4, 1.0))
    up_way = shut * UPPER_LID_TRAVEL * gap
    down_way = -max(shut, 0.0) * (1 - UPPER_LID_TRAVEL) * gap
    index, place, follow_up, follow_down = _lid_skin(side.value)
    steps = np.arange(len(upper))
    for axis in (0, 1):
        moved[index, axis] += follow_up * np.interp(place, steps, up_way[:, axis])
        moved[index, axis] += follow_down * np.interp(place, steps, down_way[:, axis])
    base_upper, base_lower = (
        points[upper, :2] + offset[upper, :2],
        points[lower, :2] + offset[lower, :2],
    )
    moved[upper, :2] = base_upper + up_way
    moved[lower, :2] = base_lower + down_way


@lru_cache(maxsize=2)
def _lip_skin(upper: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices that go along where an inner lip is drawn to the other: their indices, which point
    of the lip, and how much of its way they go: all at the lip's edge, none at nose and chin."""
    mesh = canonical_mesh()
    edge = list(topology.INNER_UPPER_LIP if upper else topology.INNER_LOWER_LIP)
    margin = mesh.vertices[edge, :2]
    order = np.argsort(margin[:, 0])
    x, y = mesh.vertices[:, 0], mesh.vertices[:, 1]
    away = y - np.interp(x, margin[order, 0], margin[order, 1])
    away = -away if upper else away
    near = (x > margin[:, 0].min()) & (x < margin[:, 0].max()) & (away > -1e-4) & (away < 0.16)
    index = np.flatnonzero(near)
    place = np.interp(x[index], margin[order, 0], order.astype(np.float64))
    return index, place, np.exp(-np.square(np.clip(away[index], 0, None) / 0.07))


def _seal_lips(moved: np.ndarray, points: np.ndarray, sealed: float) -> None:
    """Draws lips together, in place, that a movement of other parts has parted: no further apart
    than at rest, and the skin about them follows."""
    upper, lower = list(topology.INNER_UPPER_LIP), list(topology.INNER_LOWER_LIP)
    gap = (moved[lower, :2] - moved[upper, :2]) - (points[lower, :2] - points[upper, :2])
    gap[:, 1] = np.maximum(gap[:, 1], 0)  # pressed lips are left to press
    steps = np.arange(len(upper))
    for way, is_upper, edge in ((0.5, True, upper), (-0.5, False, lower)):
        index, place, follow = _lip_skin(is_upper)
        before = moved[edge, :2].copy()
        for axis in (0, 1):
            shift = sealed * way * gap[:, axis]
            moved[index, axis] += follow * np.interp(place, steps, shift)
            moved[edge, axis] = before[:, axis] + shift


def _keep_lips_apart(moved: np.ndarray, points: np.ndarray) -> None:
    """Lips that would pass through each other meet half way. Where landmarks at rest overlap, as
    those of closed lips may by a fraction of a pixel, they stay as they are."""
    upper, lower = list(topology.INNER_UPPER_LIP), list(topology.INNER_LOWER_LIP)
    at_rest = np.clip(points[upper, 1] - points[lower, 1], 0, None)
    overlap = np.clip(moved[upper, 1] - moved[lower, 1] - at_rest, 0, None) / 2
    moved[upper, 1] -= overlap
    moved[lower, 1] += overlap


@njit(cache=True)
def _unfold(rest, moved, triangles, least):  # type: ignore[no-untyped-def]
    """Evens out displacements, in place, until no triangle is folded; returns the rounds.

    The corners of a folded triangle are drawn towards moving alike, which carries
    compression on to its neighbours (position-based dynamics, Mueller 2007). Where PATIENCE
    rounds do not do (they take five at most on real faces), displacements also shrink:
    rest, which has no folds, is the limit.
    """
    for turn in range(4 * PATIENCE):
        folded = False
        keep = 1.0 if turn < PATIENCE else 0.9
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
                    moved[a, axis] + moved[b, axis] + moved[c, axis]
                    - rest[a, axis] - rest[b, axis] - rest[c, axis]
                ) / 3  # fmt: skip
                for v in (a, b, c):
                    moved[v, axis] += 0.5 * (rest[v, axis] + keep * mean - moved[v, axis])
        if not folded:
            return turn
    return 4 * PATIENCE
