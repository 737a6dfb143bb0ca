from __future__ import annotations

import numpy as np

from palsynth.appearance.mesh import build_mesh, thin_plate_operator
from palsynth.appearance.model import appearance_model, canonical_mesh
from palsynth.appearance.raster import rasterise
from palsynth.face import topology


def _edges(triangles: np.ndarray) -> set[tuple[int, int]]:
    return {
        (min(t[i], t[j]), max(t[i], t[j])) for t in triangles for i, j in ((0, 1), (1, 2), (2, 0))
    }


def test_landmarks_come_first_and_holes_are_bounded_by_their_contours() -> None:
    mesh = canonical_mesh()
    model = appearance_model()
    n = topology.SKIN_POINTS
    assert np.allclose(mesh.vertices[:n, :2], model.shape_mean[:n, :2])
    edges = _edges(mesh.triangles)
    for hole in (
        topology.eye_polygon("left"),
        topology.eye_polygon("right"),
        topology.mouth_polygon(),
    ):
        for a, b in zip(hole, np.roll(hole, -1), strict=True):
            assert (min(a, b), max(a, b)) in edges


def test_no_triangle_spans_a_slit() -> None:
    mesh = canonical_mesh()
    for side in ("left", "right"):
        upper = set(topology.UPPER_LID[side][1:-1])
        lower = set(topology.LOWER_LID[side][1:-1])
        for triangle in mesh.triangles:
            assert not (upper & set(triangle.tolist()) and lower & set(triangle.tolist()))


def test_the_mesh_is_its_own_mirror_image() -> None:
    mesh = canonical_mesh()
    assert (mesh.mirror[mesh.mirror] == np.arange(len(mesh.vertices))).all()
    assert np.allclose(mesh.vertices[mesh.mirror, :2] * [-1, 1], mesh.vertices[:, :2], atol=1e-5)


def test_building_is_deterministic() -> None:
    model = appearance_model()
    built = build_mesh(model.shape_mean, model.landmark_mirror)
    assert np.array_equal(built.triangles, canonical_mesh().triangles)


def test_spread_reproduces_an_affine_map() -> None:
    mesh = canonical_mesh()
    turn = np.array([[1.2, 0.1], [-0.2, 0.9]], np.float32)
    landmarks = mesh.vertices[:468, :2] @ turn + [3, 4]
    assert (
        np.abs(mesh.from_landmarks(landmarks) - (mesh.vertices[:, :2] @ turn + [3, 4])).max() < 0.02
    )


def test_thin_plate_interpolates_its_centres() -> None:
    rng = np.random.default_rng(0)
    centres = rng.uniform(size=(20, 2))
    values = rng.normal(size=20)
    operator = thin_plate_operator(centres, centres, stiffness=0)
    assert np.allclose(operator @ values, values, atol=1e-3)


def test_raster_agrees_with_barycentric_arithmetic() -> None:
    points = np.array([[1, 1], [8, 1], [1, 8]], np.float32)
    attributes = np.array([[0.0], [7.0], [14.0]], np.float32)
    out, cover = rasterise(points, np.zeros(3), attributes, np.array([[0, 1, 2]]), (10, 10))
    y, x = np.nonzero(cover)
    assert len(y) == 36  # 8 + 7 + … + 1 pixel centres on or inside the triangle
    assert np.allclose(out[y, x, 0], (x - 1) + 2 * (y - 1), atol=1e-4)


def test_raster_shows_the_nearer_triangle_and_hides_back_faces() -> None:
    points = np.array([[0, 0], [9, 0], [0, 9], [0, 0], [9, 0], [0, 9]], np.float32)
    depth = np.array([1, 1, 1, 0, 0, 0], np.float32)
    value = np.array([[1], [1], [1], [2], [2], [2]], np.float32)
    both = np.array([[0, 1, 2], [3, 4, 5]])
    out, _ = rasterise(points, depth, value, both, (10, 10))
    assert out[2, 2, 0] == 2
    _, cover = rasterise(points, depth, value, both[:, ::-1], (10, 10))
    assert not cover.any()
