"""Readings of hand-written coefficients: weak side, clarity, and reasons for uncertainty."""

from __future__ import annotations

import numpy as np
import pytest

from palsynth.capture.basis import basis
from palsynth.capture.compare import compare, displacement
from palsynth.capture.evidence import certainty, regions, ways
from palsynth.capture.reading import mouth_difference, read, strengths
from palsynth.clinical import Movement, Side
from palsynth.simulator.surface import fields
from tests.capture.coefficients import make_coefficients

SIDES = pytest.mark.parametrize("side", list(Side))
BROWS_UP = {"browInnerUp": 0.4, "browOuterUp": 0.4}
RIGHT_BROW = [70, 63, 105, 66, 107, 46, 53, 52, 65, 55]


def _on(side: Side, values: dict[str, float]) -> dict[str, dict[str, float]]:
    return {side.value: values}


def test_coefficients_become_the_columns_of_their_own_side() -> None:
    found = strengths(
        make_coefficients(
            {"mouthSmile": 0.3}, {"mouthSmile": 0.7}, middle={"jawOpen": 0.2}, drag=-0.4
        )
    )
    named = {name: value for name, value in zip(basis().names, found, strict=True) if value}
    assert named == {
        ("mouthSmile", "left"): 0.3,
        ("mouthSmile", "right"): 0.7,
        ("jawOpen", "middle"): 0.2,
        ("drag", "right"): 0.4,
    }
    assert strengths(make_coefficients(drag=0.4))[basis().index("drag", "left")] == 0.4


@SIDES
def test_a_region_is_moved_by_its_own_fields_on_its_own_side(side: Side) -> None:
    both = {**BROWS_UP, "mouthSmile": 0.5, "eyeSquint": 0.9}
    found = strengths(make_coefficients(**_on(side, both)))
    brow, mouth = (ways(found, regions()[name]) for name in ("brow", "mouth"))
    assert brow[side][:, 1].max() < -0.005
    assert mouth[side][0] == pytest.approx(
        0.5 * fields()["mouthSmile"][{Side.LEFT: 291, Side.RIGHT: 61}[side], :2], abs=1e-6
    )
    assert np.abs(brow[side.other]).max() < 1e-3, "but for the midline's blend"
    assert np.abs(mouth[side.other][:2]).max() < 1e-6
    assert set(regions()) == {"brow", "mouth"}


@pytest.mark.parametrize(
    ("way", "with_rest", "sure"),
    [
        (0.006, True, 0.0),
        (0.010, True, 0.5),
        (0.014, True, 1.0),
        (0.014, False, 0.0),
        (0.0225, False, 0.5),
        (0.031, False, 1.0),
    ],
)
def test_displacement_from_which_a_region_counts_as_moving(
    way: float, with_rest: bool, sure: float
) -> None:
    one = fields()["browInnerUp"][[*RIGHT_BROW], :2]  # both sides move alike
    strength = way / np.sqrt(np.square(one).sum(1).mean())
    up = {"browInnerUp": strength}
    found = certainty(strengths(make_coefficients(up, up)), with_rest)
    assert found["brow"] == pytest.approx(sure, abs=2e-3)
    assert found["mouth"] < 0.01


@SIDES
@pytest.mark.parametrize(("with_rest", "limit"), [(True, 0.0115), (False, 0.0166)])
def test_the_brow_that_goes_up_less_is_weak(side: Side, with_rest: bool, limit: float) -> None:
    found = read(make_coefficients(**_on(side.other, BROWS_UP), with_rest=with_rest))
    brow = found.regions["brow"]
    up = -0.4 * (fields()["browInnerUp"] + fields()["browOuterUp"])[RIGHT_BROW, 1].mean()
    went = {Side.LEFT: brow.left, Side.RIGHT: brow.right}
    assert went[side.other] == pytest.approx(100 * up, rel=2e-3)
    assert went[side] == pytest.approx(0, abs=1e-2)
    assert brow.clear == pytest.approx(up / limit, rel=2e-3)
    assert brow.weak_side is found.weak_side is side


