from __future__ import annotations

import numpy as np
import pytest

from palsynth.clinical import YANAGIHARA, Grade, Movement, Palsy, Side, item_score
from palsynth.evaluation.requested import (
    REGIONS,
    RequestedMeasures,
    rank_agreement,
    requested_measures,
)
from palsynth.face import topology
from palsynth.face.framing import RECOGNISER
from palsynth.subjects import View, render, sample


@pytest.fixture(scope="module")
def truth() -> tuple[list[tuple[Movement, Palsy]], np.ndarray, np.ndarray]:
    """True landmarks: the output of a perfect method with a perfect detector."""
    requested, points, rest = [], [], []
    for seed in (3, 8):
        subject = sample(seed)
        still = render(subject, view=View(256, RECOGNISER)).landmarks
        for k, movement in enumerate(YANAGIHARA):
            for side in Side:
                palsy = Palsy.peripheral(side, list(Grade)[2 + (k + seed) % 4])
                requested.append((movement, palsy))
                moved = render(subject, movement, palsy, view=View(256, RECOGNISER)).landmarks
                for into, flat in ((points, moved), (rest, still)):
                    into.append(np.column_stack([flat, np.zeros(len(flat))]))
    return requested, np.stack(points), np.stack(rest)


def test_the_truth_agrees_with_the_request(
    truth: tuple[list[tuple[Movement, Palsy]], np.ndarray, np.ndarray],
) -> None:
    requested, points, rest = truth
    found = requested_measures(requested, points, rest)
    assert found.side_accuracy()[found.clear()].mean() > 0.95
    assert found.requested_score.tolist() == [item_score(p, m) for m, p in requested]
    movement = np.array([m.value for m, _ in requested])
    for region in REGIONS:
        agreement = rank_agreement(found.region, movement, found.requested, found.measured, region)
        assert agreement > 0.85, region
    assert not found.clear()[movement == "wink"].any(), "no asymmetry is measured for a wink"


def test_copying_the_identity_image_shows_no_asymmetry(
    truth: tuple[list[tuple[Movement, Palsy]], np.ndarray, np.ndarray],
) -> None:
    requested, _, rest = truth
    found = requested_measures(requested, rest, rest)
    assert np.nanmax(np.abs(found.measured)) == 0
    assert not found.side_accuracy()[found.clear()].any()


def test_pictures_without_a_face_are_wrong(
    truth: tuple[list[tuple[Movement, Palsy]], np.ndarray, np.ndarray],
) -> None:
    requested, points, rest = truth
    found = requested_measures(requested, np.full_like(points, np.nan), rest)
    assert not found.side_accuracy().any()
    assert (found.measured_score == -1).all()
    movement = np.array([m.value for m, _ in requested])
    assert np.isnan(rank_agreement(found.region, movement, found.requested, found.measured, "eye"))


LEFT_CORNER = [291, 308]


def _lowered(points: np.ndarray, by: float) -> np.ndarray:
    """A face with the left corner of the mouth lowered by a fraction of the outer-eye distance."""
    eyes = points[[topology.OUTER_CANTHUS["left"], topology.OUTER_CANTHUS["right"]], :2]
    out = points.copy()
    out[LEFT_CORNER, 1] += by * np.linalg.norm(eyes[0] - eyes[1])
    return out


def test_left_is_positive_and_asymmetry_of_the_identity_does_not_count(
    truth: tuple[list[tuple[Movement, Palsy]], np.ndarray, np.ndarray],
) -> None:
    still = truth[2][0]
    asymmetric = _lowered(still, 0.10)  # as if the left were weak, at rest
    requested = [
        (Movement.GRIN, Palsy.weakness(Side.LEFT, 0.4)),
        (Movement.GRIN, Palsy.weakness(Side.RIGHT, 0.4)),
    ]
    points = np.stack([_lowered(still, 0.13), _lowered(still, 0.06)])
    found = requested_measures(requested, points, np.stack([asymmetric, asymmetric]))
    assert found.requested == pytest.approx([0.4, -0.4])
    assert found.measured == pytest.approx([0.03, -0.04], rel=0.02)
    assert found.region.tolist() == ["mouth", "mouth"]
    assert found.side_accuracy().tolist() == [True, True]


def test_pictures_that_count_for_side_accuracy() -> None:
    requested = np.array([0.3, -0.3, 0.29, 0.9, 0.5, -0.5])
    measured = np.array([0.1, 0.1, 0.1, 0.1, np.nan, 0.0])
    region = np.array(["eye", "mouth", "brow", "", "eye", "eye"])
    found = RequestedMeasures(requested, measured, region, np.zeros(6, int), np.zeros(6, int))
    assert found.clear().tolist() == [True, True, False, False, True, True]
    assert found.side_accuracy().tolist() == [True, False, True, True, False, False]


def test_ranks_are_within_a_region_with_each_movement_in_its_own_units() -> None:
    """Two movements, one eight times as large: ranks of measured are 1.5, 3.5, 5.5 in each."""
    requested = np.array([0.1, 0.4, 0.7, 0.2, 0.5, 0.9, -1.0, 1.0])
    measured = np.array([1.0, 2, 3, 8, 16, 24, 500, np.nan])
    movement = np.array(["grin"] * 3 + ["whistle"] * 3 + ["blink", "grin"])
    region = np.array(["mouth"] * 6 + ["eye", "mouth"])
    found = rank_agreement(region, movement, requested, measured, "mouth")
    assert found == pytest.approx(16 / np.sqrt(16 * 17.5))
