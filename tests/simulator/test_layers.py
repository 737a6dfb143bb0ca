"""The layers behind and in front of the skin, each on its side: eyeballs, lashes, teeth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from palsynth.appearance.teeth import TOOTH_WHITE, sample_mouth
from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.face import topology
from palsynth.face.face import Face
from palsynth.simulator.compose import STILL, compose
from palsynth.simulator.drive import SideDrive, drive
from palsynth.simulator.lashes import draw_lashes
from palsynth.simulator.lid_skin import paint_lid
from palsynth.simulator.lids import eye_roll
from palsynth.simulator.mouth import _lip_shade, tooth_colour
from palsynth.simulator.photo import at_rest, simulate
from palsynth.simulator.smile import MOUTH, Smile
from palsynth.simulator.surface import Pose


@pytest.mark.parametrize(("side", "x"), [(Side.LEFT, 1.1), (Side.RIGHT, -1.1)])
def test_an_eye_rolls_up_and_outward(side: Side, x: float, face: Face) -> None:
    """Half of Bell's phenomenon at 100 pixels per unit: 0.033 up, 0.011 out."""
    rest = replace(at_rest(face), pose=Pose(np.eye(3), 100.0))
    assert eye_roll(rest, side, SideDrive(bell=0.5)) == pytest.approx([x, -3.3], abs=1e-4)
    assert not eye_roll(rest, side, SideDrive(bell=0.0)).any()
    lying = replace(rest, pose=Pose(np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]), 100.0))
    assert eye_roll(lying, side, SideDrive(bell=0.5)) == pytest.approx([3.3, x], abs=1e-4)


def test_a_photo_at_rest_has_each_eye_on_its_side(face: Face) -> None:
    rest = at_rest(face)
    for side, number in ((Side.RIGHT, 468), (Side.LEFT, 473)):
        assert rest.eyes[side].centre == pytest.approx(face.landmarks[number, :2])
        lids = face.landmarks[list(topology.UPPER_LID[side.value]), 0]
        assert lids.min() < rest.eyes[side].centre[0] < lids.max()
    assert rest.eyes[Side.LEFT].centre[0] > rest.eyes[Side.RIGHT].centre[0]
    assert not rest.is_synthetic
    assert np.array_equal(rest.points[:468], face.landmarks[:468])


def _changed(face: Face, one: np.ndarray, other: np.ndarray) -> set[str]:
    """The sides, the patient's, in which two images differ."""
    columns = np.flatnonzero((one != other).any((0, 2)))
    middle = face.landmarks[topology.NASION, 0]
    found = {"left"} if (columns > middle + 3).any() else set()
    return found | ({"right"} if (columns < middle - 3).any() else set())


@pytest.mark.parametrize("side", list(Side))
def test_only_the_weak_eye_rolls(side: Side, face: Face) -> None:
    palsy = Palsy.peripheral(side, Grade.VI)
    still, rolled = (
        simulate(face, Movement.CLOSE_EYES_LIGHTLY, palsy, bell=bell).image for bell in (0.0, 1.0)
    )
    assert _changed(face, still, rolled) == {side.value}


@pytest.mark.parametrize("side", list(Side))
def test_only_the_requested_eye_winks(side: Side, face: Face) -> None:
    image = compose(at_rest(face), drive(Movement.WINK, Palsy.none(), wink=side)).image
    change = np.abs(image.astype(float) - face.image).mean(-1)
    for eye, number in (("right", 468), ("left", 473)):
        x, y = face.landmarks[number, :2].round().astype(int)
        inside = change[y - 3 : y + 4, x - 3 : x + 4].mean()
        assert inside > 20 if eye == side.value else inside < 1


def _lashes(side: Side, closure: float) -> np.ndarray:
    """Darkness (H, W) of lashes along a level margin at row 40."""
    image = np.full((80, 120, 3), 200, np.float32)
    margin = np.column_stack([np.linspace(20, 100, 40), np.full(40, 40.0)])
    return (200 - draw_lashes(image, margin, 300.0, side, closure, 1.0)).mean(-1)


@pytest.mark.parametrize("side", list(Side))
def test_lashes_point_up_from_an_open_lid_and_down_from_a_shut_one(side: Side) -> None:
    opened, shut = _lashes(side, 0.0), _lashes(side, 1.0)
    assert opened[:35].sum() > 5 * opened[46:].sum()
    assert shut[46:].sum() > 5 * shut[:35].sum()


def test_lashes_are_thickest_at_the_outer_corner_and_alike_on_both_sides() -> None:
    left, right = _lashes(Side.LEFT, 0.0), _lashes(Side.RIGHT, 0.0)
    assert left[:, 80:].sum() > 1.5 * left[:, :40].sum(), "the patient's left, at larger x"
    assert right[:, :40].sum() > 1.5 * right[:, 80:].sum()
    assert left[:35, 101:].sum() > 2 * left[:35, :20].sum(), "and point outward there"
    assert right[:35, :20].sum() > 2 * right[:35, 101:].sum()
    assert np.abs(left - right[:, ::-1]).mean() < 0.2 * left.mean() + 1


def test_fainter_lashes_darken_less() -> None:
    image = np.full((80, 120, 3), 200, np.float32)
    margin = np.column_stack([np.linspace(20, 100, 40), np.full(40, 40.0)])
    whole, partly = (
        200 - draw_lashes(image, margin, 300.0, Side.LEFT, 0.0, strength).astype(float)
        for strength in (1.0, 0.5)
    )
    assert np.allclose(partly, whole / 2, atol=0.01)