@SIDES
def test_the_corner_that_goes_up_less_is_weak_but_pulled_down_it_is_strong(side: Side) -> None:
    smile = fields()["mouthSmile"]
    half = make_coefficients(**_on(side.other, {"mouthSmile": 0.6}))
    difference = 0.6 * (-smile[61, 1] - 0.5 * smile[39, 1])
    assert mouth_difference(half) == pytest.approx(side.sign * difference, abs=1e-5)
    assert difference > 0.05
    assert read(half, Movement.GRIN).weak_side is read(half).weak_side is side
    assert read(half).regions["mouth"].clear == pytest.approx(difference / 0.0242, rel=1e-4)
    pulled = make_coefficients(**_on(side, {"mouthFrown": 1.0}))
    assert read(pulled, Movement.DEPRESS_LIP).weak_side is side.other
    assert read(pulled, Movement.REST).weak_side is side, "at rest a lower corner hangs"
    assert read(pulled).weak_side is None
    assert f"the {side.value} corner is lower" in read(pulled).reason


@pytest.mark.parametrize(("drag", "weak"), [(0.6, Side.RIGHT), (-0.6, Side.LEFT)])
def test_a_mouth_dragged_aside_leaves_the_weak_side(drag: float, weak: Side) -> None:
    assert read(make_coefficients(drag=drag), Movement.GRIN).weak_side is weak


@SIDES
def test_the_eye_that_stays_open_is_weak_unless_it_winks(side: Side) -> None:
    def eyes(closed: float, opened: float) -> tuple[float, float]:
        return (opened, closed) if side is Side.LEFT else (closed, opened)

    one = make_coefficients(closure=eyes(0.9, 0.05))
    requested = read(one, Movement.CLOSE_EYES_LIGHTLY)
    assert requested.weak_side is side
    assert requested.regions["eyes"].clear == pytest.approx(0.85 / 0.20)
    assert (requested.regions["eyes"].left, requested.regions["eyes"].right) == pytest.approx(
        tuple(100 * v for v in eyes(0.9, 0.05))
    )
    for movement in (None, Movement.WINK):
        assert read(one, movement).weak_side is None
        assert "may be a wink" in read(one, movement).reason
    assert read(make_coefficients(closure=eyes(0.9, 0.2))).weak_side is side, (
        "partly closed: attempted"
    )
    assert read(make_coefficients(closure=eyes(0.9, 0.75)), Movement.BLINK).weak_side is None, (
        "0.15 is noise"
    )
    assert read(make_coefficients(closure=eyes(0.45, 0.0)), Movement.BLINK).weak_side is None, (
        "neither shuts"
    )


@pytest.mark.parametrize(
    ("yaw", "with_rest", "wider"),
    [(8, True, 1.0), (16, True, 1.5), (-16, True, 1.5), (16, False, 2.0), (24, False, 3.0)],
)
def test_a_turned_head_widens_the_limits(yaw: float, with_rest: bool, wider: float) -> None:
    limit = 0.20 if with_rest else 0.25
    found = read(
        make_coefficients(closure=(0.9, 0.1), yaw=yaw, with_rest=with_rest), Movement.BLINK
    )
    assert found.regions["eyes"].clear == pytest.approx(0.8 / (limit * wider))


@pytest.mark.parametrize(
    ("yaw", "with_rest", "wider"),
    [(0, True, 1.0), (16, True, 4.0), (-24, True, 7.0), (0, False, 1.0), (16, False, 2.0)],
)
def test_a_turned_head_widens_the_limit_of_brows_most_if_the_rest_is_known(
    yaw: float, with_rest: bool, wider: float
) -> None:
    raised = make_coefficients(
        {"browOuterUp": 1.0}, {"browOuterUp": 0.2}, yaw=yaw, with_rest=with_rest
    )
    brow = read(raised, Movement.WRINKLE_FOREHEAD).regions["brow"]
    limit = 0.0115 if with_rest else 0.0166
    assert brow.clear == pytest.approx(abs(brow.left - brow.right) / 100 / (limit * wider))


@pytest.mark.parametrize(
    ("yaw", "with_rest", "wider"),
    [(0, True, 1.0), (16, True, 1.5), (0, False, 1.0), (24, False, 3)],
)
def test_a_turned_head_widens_the_mouths_limit(yaw: float, with_rest: bool, wider: float) -> None:
    smiling = make_coefficients(
        {"mouthSmile": 0.2}, {"mouthSmile": 1.0}, yaw=yaw, with_rest=with_rest
    )
    limit = 0.0242 if with_rest else 0.0260
    clear = read(smiling, Movement.GRIN).regions["mouth"].clear
    assert clear == pytest.approx(abs(mouth_difference(smiling)) / (limit * wider))


