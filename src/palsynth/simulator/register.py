"""Registers the scanned expression fields of the ICT face model to the canonical mesh.

Run once (``palsynth fields fit``); the reduced fields ship with the package. Source:
ICT-FaceKit, USC Institute for Creative Technologies, MIT licence (see NOTICE).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from palsynth.appearance.mesh import CanonicalMesh, thin_plate_operator
from palsynth.appearance.smoothstep import smoothstep
from palsynth.face import topology

PAIRED = (
    "browDown",
    "browInnerUp",
    "browOuterUp",
    "cheekPuff",
    "cheekRaiser",
    "cheekSquint",
    "eyeBlink",
    "eyeSquint",
    "eyeWide",
    "mouthDimple",
    "mouthFrown",
    "mouthLowerDown",
    "mouthPress",
    "mouthSmile",
    "mouthStretch",
    "mouthUpperUp",
    "noseSneer",
)
WHOLE = (
    "jawOpen",
    "mouthFunnel",
    "mouthPucker",
    "mouthRollLower",
    "mouthRollUpper",
    "mouthShrugLower",
    "mouthShrugUpper",
)
SIDEWAYS = "mouthLeft"


def register(ict_file: Path, mesh: CanonicalMesh) -> dict[str, np.ndarray]:
    """Transfers the scanned expressions to the canonical mesh.

    A field covers both halves of the face; the simulator gates it into sides with a soft
    midline.

    Args:
        ict_file: ``.npz`` reduced from ICT-FaceKit, with ``names``, ``neutral``, ``deltas``,
            ``triangles`` and ``multipie68``.
        mesh: the canonical mesh.

    Returns:
        Displacement fields by name, (V, 3) float32, symmetric but for ``mouthLeft``, canonical
        units at full strength; and under ``depth`` the neutral surface (V,), smaller nearer
        the camera.
    """
    ict = np.load(ict_file)
    names = [str(n) for n in ict["names"]]
    neutral, corners = ict["neutral"], ict["multipie68"]
    unit = np.linalg.norm(neutral[corners[36], :2] - neutral[corners[45], :2])
    flip = np.array([1, -1, -1]) / unit  # y down, z away from the camera
    vertices = neutral * flip

    anchors = vertices[corners[list(topology.MULTIPIE_60)], :2]
    targets = mesh.vertices[list(topology.MULTIPIE_60.values()), :2]
    on_face = thin_plate_operator(anchors, vertices[:, :2], stiffness=1e-2) @ targets
    triangle, weights = _locate(_sampling_points(mesh), on_face, vertices[:, 2], ict["triangles"])

    def sample(values: np.ndarray) -> np.ndarray:
        at_corners = values[ict["triangles"][triangle]]  # (V, 3 corners, …)
        return np.einsum("vc,vc...->v...", weights, at_corners).astype(np.float32)

    def field(name: str) -> np.ndarray:
        return sample(ict["deltas"][names.index(name)].astype(np.float32)) * flip

    taper = _taper(mesh)
    fields = {}
    for name in PAIRED:
        fields[name] = field(f"{name}_L") + field(f"{name}_R")
    for name in WHOLE:
        fields[name] = field(name)
    for name, values in fields.items():
        smooth = _smooth(mesh, values)
        fields[name] = (smooth + smooth[mesh.mirror] * [-1, 1, 1]) / 2 * taper
    sideways = (field("mouthLeft") - field("mouthRight")[mesh.mirror] * [1, -1, -1]) / 2
    fields[SIDEWAYS] = _smooth(mesh, sideways) * taper
    depth = sample(vertices[:, 2])
    fields["depth"] = ((depth + depth[mesh.mirror]) / 2).astype(np.float32)
    return {name: np.asarray(values, np.float32) for name, values in fields.items()}


def _sampling_points(mesh: CanonicalMesh) -> np.ndarray:
    """Where each vertex samples the scan: margins of lids and lips slightly inside their skin."""
    points = mesh.vertices[:, :2].copy()
    points[list(topology.INNER_UPPER_LIP[1:-1]), 1] -= 0.02
    points[list(topology.INNER_LOWER_LIP[1:-1]), 1] += 0.02
    for side in ("left", "right"):
        points[list(topology.UPPER_LID[side][1:-1]), 1] -= 0.012
        points[list(topology.LOWER_LID[side][1:-1]), 1] += 0.012
    return points


def _locate(
    points: np.ndarray, vertices: np.ndarray, depth: np.ndarray, triangles: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Front triangle under each point, (V,), and barycentric weights, (V, 3)."""
    a, b, c = (vertices[triangles[:, i]] for i in range(3))
    e1, e2 = b - a, c - a
    area = e1[:, 0] * e2[:, 1] - e1[:, 1] * e2[:, 0]
    area = np.where(np.abs(area) < 1e-12, 1e-12, area)
    triangle_of_point = np.zeros(len(points), np.int64)
    weights = np.zeros((len(points), 3))
    for i, p in enumerate(points):
        d = p - a
        wb = (d[:, 0] * e2[:, 1] - d[:, 1] * e2[:, 0]) / area
        wc = (e1[:, 0] * d[:, 1] - e1[:, 1] * d[:, 0]) / area
        w = np.column_stack([1 - wb - wc, wb, wc])
        inside = w.min(1) >= -1e-6
        if inside.any():
            z = (w * depth[triangles]).sum(1)
            t = int(np.where(inside, z, np.inf).argmin())
            triangle_of_point[i], weights[i] = t, w[t]
        else:  # off the scan: the nearest triangle, without extrapolation
            t = int(np.square(p - (a + b + c) / 3).sum(1).argmin())
            triangle_of_point[i], weights[i] = t, (1 / 3, 1 / 3, 1 / 3)
    return triangle_of_point, weights


def _taper(mesh: CanonicalMesh) -> np.ndarray:
    """Weight (V, 1): 1 on the face, falling smoothly to 0 before ears, hair and collar."""
    x, y = np.abs(mesh.vertices[:, 0]), mesh.vertices[:, 1]

    def fall(value: np.ndarray, start: float, end: float) -> np.ndarray:
        return 1 - smoothstep((value - start) / (end - start))

    return (fall(x, 0.72, 0.95) * fall(y, 1.2, 1.45) * fall(-y, 0.62, 0.92))[:, None]


def _smooth(mesh: CanonicalMesh, values: np.ndarray, rounds: int = 5) -> np.ndarray:
    """Averages with mesh neighbours, which never lie across the slits of lids and lips."""
    offsets, neighbours = mesh.neighbours
    degree = np.diff(offsets)[:, None]
    for _ in range(rounds):
        total = np.add.reduceat(values[neighbours], offsets[:-1], axis=0)
        values = 0.5 * values + 0.5 * total / degree
    return values
