from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest

from palsynth.appearance.model import canonical_mesh
from palsynth.clinical import YANAGIHARA, Grade, Movement, Palsy, Side
from palsynth.errors import InputError
from palsynth.face import topology
from palsynth.face.detect import detect_face
from palsynth.face.face import Face
from palsynth.face.measures import measure
from palsynth.simulator.drive import drive
from palsynth.simulator.photo import at_rest, simulate
from palsynth.simulator.register import PAIRED, SIDEWAYS, WHOLE, register
from palsynth.simulator.surface import (
    MIN_AREA,
    estimate_pose,
    fields,
    move,
    rest_surface,
    smallest_jacobian,
)
from palsynth.subjects import HeadPose, Scene, View, render, sample


def test_rest_without_a_palsy_changes_no_pixel(astronaut: Face) -> None:
    moved = simulate(astronaut, Movement.REST, Palsy.none())
    assert np.array_equal(moved.image, astronaut.image)
    assert not moved.support.any()


@pytest.mark.parametrize("movement", YANAGIHARA)
@pytest.mark.parametrize("side", list(Side))
def test_no_triangle_folds_and_no_pixel_changes_beyond_the_support(
    astronaut: Face, movement: Movement, side: Side
) -> None:
    moved = simulate(astronaut, movement, Palsy.peripheral(side, Grade.VI))
    beyond = ~moved.support
    assert np.array_equal(moved.image[beyond], astronaut.image[beyond])
    assert smallest_jacobian(at_rest(astronaut).points, moved.points) >= MIN_AREA * 0.99
    assert moved.support.any()


@pytest.mark.parametrize("side", list(Side))
def test_a_half_grin_lifts_the_healthy_corner(astronaut: Face, side: Side) -> None:
    neutral = simulate(astronaut, Movement.REST, Palsy.none()).points
    moved = simulate(astronaut, Movement.GRIN, Palsy.peripheral(side, Grade.VI)).points
    rise = {
        s: neutral[topology.COMMISSURE[s.value], 1] - moved[topology.COMMISSURE[s.value], 1]
        for s in Side
    }
    assert rise[side.other] > 0.05 * astronaut.outer_eyes
    assert rise[side] < 0.3 * rise[side.other]


def test_the_eye_that_works_is_shut_and_the_other_is_open(face: Face) -> None:
    palsy = Palsy.peripheral(Side.LEFT, Grade.VI)
    moved = simulate(face, Movement.CLOSE_EYES_LIGHTLY, palsy).points

    def gap(side: str) -> float:
        upper, lower = list(topology.UPPER_LID[side]), list(topology.LOWER_LID[side])
        return float(np.linalg.norm(moved[upper, :2] - moved[lower, :2], axis=1).max())

    assert gap("right") < 0.02 * face.outer_eyes
    assert gap("left") > 0.06 * face.outer_eyes
    seen = measure(detect_face(simulate(face, Movement.CLOSE_EYES_LIGHTLY, palsy).image).landmarks)
    assert seen.sided["palpebral fissure"].asymmetry > 0


def test_simulation_is_deterministic(astronaut: Face) -> None:
    palsy = Palsy.peripheral(Side.RIGHT, Grade.IV, late=True)
    one, two = (simulate(astronaut, Movement.GRIN, palsy).image for _ in range(2))
    assert np.array_equal(one, two)


def _dark(image: np.ndarray) -> np.ndarray:
    return (image * 0.35).astype(np.uint8)


def _bearded(image: np.ndarray) -> np.ndarray:
    out = image.copy()
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    chin = ((x - 128) / 55) ** 2 + ((y - 185) / 38) ** 2 < 1
    out[chin] = (out[chin] * 0.4).astype(np.uint8)
    return out


def _bespectacled(image: np.ndarray) -> np.ndarray:
    out = image.copy()
    for x in (102, 154):
        cv2.circle(out, (x, 108), 22, (30, 30, 30), 2, cv2.LINE_AA)
    return out


