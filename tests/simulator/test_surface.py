"""From activation to shape: direction and side of each field, and how lids and lips meet."""

from __future__ import annotations

import numpy as np
import pytest

from palsynth.appearance.model import canonical_mesh
from palsynth.clinical import Movement, Palsy, Side, SidePalsy
from palsynth.face import topology
from palsynth.simulator.drive import Drive, SideDrive, drive
from palsynth.simulator.surface import (
    Pose,
    _close_lids,
    _seal_lips,
    _separate_lips,
    estimate_pose,
    field_displacement,
    fields,
    move,
    rest_surface,
    side_gate,
    smallest_jacobian,
)

FRONT = Pose(np.eye(3), 1.0)
LEFT_CORNER, RIGHT_CORNER = 291, 61


def _drive(left: dict[str, float], right: dict[str, float], **whole: float) -> Drive:
    return Drive(SideDrive(left), SideDrive(right), **whole)


@pytest.mark.parametrize(
    ("field", "landmark", "axis", "sign"),
    [
        ("browInnerUp", 285, 1, -1),  # the left brow's inner end goes up
        ("browOuterUp", 300, 1, -1),
        ("browDown", 285, 1, 1),
        ("eyeWide", 386, 1, -1),  # the upper lid up
        ("eyeSquint", 374, 1, -1),  # the lower lid up
        ("eyeBlink", 386, 1, 1),
        ("cheekRaiser", 425, 1, -1),
        ("cheekPuff", 425, 2, -1),  # towards the camera
        ("noseSneer", 358, 1, -1),
        ("mouthSmile", LEFT_CORNER, 1, -1),
        ("mouthSmile", LEFT_CORNER, 0, 1),
        ("mouthFrown", LEFT_CORNER, 1, 1),
        ("mouthStretch", LEFT_CORNER, 0, 1),
        ("mouthPucker", LEFT_CORNER, 0, -1),
        ("mouthPucker", LEFT_CORNER, 2, -1),
        ("mouthUpperUp", 269, 1, -1),
        ("mouthLowerDown", 405, 1, 1),
        ("mouthShrugLower", 152, 1, -1),
        ("jawOpen", 152, 1, 1),
        ("mouthLeft", LEFT_CORNER, 0, 1),
        ("mouthLeft", RIGHT_CORNER, 0, 1),
        ("smile", LEFT_CORNER, 0, 1),
        ("smile", 405, 1, 1),  # the learnt smile: the lower lip moves down
    ],
)
def test_direction_of_each_field(field: str, landmark: int, axis: int, sign: int) -> None:
    assert sign * fields()[field][landmark, axis] > 0.008


def test_depth_is_counted_from_the_eye_corners_and_the_nose_is_nearest() -> None:
    depth = rest_surface()[:, 2]
    assert depth[[33, 263]].mean() == pytest.approx(0, abs=1e-6)
    assert depth[topology.NOSE_TIP] < -0.2
    assert depth[[234, 454]].min() > 0.1


def test_the_gate_is_the_patients_left() -> None:
    gate, x = side_gate(), canonical_mesh().vertices[:, 0]
    assert (gate[x > 0.16] == 1).all()
    assert (gate[x < -0.16] == 0).all()
    assert gate[topology.NOSE_TIP] == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(("side", "corner"), [("left", LEFT_CORNER), ("right", RIGHT_CORNER)])
def test_each_side_moves_by_its_own_strength(side: str, corner: int) -> None:
    smile = {"mouthSmile": 0.5}
    moved = field_displacement(_drive(*((smile, {}) if side == "left" else ({}, smile))))
    other = topology.MIRROR[corner]
    assert moved[corner] == pytest.approx(0.5 * fields()["mouthSmile"][corner], abs=1e-7)
    assert not moved[other].any()


def test_positive_drag_is_to_the_patients_left() -> None:
    towards_left = field_displacement(_drive({}, {}, drag=0.5))
    assert towards_left == pytest.approx(0.5 * fields()["mouthLeft"], abs=1e-7)
    towards_right = field_displacement(_drive({}, {}, drag=-0.5))
    assert towards_right[13, 0] == pytest.approx(-towards_left[13, 0], abs=1e-6)
    assert towards_right[13, 0] < -0.03
    assert towards_right[LEFT_CORNER, 1] == pytest.approx(towards_left[RIGHT_CORNER, 1], abs=1e-6)


def test_jaw_and_offset_count_once() -> None:
    activation = _drive({}, {}, jaw=0.3)
    activation.offset = np.full_like(rest_surface(), 0.01)
    assert field_displacement(activation) == pytest.approx(
        0.3 * fields()["jawOpen"] + 0.01, abs=1e-6
    )


