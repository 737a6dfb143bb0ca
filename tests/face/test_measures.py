from __future__ import annotations

import numpy as np
import pytest

from palsynth.clinical import EYE_CLOSURES, YANAGIHARA, Grade, Movement, Palsy, Side
from palsynth.evaluation.agreement import weighted_kappa
from palsynth.face import topology
from palsynth.face.detect import detect_face
from palsynth.face.face import Face
from palsynth.face.measures import IRIS_MM, MIDLINE, SIDED, measure
from palsynth.face.scoring import ANSWERS, asymmetry, calibration, estimate, true_asymmetry
from palsynth.people import Person, View, render


def _symmetric() -> np.ndarray:
    """A level, symmetric face: eyes 90 apart at the outer corners, irises 11.77 wide."""
    from palsynth.appearance.model import appearance_model

    points = appearance_model().shape_mean[:, :2] * 90 + 200
    for side in ("left", "right"):
        centre = points[list(topology.UPPER_LID[side] + topology.LOWER_LID[side])].mean(0)
        ring = np.array([[0, 0], [0.5, 0], [0, -0.5], [-0.5, 0], [0, 0.5]]) * IRIS_MM
        points[list(topology.IRIS[side])] = centre + ring
    return points


def test_a_symmetric_face_has_no_asymmetry() -> None:
    found = measure(_symmetric())
    assert found.unit == "mm"
    assert set(found.sided) == set(SIDED)
    assert set(found.midline) == set(MIDLINE)
    for value in found.sided.values():
        assert value.asymmetry == pytest.approx(0, abs=0.02)
    assert found.outer_eye == pytest.approx(90, rel=1e-3)


def test_millimetres_are_true_on_the_iris_scale() -> None:
    points = _symmetric()
    before = measure(points)
    points[[291, 308], 1] += 5.0  # the patient's left corner hangs 5 mm lower
    after = measure(points)
    moved = after.sided["commissure height"]
    assert moved.left - before.sided["commissure height"].left == pytest.approx(5.0, abs=0.01)
    assert moved.right == pytest.approx(before.sided["commissure height"].right, abs=0.01)
    assert after.sided["smile angle"].left < after.sided["smile angle"].right


@pytest.mark.parametrize("angle", [-20, 15])
def test_measures_do_not_depend_on_roll_or_size(angle: float) -> None:
    points = _symmetric()
    points[[61, 78], 1] -= 4
    c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    turned = 2.5 * points @ np.array([[c, s], [-s, c]])
    for name, value in measure(points).sided.items():
        other = measure(turned).sided[name]
        assert other.left == pytest.approx(value.left, abs=0.02)
        assert other.right == pytest.approx(value.right, abs=0.02)


def test_without_an_iris_lengths_are_fractions() -> None:
    points = _symmetric()
    for side in ("left", "right"):
        points[list(topology.UPPER_LID[side])] = points[list(topology.LOWER_LID[side])]
    found = measure(points)
    assert found.unit == "outer-eye fraction"
    assert found.outer_eye == pytest.approx(1)


@pytest.mark.parametrize("movement", list(ANSWERS))
@pytest.mark.parametrize("side", list(Side))
def test_the_answering_measure_names_the_weak_side(
    person: Person, movement: Movement, side: Side
) -> None:
    portrait = render(person, movement, Palsy.peripheral(side, Grade.VI), view=View(256))
    assert np.sign(asymmetry(measure(portrait.landmarks), movement)) == side.sign
    seen = measure(detect_face(portrait.image).landmarks)
    assert np.sign(asymmetry(seen, movement)) == side.sign


def test_wink_has_no_answer_by_asymmetry(face: Face) -> None:
    assert Movement.WINK in EYE_CLOSURES
    with pytest.raises(KeyError):
        asymmetry(measure(face.landmarks), Movement.WINK)


def test_calibration_covers_every_movement() -> None:
    table = calibration()
    assert set(table["weights"]) == {m.value for m in YANAGIHARA}
    for low, high in table["thresholds"].values():
        assert 0 < low < high < 1
    assert set(table["gains"]) == set(SIDED)


def test_item_scores_follow_the_grade(person: Person) -> None:
    def score(grade: Grade) -> int:
        palsy = Palsy.peripheral(Side.RIGHT, grade)
        image = render(person, Movement.GRIN, palsy, view=View(256)).image
        return estimate(measure(detect_face(image).landmarks), Movement.GRIN).score

    assert score(Grade.I) == 4
    assert score(Grade.VI) == 0


def test_true_asymmetry_undoes_the_detectors_symmetrising(half_grin: np.ndarray) -> None:
    found = measure(detect_face(half_grin).landmarks)
    seen = found.sided["commissure height"].asymmetry
    gain = calibration()["gains"]["commissure height"][0]
    assert gain > 1
    assert true_asymmetry(found, "commissure height") == pytest.approx(seen * gain)
    assert calibration()["gains"]["commissure distance"][1] < 0.5
    assert true_asymmetry(found, "commissure distance") is None  # the detector does not see it


def test_weighted_kappa_against_scikit_learns_definition() -> None:
    true = np.array([0, 0, 2, 2, 4, 4, 4, 0])
    found = np.array([0, 2, 2, 4, 4, 4, 0, 0])
    # by hand: observed disagreement (1 + 1 + 4) / 8, expected from the margins
    rows, columns = np.array([3, 2, 3]) / 8, np.array([3, 2, 3]) / 8
    apart = np.square(np.arange(3)[:, None] - np.arange(3))
    expected = (apart * np.outer(rows, columns)).sum()
    assert weighted_kappa(true, found) == pytest.approx(1 - (6 / 8) / expected)
    assert weighted_kappa(true, true) == 1