@pytest.mark.parametrize("change", [_dark, _bearded, _bespectacled])
def test_dark_skin_beards_and_glasses(
    neutral: np.ndarray, change: Callable[[np.ndarray], np.ndarray]
) -> None:
    altered = detect_face(change(neutral))
    moved = simulate(altered, Movement.GRIN, Palsy.peripheral(Side.LEFT, Grade.V))
    found = measure(detect_face(moved.image).landmarks)
    assert found.sided["commissure height"].asymmetry > 1  # mm


@pytest.mark.parametrize("yaw", [-20, -10, 10, 20])
def test_heads_turned_up_to_twenty_degrees(yaw: float) -> None:
    turned = render(sample(5), view=View(256, scene=Scene(pose=HeadPose(yaw=yaw)))).image
    face = detect_face(turned)
    moved = simulate(face, Movement.GRIN, Palsy.peripheral(Side.LEFT, Grade.V))
    assert smallest_jacobian(at_rest(face).points, moved.points) > 0
    own = measure(face.landmarks).sided["commissure height"].asymmetry
    found = measure(detect_face(moved.image).landmarks)
    assert found.sided["commissure height"].asymmetry - own > 2  # mm


def test_a_photo_of_4096_pixels(face: Face) -> None:
    large = cv2.resize(face.image, (4096, 4096), interpolation=cv2.INTER_CUBIC)
    big = Face(large, face.landmarks * 16)
    moved = simulate(big, Movement.GRIN, Palsy.peripheral(Side.LEFT, Grade.V))
    small = simulate(face, Movement.GRIN, Palsy.peripheral(Side.LEFT, Grade.V))
    assert moved.image.shape == (4096, 4096, 3)
    reduced = cv2.resize(moved.image, (256, 256), interpolation=cv2.INTER_AREA).astype(float)
    assert np.abs(reduced - small.image).mean() < 2.5


def test_pose_is_recovered() -> None:
    angle = np.radians(18)
    c, s = np.cos(angle), np.sin(angle)
    rotation = np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]])
    points = canonical_mesh().vertices[:468] @ rotation.T * 120 + [300, 200, 0]
    pose = estimate_pose(points)
    assert np.allclose(pose.rotation, rotation, atol=1e-4)
    assert abs(pose.scale - 120) < 0.05


def test_shipped_fields_are_symmetric_and_named() -> None:
    library = fields()
    assert set(library) == {*PAIRED, *WHOLE, SIDEWAYS, "depth", "smile"}
    mirror = canonical_mesh().mirror
    for name in (*PAIRED, *WHOLE, "smile"):
        values = library[name]
        assert np.allclose(values[mirror] * [-1, 1, 1], values, atol=2e-3), name
        assert np.abs(values).max() < 0.5
    assert rest_surface()[topology.NOSE_TIP, 2] == rest_surface()[:468, 2].min()
    smile = library["mouthSmile"]
    assert smile[topology.COMMISSURE["left"], 0] > 0.03
    assert smile[topology.COMMISSURE["left"], 1] < -0.05
    assert library["mouthLeft"][topology.CHIN - 1, 0] >= 0