def test_a_difference_within_the_widened_limit_is_attributed_to_the_turn() -> None:
    found = read(make_coefficients(closure=(0.9, 0.62), yaw=20), Movement.BLINK)
    assert found.weak_side is None
    assert found.reason == "not sure: the head is turned by 20°"


def test_regions_that_disagree_give_no_weak_side() -> None:
    both = make_coefficients(BROWS_UP, {"mouthSmile": 0.35})
    assert read(both).regions["brow"].weak_side is Side.RIGHT
    assert read(both).regions["mouth"].weak_side is Side.LEFT
    assert read(both).weak_side is None
    assert read(both).reason == "not sure: regions disagree about the side"


@SIDES
def test_an_eye_that_narrows_with_the_mouth_is_reported(side: Side) -> None:
    smile = {"mouthSmile": 0.8}
    narrow = (0.3, 0.0) if side is Side.LEFT else (0.0, 0.3)
    found = read(make_coefficients(smile, smile, closure=narrow), Movement.GRIN)
    assert found.synkinesis == (f"the {side.value} eye narrows as the mouth moves",)
    further = make_coefficients(**_on(side, smile), closure=narrow)  # expected of the smiling side
    assert read(further, Movement.GRIN).synkinesis == ()
    assert read(make_coefficients(closure=narrow), Movement.GRIN).synkinesis == (), (
        "the mouth does not move"
    )
    once = read(make_coefficients({"mouthSmile": 1.0})).regions["mouth"].left / 100
    little = {"mouthSmile": 0.8 - 0.012 / once}  # the other corner goes 0.012 less far up
    sides = {side.value: smile, side.other.value: little}
    for shut, named in ((0.06, False), (0.07, True)):  # the smile explains 0.012 of it
        narrow = (shut, 0.0) if side is Side.LEFT else (0.0, shut)
        assert (
            bool(read(make_coefficients(**sides, closure=narrow), Movement.GRIN).synkinesis)
            is named
        )
    eyes_shut = make_coefficients(**_on(side, {"mouthSmile": 0.5}), closure=(0.9, 0.9))
    assert read(eyes_shut).synkinesis == (
        f"the {side.value} corner of the mouth goes up as the eyes close",
    )


@SIDES
def test_lids_that_differ_by_more_than_two_fifths_are_reported(side: Side) -> None:
    def lids(own: float) -> tuple[float, float]:
        return (own, 1.0) if side is Side.LEFT else (1.0, own)

    patient = make_coefficients(closure=(1.0, 1.0))
    half = compare(patient, make_coefficients(closure=lids(0.55)), Movement.BLINK)
    assert half.movement == (f"the {side.value} eye is 55 % shut, the patient's 100 % shut",)
    assert half.side == f"the {side.value} looks weak, neither side of the patient does"
    opened = compare(make_coefficients(closure=lids(0.1)), patient, Movement.BLINK)
    assert opened.movement == (f"the {side.value} eye is 100 % shut, the patient's open",)
    assert opened.weak_side is side
    assert compare(patient, make_coefficients(closure=lids(0.65))).movement == ()


def test_a_region_that_moves_differently_is_reported_in_outer_eye_distances() -> None:
    up, smile = {"browInnerUp": 1.0, "browOuterUp": 1.0}, {"mouthSmile": 0.8}
    lines = compare(make_coefficients(up, up), make_coefficients()).movement
    assert len(lines) == 1
    assert lines[0].startswith("the brow moves differently: ")
    way = np.square((fields()["browInnerUp"] + fields()["browOuterUp"])[RIGHT_BROW, :2])
    share = f"{100 * np.sqrt(way.sum(1).mean()):.1f} %"
    assert lines[0].endswith(
        f"off by {share} of the outer-eye distance, the patient's moves by {share}"
    )
    assert compare(make_coefficients(smile, smile), make_coefficients(smile, smile)).movement == ()
    assert [
        line.split()[1]
        for line in compare(make_coefficients(smile, smile), make_coefficients()).movement
    ] == ["mouth"]


def test_displacement_of_landmarks_is_the_sum_of_the_fields() -> None:
    moved = displacement(make_coefficients({"mouthSmile": 0.5}, middle={"jawOpen": 0.2}))
    expected = (0.5 * fields()["mouthSmile"] + 0.2 * fields()["jawOpen"])[291, :2]
    assert moved[291] == pytest.approx(expected, abs=1e-6)
    assert moved[61] == pytest.approx(0.2 * fields()["jawOpen"][61, :2], abs=1e-6)
