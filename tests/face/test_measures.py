from __future__ import annotations

import numpy as np
import pytest

from palsynth.evaluation.agreement import weighted_kappa
from palsynth.face import topology
from palsynth.face.measures import MIDLINE, SIDED, measure
from tests.face.measured import MIDLINE_MM, SIDED_MM, hand_made


def test_every_measure_of_a_face_of_round_numbers() -> None:
    found = measure(hand_made())
    assert found.unit == "mm"
    assert found.outer_eye == pytest.approx(200)
    assert tuple(found.sided) == SIDED == tuple(SIDED_MM)
    assert tuple(found.midline) == MIDLINE == tuple(MIDLINE_MM)
    for name, (left, right) in SIDED_MM.items():
        value = found.sided[name]
        assert (value.left, value.right) == pytest.approx((left, right), abs=1e-3), name
        assert value.asymmetry == pytest.approx(left - right, abs=1e-3), name
    assert dict(found.midline) == pytest.approx(MIDLINE_MM, abs=1e-3)


def test_a_mirrored_face_swaps_sides_and_signs() -> None:
    points = hand_made()
    mirrored = [300, 0] + points[topology.MIRROR] * [-1, 1]
    found = measure(mirrored)
    for name, (left, right) in SIDED_MM.items():
        value = found.sided[name]
        assert (value.left, value.right) == pytest.approx((right, left), abs=1e-3), name
    assert found.midline["philtrum tilt"] == pytest.approx(-11.3099, abs=1e-3)
    assert found.midline["mouth shift"] == pytest.approx(-2)
    for name in ("dental show", "lip width", "lip height"):
        assert found.midline[name] == pytest.approx(MIDLINE_MM[name])


@pytest.mark.parametrize(("angle", "scale"), [(-20, 2.5), (15, 0.4)])
def test_measures_do_not_depend_on_roll_or_size(angle: float, scale: float) -> None:
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    found = measure(scale * hand_made() @ np.array([[c, -s], [s, c]]) + [40, -7])
    for name, (left, right) in SIDED_MM.items():
        value = found.sided[name]
        assert (value.left, value.right) == pytest.approx((left, right), abs=1e-3), name
    assert dict(found.midline) == pytest.approx(MIDLINE_MM, abs=1e-3)


def test_fractions_are_of_the_outer_eye_distance_and_angles_unchanged() -> None:
    found = measure(hand_made()).fractions()
    assert (found.unit, found.outer_eye) == ("outer-eye fraction", 1.0)
    assert found.sided["commissure height"].left == pytest.approx(0.64)
    assert found.sided["commissure height"].right == pytest.approx(0.51)
    assert found.midline["mouth shift"] == pytest.approx(0.01)
    assert found.sided["smile angle"].left == pytest.approx(126.8699, abs=1e-3)
    assert found.midline["philtrum tilt"] == pytest.approx(11.3099, abs=1e-3)


def test_axes_follow_the_pupils_or_the_canthi_where_an_eye_is_closed() -> None:
    points = hand_made()
    points[473:478, 1] += 6  # the left pupil is 6 lower than the right one, 60 apart
    assert measure(points).midline["philtrum tilt"] == pytest.approx(11.3099 + 5.7106, abs=1e-3)
    points[[385, 386, 387], 1] = 202
    closed = measure(points)
    assert closed.midline["philtrum tilt"] == pytest.approx(11.3099, abs=1e-3)
    assert closed.sided["MRD1"].left == pytest.approx(0)
    points[[474, 476], 0] += [5, -5]  # landmarks of a hidden iris do not set the scale
    assert measure(points).outer_eye == pytest.approx(200)


@pytest.mark.parametrize(
    ("right", "left", "unit"),
    [(5.4, 5.4, "outer-eye fraction"), (5.6, 5.4, "mm"), (5.4, 5.6, "mm")],
)
def test_an_iris_sets_the_scale_from_a_fissure_of_55_thousandths(
    right: float, left: float, unit: str
) -> None:
    points = hand_made()
    points[[160, 159, 158], 1], points[[385, 386, 387], 1] = 205 - right, 207 - left
    found = measure(points)
    assert found.unit == unit
    assert found.outer_eye == pytest.approx(200 if unit == "mm" else 1)
    assert found.sided["commissure height"].left == pytest.approx(128 if unit == "mm" else 0.64)


def test_lips_that_overlap_show_no_teeth() -> None:
    points = hand_made()
    points[14, 1] = 250
    assert measure(points).midline["dental show"] == 0


def test_weighted_kappa_against_scikit_learns_definition() -> None:
    true = np.array([0, 0, 2, 2, 4, 4, 4, 0])
    found = np.array([0, 2, 2, 4, 4, 4, 0, 0])
    # by hand: observed disagreement (1 + 1 + 4) / 8, expected from the margins
    rows, columns = np.array([3, 2, 3]) / 8, np.array([3, 2, 3]) / 8
    apart = np.square(np.arange(3)[:, None] - np.arange(3))
    expected = (apart * np.outer(rows, columns)).sum()
    assert weighted_kappa(true, found) == pytest.approx(1 - (6 / 8) / expected)
    assert weighted_kappa(true, true) == 1