def test_an_eye_without_tone_is_wider_and_its_lower_lid_sags() -> None:
    """On the patient's left, without tone; brow and corner hang lower too."""
    palsy = Palsy(left=SidePalsy(Palsy.weakness(Side.LEFT, 1.0).left.function, tone=0.0))
    rest = rest_surface()
    displacement = move(rest, FRONT, drive(Movement.REST, palsy)) - rest
    upper, lower, brow, corner = (
        displacement[386, 1],
        displacement[374, 1],
        displacement[300, 1],
        displacement[LEFT_CORNER, 1],
    )
    assert upper < -0.005, "up"
    assert lower > 0.01, "down"
    assert brow > 0.01
    assert corner > 0.01
    assert displacement[RIGHT_CORNER, 0] < -0.003, "the mouth is pulled to the healthy side"
    assert np.abs(displacement[[159, 145, 70], 1]).max() < 1e-4, "the right eye and brow stay"


def _lids(closure: float, side: Side) -> np.ndarray:
    """Travel of the upper and lower lid as shares of the gap between them."""
    rest = rest_surface()
    moved = rest.copy()
    _close_lids(moved, rest, np.zeros_like(rest), side, closure)
    upper, lower = (list(lid[side.value])[2:-2] for lid in (topology.UPPER_LID, topology.LOWER_LID))
    gap = rest[lower, 1] - rest[upper, 1]
    still = list(topology.UPPER_LID[side.other.value])
    assert np.array_equal(moved[still], rest[still])
    displacement = np.stack([(moved - rest)[upper, 1] / gap, (moved - rest)[lower, 1] / gap])
    assert np.allclose(displacement, displacement[:, :1], atol=1e-4)
    return displacement[:, 0]


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize(
    ("closure", "travels"),
    [
        (1.0, (0.86, -0.14)),
        (0.5, (0.43, -0.07)),
        (1.4, (0.86, -0.14)),
        (-0.2, (-0.172, 0.0)),
        (-3.0, (-0.344, 0.0)),
    ],
)
def test_the_upper_lid_travels_most_of_the_distance(
    closure: float, travels: tuple[float, float], side: Side
) -> None:
    assert _lids(closure, side) == pytest.approx(travels, abs=1e-4)


@pytest.mark.parametrize(("sealed", "left"), [(1.0, 0.0), (0.5, 0.03), (0.0, 0.06)])
def test_sealed_lips_meet_half_way(sealed: float, left: float) -> None:
    """Lips that a movement parts by 0.06 more than at rest."""
    rest = rest_surface()
    moved = rest.copy()
    upper, lower = topology.INNER_UPPER_LIP[5], topology.INNER_LOWER_LIP[5]
    moved[list(topology.INNER_LOWER_LIP), 1] += 0.06
    _seal_lips(moved, rest, sealed)
    gap = (moved - rest)[lower, 1] - (moved - rest)[upper, 1]
    assert gap == pytest.approx(left, abs=1e-5)
    assert (moved - rest)[upper, 1] == pytest.approx(sealed * 0.03, abs=1e-5)


def test_lips_that_would_pass_through_each_other_meet() -> None:
    rest = rest_surface()
    moved = rest.copy()
    upper, lower = topology.INNER_UPPER_LIP[5], topology.INNER_LOWER_LIP[5]
    gap = rest[lower, 1] - rest[upper, 1]
    moved[upper, 1] += gap + 0.04
    _separate_lips(moved, rest)
    assert moved[upper, 1] == pytest.approx(moved[lower, 1], abs=1e-6)
    assert moved[lower, 1] - rest[lower, 1] == pytest.approx(0.02, abs=1e-6)


@pytest.mark.parametrize("dims", [2, 3])
def test_pose_of_a_tilted_head(dims: int) -> None:
    """Clockwise in the image by 20 degrees: x turns towards y, which points down."""
    c, s = np.cos(np.radians(20)), np.sin(np.radians(20))
    rotation = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    points = (canonical_mesh().vertices[:468] @ rotation.T * 80 + [300, 200, 0])[:, :dims]
    pose = estimate_pose(points)
    assert np.allclose(pose.rotation, rotation, atol=1e-4)
    assert pose.scale == pytest.approx(80, abs=0.05)


def test_displacements_follow_pose_and_scale_of_the_image() -> None:
    """A head tilted clockwise by 90 degrees: up on the face is right in the image."""
    turn = Pose(np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]), 50.0)
    rest = rest_surface() @ turn.rotation.T * 50 + [200, 200, 0]
    activation = _drive({"mouthSmile": 0.3}, {"mouthSmile": 0.3})
    displacement = (move(rest.astype(np.float32), turn, activation) - rest)[LEFT_CORNER]
    dx, dy, _ = 0.3 * fields()["mouthSmile"][LEFT_CORNER]
    assert displacement[:2] == pytest.approx([-50 * dy, 50 * dx], abs=0.02)
    assert displacement[0] > 1


def test_smallest_jacobian_is_a_share_of_the_area_at_rest() -> None:
    points = rest_surface() * 100
    assert smallest_jacobian(points, points) == 1
    assert smallest_jacobian(points, 0.5 * points) == pytest.approx(0.25, rel=1e-4)
    assert smallest_jacobian(points, points * [-1, 1, 1]) == pytest.approx(-1, rel=1e-4)