def test_registration_of_a_small_scan(tmp_path) -> None:  # type: ignore[no-untyped-def]
    """An artificial scan, a slope that every field lifts by 0.1, is registered unchanged."""
    mesh = canonical_mesh()
    x, y = np.meshgrid(np.linspace(-1.3, 1.3, 27), np.linspace(-1.3, 1.9, 33))
    points = np.column_stack([x.ravel(), -y.ravel(), np.zeros(x.size)]).astype(np.float32)
    corner = np.arange(x.size).reshape(x.shape)
    a, b, c, d = corner[:-1, :-1], corner[:-1, 1:], corner[1:, :-1], corner[1:, 1:]
    triangles = np.vstack([np.column_stack([p.ravel() for p in t]) for t in ((a, b, c), (b, d, c))])
    places = mesh.vertices[list(topology.MULTIPIE_60.values()), :2]
    marks = np.zeros(68, np.int32)
    extra = []
    for number, place in zip(topology.MULTIPIE_60, places, strict=True):
        marks[number] = len(points) + len(extra)
        extra.append([place[0], -place[1], 0.0])
    points = np.vstack([points, extra]).astype(np.float32)
    points[:, 2] = 0.3 * points[:, 1]  # the scan's y points up and z towards the camera
    names = [f"{n}_{s}" for n in PAIRED for s in "LR"] + [*WHOLE, "mouthLeft", "mouthRight"]
    behind = points - np.array([0, 0, 1], np.float32)  # the back of the head, which does not move
    triangles = np.vstack([triangles, triangles + len(points)])
    points = np.vstack([points, behind]).astype(np.float32)
    deltas = np.zeros((len(names), len(points), 3), np.float32)
    deltas[:, : len(behind), 1] = 0.1
    for name, way in (("mouthLeft", 0.2), ("mouthRight", -0.2)):  # the patient's left is at +x
        deltas[names.index(name), : len(behind)] = (way, 0, 0)
    path = tmp_path / "scan.npz"
    np.savez(
        path, neutral=points, triangles=triangles, names=names, deltas=deltas, multipie68=marks
    )
    found = register(path, mesh)
    inner = np.abs(mesh.vertices[:, :2]).max(1) < 0.4
    unit = np.linalg.norm(points[marks[36]] - points[marks[45]])
    assert np.allclose(found["jawOpen"][inner, 1], -0.1 / unit, atol=1e-3)
    assert np.allclose(found["mouthSmile"][inner, 1], -0.2 / unit, atol=1e-3)  # both halves
    assert np.allclose(found["mouthLeft"][inner, 0], 0.2 / unit, atol=1e-3)
    slope = np.polyfit(mesh.vertices[inner, 1], found["depth"][inner], 1)[0]
    assert slope > 0.1, "lower points are further from the camera"


@pytest.mark.parametrize("landmark", [263, 473])
def test_a_photo_cut_off_through_an_eye_is_still_rendered(face: Face, landmark: int) -> None:
    width = int(face.landmarks[landmark, 0])
    cut = Face(np.ascontiguousarray(face.image[:, :width]), face.landmarks)
    moved = simulate(cut, Movement.GRIN, Palsy.peripheral(Side.LEFT, Grade.V))
    assert moved.image.shape == cut.image.shape


def test_a_photo_without_an_eye_is_refused(face: Face) -> None:
    width = int(face.landmarks[topology.INNER_CANTHUS["left"], 0]) - 4
    cut = Face(np.ascontiguousarray(face.image[:, :width]), face.landmarks)
    with pytest.raises(InputError, match="an eye lies outside the photo"):
        simulate(cut, Movement.GRIN, Palsy.peripheral(Side.LEFT, Grade.V))


def test_a_photo_with_teeth_keeps_its_own(astronaut: Face) -> None:
    """The opening is filled from the photo: the brightest pixels are its teeth."""
    moved = simulate(astronaut, Movement.DEPRESS_LIP, Palsy.none())
    lips = list(topology.INNER_UPPER_LIP + topology.INNER_LOWER_LIP)

    def teeth(image: np.ndarray, points: np.ndarray) -> np.ndarray:
        (left, top), (right, bottom) = points[lips, :2].min(0), points[lips, :2].max(0)
        window = image[int(top) : int(bottom) + 1, int(left) + 4 : int(right) - 3].reshape(-1, 3)
        return window[window.sum(1) >= np.percentile(window.sum(1), 70)].mean(0)

    before = teeth(astronaut.image, astronaut.landmarks)
    assert np.abs(teeth(moved.image, moved.points) - before).max() < 25


@pytest.mark.parametrize("side", list(Side))
def test_sealed_lips_part_no_further_than_at_rest(face: Face, side: Side) -> None:
    """Squeezing the eyes pulls at the upper lip; the parting is undone, on both lips."""
    rest = at_rest(face)
    activation = drive(Movement.CLOSE_EYES_TIGHTLY, Palsy.peripheral(side, Grade.II), intensity=1.2)
    upper, lower = (list(lip) for lip in (topology.INNER_UPPER_LIP, topology.INNER_LOWER_LIP))

    def parted(sealed: float) -> float:
        moved = move(rest.points, rest.pose, replace(activation, sealed=sealed))
        gap = (moved[lower, 1] - moved[upper, 1]) - (rest.points[lower, 1] - rest.points[upper, 1])
        return float(gap.max())

    assert parted(0.0) > 1.0
    assert parted(1.0) < 0.5
    assert parted(0.0) > parted(0.5) > parted(1.0)
