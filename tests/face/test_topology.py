"""Names of landmarks against their positions in the mean face (x to the patient's left)."""

from __future__ import annotations

import numpy as np
import pytest

from palsynth.appearance.model import appearance_model
from palsynth.face import topology

SIDED = ("IRIS", "UPPER_LID", "LOWER_LID", "UPPER_CREASE", "BROW_UPPER", "BROW_LOWER")
CONTOURS = ("UPPER_LID", "LOWER_LID", "UPPER_CREASE", "BROW_UPPER", "BROW_LOWER")
LIPS = ("OUTER_UPPER_LIP", "OUTER_LOWER_LIP", "INNER_UPPER_LIP", "INNER_LOWER_LIP")


@pytest.fixture(scope="module")
def mean() -> np.ndarray:
    return appearance_model().shape_mean


@pytest.mark.parametrize("name", SIDED)
def test_left_is_the_patients_and_lies_at_larger_x(name: str, mean: np.ndarray) -> None:
    places = getattr(topology, name)
    assert (mean[list(places["left"]), 0] > 0).all()
    assert (mean[list(places["right"]), 0] < 0).all()


def test_single_points_lie_where_their_names_say(mean: np.ndarray) -> None:
    for places in (topology.OUTER_CANTHUS, topology.INNER_CANTHUS, topology.COMMISSURE):
        assert mean[places["left"], 0] > 0 > mean[places["right"], 0]
    assert mean[topology.OUTER_CANTHUS["left"], 0] > mean[topology.INNER_CANTHUS["left"], 0]
    nasion, tip, nose, lip, chin = mean[
        [topology.NASION, topology.NOSE_TIP, *topology.PHILTRUM, topology.CHIN]
    ]
    assert nasion[1] < tip[1] < nose[1] < lip[1] < chin[1]
    assert tip[2] == mean[:, 2].min(), "the tip of the nose is nearest to the camera"


def test_every_contour_runs_from_right_to_left(mean: np.ndarray) -> None:
    for name in CONTOURS:
        for side in ("right", "left"):
            assert (np.diff(mean[list(getattr(topology, name)[side]), 0]) > -0.01).all(), (
                name,
                side,
            )
    for name in LIPS:
        assert (np.diff(mean[list(getattr(topology, name)), 0]) > 0).all(), name


def test_upper_lies_above_lower(mean: np.ndarray) -> None:
    for side in ("right", "left"):
        upper, lower, crease = (
            mean[list(places[side]), 1]
            for places in (topology.UPPER_LID, topology.LOWER_LID, topology.UPPER_CREASE)
        )
        assert (crease[1:-1] < upper[1:-1]).all()
        assert (upper[1:-1] < lower[1:-1]).all()
        brows = (mean[list(b[side]), 1] for b in (topology.BROW_UPPER, topology.BROW_LOWER))
        assert (np.subtract(*brows) < 0).all()
    outer_up, outer_down, inner_up, inner_down = (mean[list(getattr(topology, n)), 1] for n in LIPS)
    assert (outer_up[1:-1] < inner_up[1:-1]).all()
    assert (inner_down[1:-1] < outer_down[1:-1]).all()
    assert (inner_up < inner_down + 1e-3).all()


@pytest.mark.parametrize("side", ["right", "left"])
def test_an_iris_is_its_centre_then_3_12_9_and_6_o_clock(side: str, mean: np.ndarray) -> None:
    centre, *ring = mean[list(topology.IRIS[side]), :2]
    directions = [(point - centre) / np.linalg.norm(point - centre) for point in ring]
    assert np.allclose(directions, [[1, 0], [0, -1], [-1, 0], [0, 1]], atol=0.25)


def test_the_outline_runs_clockwise_from_the_forehead(mean: np.ndarray) -> None:
    oval = mean[list(topology.FACE_OVAL), :2]
    assert topology.FACE_OVAL[0] == 10
    assert oval[9, 0] > 0.7, "after a quarter, the patient's left"
    assert oval[18, 1] == oval[:, 1].max(), "half way, the chin"
    assert oval[27, 0] < -0.7


def test_eyes_and_mouth_are_closed_rings() -> None:
    left = topology.eye_polygon("left").tolist()
    assert left == [
        362, 398, 384, 385, 386, 387, 388, 466, 263, 249, 390, 373, 374, 380, 381, 382,
    ]  # fmt: skip
    assert topology.mouth_polygon().tolist() == [
        78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95,
    ]  # fmt: skip


def test_the_mirror_swaps_sides(mean: np.ndarray) -> None:
    assert (topology.MIRROR[topology.MIRROR] == np.arange(478)).all()
    assert np.abs(mean[topology.MIRROR, :2] * [-1, 1] - mean[:, :2]).max() < 0.02
    assert topology.MIRROR[[33, 61, 78, 70, 10]].tolist() == [263, 291, 308, 300, 10]
    for name in CONTOURS:
        places = getattr(topology, name)
        assert topology.MIRROR[list(places["left"])].tolist() == list(places["right"][::-1])
    # in a mirrored iris, 3 o'clock becomes 9
    assert topology.MIRROR[[468, 469, 470, 471, 472]].tolist() == [473, 476, 475, 474, 477]


def test_sided_multi_pie_points_mirror_each_other() -> None:
    """Numbers of the 68-point scheme, whose right is the patient's: 36 the right outer canthus."""
    known = topology.MULTIPIE_60
    numbers = (36, 45, 48, 54, 30, 8)
    assert [known[n] for n in numbers] == [33, 263, 61, 291, 4, 152]
    pairs = [
        (0, 16), (2, 14), (4, 12), (17, 26), (18, 25), (19, 24), (20, 23), (21, 22),
        (31, 35), (32, 34), (36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46),
        (48, 54), (49, 53), (50, 52), (55, 59), (56, 58), (60, 64), (61, 63), (65, 67),
    ]  # fmt: skip
    for one, other in pairs:
        assert topology.MIRROR[known[one]] == known[other], (one, other)
    middle = sorted(set(known) - {n for pair in pairs for n in pair})
    assert middle == [8, 27, 28, 29, 30, 33, 51, 57, 62, 66]