@pytest.mark.parametrize(("brightest", "level"), [(200, 0.46 * 200 + 142), (0, 165), (255, 248)])
def test_teeth_are_as_light_as_the_brightest_of_the_skin(brightest: int, level: float) -> None:
    """The brightest channel of the brightest tenth, at the landmarks only."""
    skin = np.full((100, 100, 3), 255, np.uint8)
    skin[20:40, 50:90] = (brightest, brightest // 2, 0)
    skin[60:80, 10:30] = 0
    points = np.full((468, 2), [60.0, 30.0])
    points[:375] = [20, 70]  # four fifths lie in the dark
    assert tooth_colour(skin, points) == pytest.approx(level * TOOTH_WHITE, rel=1e-5)
    assert TOOTH_WHITE[0] > TOOTH_WHITE[1] > TOOTH_WHITE[2], "ivory, not blue"


@pytest.mark.parametrize(("jaw", "drop"), [(0.1, 0.0), (0.36, 0.06)])
def test_the_teeth_are_fixed_to_skull_and_jaw(
    jaw: float, drop: float, face: Face, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The upper incisors' edge is 0.040 below the line of the closed lips, however the lips move;
    the lower row moves down once the jaw opens beyond a smile's 0.16."""
    requested: list[tuple[np.ndarray, np.ndarray, float]] = []

    def teeth(x: np.ndarray, y: np.ndarray, drop: float, *light: object) -> np.ndarray:
        requested.append((x, y, drop))
        return sample_mouth(x, y, drop, *light)  # type: ignore[arg-type]

    monkeypatch.setattr("palsynth.simulator.mouth.sample_mouth", teeth)
    rest = at_rest(face)
    activation = replace(drive(Movement.GRIN, Palsy.none()), jaw=jaw)
    moved = compose(rest, activation)
    ((x, y, found),) = requested
    assert found == pytest.approx(drop)
    corner = moved.points[topology.INNER_UPPER_LIP[0], 0]
    lips = (rest.points[13, :2] + rest.points[14, :2]) / 2
    unit = rest.pose.scale
    # the window begins two pixels beyond the opening
    assert x[0, 0] == pytest.approx((corner - 2 - lips[0]) / unit, abs=2 / unit)
    assert (y[1, 0] - y[0, 0]) * unit == pytest.approx(1, abs=0.01), "y points down"
    top = moved.points[list(topology.INNER_UPPER_LIP), 1].min()
    assert y[0, 0] == pytest.approx((top - 2 - lips[1]) / unit - 0.040, abs=2 / unit)


@pytest.mark.parametrize(
    ("gap", "light"),
    [
        (0.025, 0.75 * 2 * np.exp(-0.3 * 0.5)),
        (0.05, 2.0),
        (0.10, 2 * np.exp(0.3)),
        (0.30, 2 * np.exp(0.3 * 1.5)),
    ],
)
def test_light_within_the_mouth_grows_with_its_opening(gap: float, light: float) -> None:
    """Twice the light on average, log 0.3 more per standard deviation of 0.05; less in a slit."""
    unit = 200.0
    x = np.linspace(20.0, 80.0, 30)
    upper, lower = (np.column_stack([x, np.full(30, y)]) for y in (20.0, 20.0 + gap * unit))
    learnt = np.stack([np.full((*MOUTH, 3), np.log(2)), np.full((*MOUTH, 3), 0.3)])
    smile = Smile(np.zeros(0), np.zeros(0), learnt.astype(np.float32), (0.05, 0.05))
    found = _lip_shade(upper, lower, (40, 100), np.zeros(2), unit, smile)
    assert found[22, 50] == pytest.approx(light, rel=1e-4)


def test_an_eye_that_only_rolls_is_rendered(face: Face) -> None:
    activation = drive(Movement.REST, Palsy.none())
    activation.left.bell = 1.0
    image = compose(at_rest(face), activation).image
    assert _changed(face, image, face.image) == {"left"}


@pytest.mark.parametrize("closure", [0.02, -0.02])
def test_an_eye_whose_lids_hardly_move_stays_as_it_is(closure: float, face: Face) -> None:
    """Lids that have begun to move do not change the eye behind them at once."""
    rest, activation = at_rest(face), drive(Movement.REST, Palsy.none())
    activation.left.closure = closure
    moved = compose(rest, activation)
    lids = list(topology.eye_polygon("left"))
    assert STILL < np.abs(moved.points - rest.points)[lids].max() < 0.3  # pixels
    x, y = face.landmarks[lids, :2].T.round().astype(int)
    eye = np.s_[y.min() : y.max() + 1, x.min() : x.max() + 1]
    assert np.abs(moved.image[eye].astype(float) - face.image[eye]).mean() < 1.5


def test_a_lid_is_painted_as_far_as_it_shuts(face: Face) -> None:
    """By a smoothstep up to a closure of 0.6, on one eye only."""
    rest, black = at_rest(face), np.zeros_like(face.image, np.float32)
    none, partly, mostly, shut = (
        paint_lid(black, rest, rest.points, Side.LEFT, closure, np.zeros(2))
        for closure in (0.0, 0.3, 0.6, 1.0)
    )
    assert not none.any()
    assert np.allclose(partly, mostly / 2, atol=1e-3)
    assert np.array_equal(mostly, shut)
    x = np.flatnonzero(shut.any((0, 2)))
    corners = face.landmarks[[362, 263], 0]
    assert corners[0] - 2 <= x.min() < x.max() <= corners[1] + 2
