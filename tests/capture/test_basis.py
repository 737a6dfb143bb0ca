"""The columns of the linear system, their bounds and their prior."""

from __future__ import annotations

import numpy as np
import pytest

from palsynth.capture.basis import basis
from palsynth.capture.evidence import certainty, regions
from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.face import topology
from palsynth.simulator.drive import drive
from palsynth.simulator.surface import fields

RIGHT_CORNER, LEFT_CORNER = 61, 291


def test_each_side_has_a_column_and_some_fields_have_one_for_both() -> None:
    names = basis().names
    assert len(names) == len(set(names)) == 18 * 2 + 4 + 2
    middle = {field for field, side in names if side == "middle"}
    assert middle == {"jawOpen", "mouthRollLower", "mouthRollUpper", "mouthShrugUpper"}
    assert basis().columns.shape == (42, 468, 3)


def test_a_sides_column_moves_its_side_and_both_make_the_field() -> None:
    columns, whole = basis().columns, fields()["mouthSmile"][:468]
    left, right = (columns[basis().index("mouthSmile", side)] for side in ("left", "right"))
    assert np.allclose(left[RIGHT_CORNER], 0, atol=1e-6)
    assert np.allclose(right[LEFT_CORNER], 0, atol=1e-6)
    assert np.linalg.norm(left[LEFT_CORNER]) > 0.05
    assert np.allclose(left + right, whole, atol=1e-6)
    to_left, to_right = (columns[basis().index("drag", side)] for side in ("left", "right"))
    assert to_left[LEFT_CORNER, 0] > 0 > to_right[RIGHT_CORNER, 0]  # the patient's left is at x > 0
    mirrored = to_left[topology.MIRROR[:468]] * [-1, 1, 1]
    assert np.allclose(to_right, mirrored, atol=2e-3)


def test_bounds_of_the_strengths() -> None:
    sagging = {"browInnerUp", "browOuterUp", "cheekRaiser", "eyeSquint", "mouthSmile"}
    upper_bounds = {"mouthPucker": 2.0, "cheekPuff": 3.3, "jawOpen": 1.2, "drag": 1.0}
    for (field, _), low, high in zip(basis().names, basis().low, basis().high, strict=True):
        assert low == (-0.8 if field in sagging else 0.0), field
        assert high == upper_bounds.get(field, 1.5), field


def test_prior_of_the_strengths() -> None:
    """Sides and middle are independent; on one side, fields vary as in patients of every grade,
    early and late, over all movements, plus a deviation of 0.05; the prior has the weight 0.15."""
    precision, names = basis().precision, basis().names
    deviations = {"jawOpen": 0.25, "drag": 0.25}
    sides = np.array([side for _, side in names])
    drag = np.array([field == "drag" for field, _ in names])
    for k, (field, side) in enumerate(names):
        if side == "middle" or field == "drag":
            assert precision[k, k] == pytest.approx(0.15 / deviations.get(field, 0.12) ** 2)
            assert np.count_nonzero(precision[k]) == 1
    left, right = ((sides == side) & ~drag for side in ("left", "right"))
    assert not precision[np.ix_(left, right)].any()
    moments = np.linalg.inv(precision[np.ix_(left, left)] / 0.15)
    assert np.allclose(moments, np.linalg.inv(precision[np.ix_(right, right)] / 0.15))
    palsies = [Palsy.none()] + [
        Palsy.peripheral(Side.LEFT, grade, late=late)
        for grade in (Grade.II, Grade.III, Grade.IV, Grade.V, Grade.VI)
        for late in (False, True)
    ]
    seen = [
        (
            activation.of(side).fields.get("smile", 0.0),
            activation.of(side).fields.get("mouthUpperUp", 0.0),
        )
        for movement in Movement
        for palsy in palsies
        for effort in (0.4, 0.7, 1.0)
        for activation in [drive(movement, palsy, intensity=effort)]
        for side in Side
    ]
    own = [field for field, side in names if side == "left" and field != "drag"]
    smile, upper = own.index("smile"), own.index("mouthUpperUp")
    squares = np.mean([(a * a, b * b, a * b) for a, b in seen], 0)
    assert moments[smile, smile] == pytest.approx(squares[0] + 0.0025)
    assert moments[upper, upper] == pytest.approx(squares[1] + 0.0025)
    assert moments[smile, upper] == pytest.approx(squares[2])


def test_regions_are_symmetric() -> None:
    for name, region in regions().items():
        right, left = (region.points[side] for side in (Side.RIGHT, Side.LEFT))
        assert {int(topology.MIRROR[p]) for p in right} == set(left), name
        assert len(set(left)) == len(left)
    assert {61, 78}.issubset(regions()["mouth"].points[Side.RIGHT])
    assert {291, 308}.issubset(regions()["mouth"].points[Side.LEFT])
    mouth = set(regions()["mouth"].fields)
    assert {"smile", "mouthUpperUp", "jawOpen", "drag"} <= mouth
    assert not mouth & {"browInnerUp", "browOuterUp", "browDown", "eyeSquint", "cheekRaiser"}


def test_certainty_of_a_face_at_rest_and_of_a_smile() -> None:
    still, smiling, brows = np.zeros((3, 42))
    for side in ("left", "right"):
        smiling[basis().index("mouthSmile", side)] = 1.0
        brows[basis().index("browOuterUp", side)] = 1.5
    for with_rest in (False, True):
        assert certainty(still, with_rest) == {"brow": 0.0, "mouth": 0.0}
        assert certainty(smiling, with_rest) == {"brow": 0.0, "mouth": 1.0}
        assert certainty(brows, with_rest)["mouth"] == 0.0
        assert certainty(brows, with_rest)["brow"] > 0.5
