from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from palsynth.clinical import EYE_CLOSURES, YANAGIHARA, Grade, Movement, Palsy, Side
from palsynth.face import scoring
from palsynth.face.detect import detect_face
from palsynth.face.face import Face
from palsynth.face.measures import SIDED, Measures, measure
from palsynth.face.scoring import (
    ANSWERS,
    Estimate,
    against_rest,
    asymmetry,
    calibration,
    estimate,
    features,
    mean_rest,
    relative_function,
    true_asymmetry,
)
from palsynth.subjects import Subject, View, render
from tests.face.measured import MIDLINE_MM, SIDED_MM, by_fractions, hand_made


def test_the_measure_of_each_movement() -> None:
    """For the face of round numbers, as fractions: positive where the left looks weaker."""
    found = {m.value: asymmetry(measure(hand_made()), m) for m in ANSWERS}
    expected = {
        "rest": 0.64 - 0.51,
        "wrinkle-forehead": -(0.38 - 0.32),
        "close-eyes-lightly": 0.11 - 0.09,
        "close-eyes-tightly": 0.11 - 0.09,
        "blink": 0.11 - 0.09,
        "wrinkle-nose": 0.42 - 0.37,
        "puff-cheeks": 0.64 - 0.51,
        "whistle": 0.42 - 0.37,
        "grin": 0.64 - 0.51,
        "depress-lip": -(0.78 - 0.83),
    }
    assert found == pytest.approx(expected)
    assert {m.value: a.region for m, a in ANSWERS.items()} == {
        "rest": "mouth",
        "wrinkle-forehead": "brow",
        "close-eyes-lightly": "eye",
        "close-eyes-tightly": "eye",
        "blink": "eye",
        "wrinkle-nose": "mouth",
        "puff-cheeks": "mouth",
        "whistle": "mouth",
        "grin": "mouth",
        "depress-lip": "mouth",
    }


@pytest.mark.parametrize("movement", list(ANSWERS))
@pytest.mark.parametrize("side", list(Side))
def test_the_measure_of_a_movement_indicates_the_weak_side(
    subject: Subject, movement: Movement, side: Side
) -> None:
    portrait = render(subject, movement, Palsy.peripheral(side, Grade.VI), view=View(256))
    assert np.sign(asymmetry(measure(portrait.landmarks), movement)) == side.sign
    detected = measure(detect_face(portrait.image).landmarks)
    assert np.sign(asymmetry(detected, movement)) == side.sign


def test_wink_has_no_measure(face: Face) -> None:
    assert Movement.WINK in EYE_CLOSURES
    with pytest.raises(KeyError):
        asymmetry(measure(face.landmarks), Movement.WINK)


def test_calibration_covers_every_movement() -> None:
    table = calibration()
    assert set(table["weights"]) == {m.value for m in YANAGIHARA}
    for low, high in table["thresholds"].values():
        assert 0 < low < high < 1
    assert set(table["gains"]) == set(SIDED)


def test_item_scores_follow_the_grade(subject: Subject) -> None:
    def score(grade: Grade) -> int:
        palsy = Palsy.peripheral(Side.RIGHT, grade)
        image = render(subject, Movement.GRIN, palsy, view=View(256)).image
        return estimate(measure(detect_face(image).landmarks), Movement.GRIN).score

    assert score(Grade.I) == 4
    assert score(Grade.VI) == 0


def test_true_asymmetry_corrects_the_bias_of_the_detector(half_grin: np.ndarray) -> None:
    found = measure(detect_face(half_grin).landmarks)
    detected = found.sided["commissure height"].asymmetry
    gain = calibration()["gains"]["commissure height"][0]
    assert gain > 1
    assert true_asymmetry(found, "commissure height") == pytest.approx(detected * gain)
    assert calibration()["gains"]["commissure distance"][1] < 0.5
    assert true_asymmetry(found, "commissure distance") is None  # the detector does not capture it


def _plain(left: float = 0.0, right: float = 0.0, **midline: float) -> Measures:
    """Measures that are 0, except MRD1 and those of the midline that are given."""
    sided = {**dict.fromkeys(SIDED_MM, (0.0, 0.0)), "MRD1": (left, right)}
    return by_fractions(sided, {**dict.fromkeys(MIDLINE_MM, 0.0), **midline})


@pytest.mark.parametrize(("side", "sign"), [(Side.LEFT, 1), (Side.RIGHT, -1)])
def test_features_of_a_side(side: Side, sign: int) -> None:
    """Own measures, the other side's, the midline's, ten times each signed square, and 1."""
    found = features(measure(hand_made()), side)
    left = [0.38, 0.11, 0.05, 0.16, 0.40, 1.268699, 0.64, 0.42, 0.78, 0.25, 0.38]
    right = [0.32, 0.09, 0.03, 0.12, 0.50, 1.431301, 0.51, 0.37, 0.83, 0.21, 0.32]
    own, other = (left, right) if side is Side.LEFT else (right, left)
    gap = np.array(own) - np.array(other)
    assert found.shape == (39,)
    assert found[:11] == pytest.approx(own)
    assert found[11:22] == pytest.approx(other)
    whole = [0.10, 0.62, 0.40, sign * 0.113099, sign * 0.01]
    assert found[22:27] == pytest.approx(whole, abs=1e-5)
    assert found[27:38] == pytest.approx(10 * gap * np.abs(gap), abs=1e-5)
    assert found[27 + 6] == pytest.approx(sign * 10 * 0.13**2), "commissure height"
    assert found[38] == 1


def _table(name: str, column: int, low: float, high: float) -> dict[str, dict[str, Any]]:
    weights = np.zeros(39)
    weights[column] = 1
    movements = ("grin", "close-eyes-lightly")
    return {
        "weights" + name: dict.fromkeys(movements, weights),
        "thresholds" + name: dict.fromkeys(movements, (low, high)),
    }


def test_each_side_is_estimated_from_its_own_features(monkeypatch: pytest.MonkeyPatch) -> None:
    """With weights that select each side's own MRD1."""
    table = _table("", 1, 0.25, 0.75)
    monkeypatch.setattr(scoring, "calibration", lambda: table)
    assert estimate(_plain(0.2, 0.9), Movement.GRIN) == Estimate(0.2, 0.9, 0)
    assert estimate(_plain(0.9, 0.2), Movement.GRIN) == Estimate(0.9, 0.2, 0)
    assert estimate(_plain(0.25, 1.0), Movement.GRIN).score == 2
    assert estimate(_plain(1.0, 0.75), Movement.GRIN).score == 4
    assert estimate(_plain(0.3, 0.36), Movement.GRIN).score == 2, "both small: relative to a half"
    assert estimate(_plain(-0.4, 1.7), Movement.GRIN) == Estimate(0, 1, 0)
    assert estimate(_plain(0.5, 1.0), Movement.BLINK) == Estimate(0.5, 1.0, 2)


def test_with_rest_the_estimate_uses_a_separate_regression(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    usual = {**dict.fromkeys(SIDED_MM, 0.0), **dict.fromkeys(MIDLINE_MM, 0.0), "MRD1": 0.1}
    # without rest the other side's MRD1 is selected, with rest the own one
    table = {**_table("", 12, 0.25, 0.75), **_table(" with rest", 1, 0.1, 0.2), "rest": usual}
    monkeypatch.setattr(scoring, "calibration", lambda: table)
    now, rest = _plain(0.5, 0.9), _plain(0.3, 0.2)
    found = estimate(now, Movement.GRIN, rest)
    assert (found.left, found.right) == pytest.approx((0.3, 0.8))
    assert found.score == 4
    assert estimate(now, Movement.GRIN) == Estimate(0.9, 0.5, 2)


def test_against_rest_replaces_the_own_resting_face_by_the_usual_one() -> None:
    now, rest = _plain(0.5, 0.9, **{"lip width": 0.7}), _plain(0.3, 0.2, **{"lip width": 0.6})
    usual = {**dict.fromkeys(SIDED_MM, 0.0), **dict.fromkeys(MIDLINE_MM, 0.0)}
    found = against_rest(now, rest, {**usual, "MRD1": 0.1, "lip width": 0.55})
    assert found.sided["MRD1"].left == pytest.approx(0.5 - 0.3 + 0.1)
    assert found.sided["MRD1"].right == pytest.approx(0.9 - 0.2 + 0.1)
    assert found.midline["lip width"] == pytest.approx(0.7 - 0.6 + 0.55)
    assert (found.unit, found.outer_eye) == ("outer-eye fraction", 1.0)


def test_the_usual_resting_face_is_symmetric() -> None:
    one = _plain(0.3, 0.2, **{"lip width": 0.6, "philtrum tilt": 4, "mouth shift": 0.1})
    two = _plain(0.1, 0.4, **{"lip width": 0.8, "philtrum tilt": 2, "mouth shift": 0.3})
    usual = mean_rest([one, two])
    assert usual["MRD1"] == pytest.approx((0.25 + 0.25) / 2)
    assert usual["lip width"] == pytest.approx(0.7)
    assert usual["philtrum tilt"] == usual["mouth shift"] == 0
    assert len(usual) == 16


def test_the_weaker_side_relative_to_the_stronger() -> None:
    assert relative_function(0.4, 0.8) == relative_function(0.8, 0.4) == 0.5
    assert relative_function(0.2, 0.3) == pytest.approx(0.4), "relative to a half at least"
    assert relative_function(1.0, 1.0) == 1


def test_the_weaker_side_of_an_estimate() -> None:
    assert Estimate(0.6, 0.8, 2).weak_side is Side.LEFT
    assert Estimate(0.8, 0.6, 2).weak_side is Side.RIGHT
    assert Estimate(0.7, 0.6, 4).weak_side is None


def test_only_an_asymmetry_that_the_detector_captures_is_corrected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gains = {"gains": {"MRD1": (2.0, 0.5), "alar height": (3.0, 0.49)}}
    monkeypatch.setattr(scoring, "calibration", lambda: gains)
    assert true_asymmetry(_plain(0.1, 0.4), "MRD1") == pytest.approx(-0.6)
    assert true_asymmetry(_plain(0.1, 0.4), "alar height") is None
