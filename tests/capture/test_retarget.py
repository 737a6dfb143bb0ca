"""From coefficients to the simulator's activation and back, number by number."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest

from palsynth.appearance.model import canonical_mesh
from palsynth.capture import capture, drive_of
from palsynth.capture.basis import SIDED, basis
from palsynth.capture.lids import Eyes
from palsynth.capture.retarget import spread
from palsynth.capture.solve import Solution
from palsynth.clinical import Side
from palsynth.face import topology
from palsynth.face.face import Face
from palsynth.simulator.surface import Pose, fields
from tests.capture.coefficients import make_coefficients
from tests.face.measured import RIGHT_BROW, hand_made

MODULE = import_module("palsynth.capture.capture")


def test_strengths_are_weighted_by_the_certainty_of_their_region() -> None:
    """The certainty of the brows is a quarter, that of the mouth a half."""
    activation = drive_of(
        make_coefficients(
            {"browInnerUp": 0.8, "mouthSmile": 0.9, "eyeSquint": 0.4},
            {"mouthFrown": 0.6, "eyeSquint": 0.4},
            middle={"jawOpen": 0.3, "mouthRollLower": 0.2},
            closure=(0.1, 0.7),
            roll=(0.6, 0.0),
            drag=-0.4,
            certainty=(0.25, 0.5),
            sealed=0.3,
        )
    )
    left, right = activation.left, activation.right
    assert left.fields["browInnerUp"] == pytest.approx(0.2)
    assert left.fields["mouthSmile"] == pytest.approx(0.45)
    assert right.fields["mouthFrown"] == pytest.approx(0.3)
    assert right.fields["mouthSmile"] == left.fields["mouthFrown"] == 0
    assert left.fields["mouthRollLower"] == right.fields["mouthRollLower"] == pytest.approx(0.1)
    assert "jawOpen" not in left.fields
    assert left.fields["eyeSquint"] == pytest.approx(0.2)
    assert right.fields["eyeSquint"] == pytest.approx(0.1), "closing the lids includes a squint"
    assert (left.closure, right.closure) == (0.1, 0.7)
    assert (left.bell, right.bell) == (0.6, 0.0)
    assert (left.smile, right.smile) == (pytest.approx(0.5), 0.0)  # 0.9 is a full grin's
    assert (activation.drag, activation.jaw, activation.sealed) == pytest.approx((-0.2, 0.15, 0.3))


def test_fields_that_produce_each_fold() -> None:
    strengths = {
        "browInnerUp": 0.1,
        "browOuterUp": 0.3,
        "browDown": 0.5,
        "cheekRaiser": 0.2,
        "eyeSquint": 0.6,
        "noseSneer": 0.7,
        "mouthSmile": 0.4,
        "mouthUpperUp": 0.25,
        "mouthFrown": 0.35,
        "mouthShrugLower": 0.45,
        "mouthPucker": 0.55,
    }
    assert drive_of(make_coefficients(strengths)).left.folds == pytest.approx(
        {
            "forehead": 0.2,
            "glabella": 0.4,
            "crow": 0.1 + 0.24,
            "bunny": 0.7,
            "nasolabial": 0.1 + 0.1 + 0.28,
            "marionette": 0.21,
            "chin": 0.45,
            "pucker": 0.275,
        }
    )


@pytest.mark.parametrize(("with_rest", "share"), [(True, 0.75), (False, 0.5)])
def test_the_skew_of_the_residual_and_half_of_its_symmetric_part_are_transferred(
    with_rest: bool, share: float
) -> None:
    """Only the left corner is off by 0.04: half of that is skew, half is symmetric."""
    residual = np.zeros((468, 3))
    residual[291, 1] = 0.04
    residual[300, 1] = 0.04  # the brow's is not carried
    activation = drive_of(
        make_coefficients(residual=residual, with_rest=with_rest, certainty=(1.0, 0.5))
    )
    assert activation.offset is not None
    assert activation.offset[291, 1] == pytest.approx(0.5 * share * 0.04, abs=1e-6)
    assert activation.offset[61, 1] == pytest.approx(0.5 * (share - 1) * 0.04, abs=1e-6)
    assert activation.offset[300, 1] == 0


def test_a_residual_is_interpolated_over_the_skin_except_lids_and_outline() -> None:
    moved = spread(np.full((468, 3), 0.02))
    mesh = canonical_mesh().vertices
    lids = [*topology.UPPER_LID["left"], *topology.LOWER_LID["right"]]
    assert not moved[lids].any()
    assert moved[291] == pytest.approx(0.02)
    assert not moved[np.abs(mesh[:, 0]) > 0.92].any()
    assert moved.shape == mesh.shape


def test_mirrored_coefficients_swap_sides_and_signs() -> None:
    residual = np.zeros((468, 3))
    residual[291] = (0.1, 0.2, 0.3)
    one = make_coefficients(
        {"mouthSmile": 0.3},
        {"mouthFrown": 0.7},
        closure=(0.1, 0.9),
        roll=(0.4, 0.0),
        drag=0.2,
        yaw=5.0,
        residual=residual,
        sealed=0.6,
    )
    one.errors[("mouthSmile", "left")] = 0.01  # type: ignore[index]
    other = one.mirrored()
    assert (other.right, other.left) == (one.left, one.right)
    assert other.of(Side.RIGHT).fields["mouthSmile"] == 0.3
    assert (other.drag, other.yaw, other.sealed) == (-0.2, -5.0, 0.6)
    assert other.residual[61] == pytest.approx([-0.1, 0.2, 0.3])
    assert other.errors == {("mouthSmile", "right"): 0.01}


def test_strengths_are_assigned_to_sides_and_corrected_for_the_detector(
    monkeypatch: pytest.MonkeyPatch, face: Face
) -> None:
    """The detector halves puffed cheeks and leaves smiles; errors are scaled like strengths."""
    columns = basis()
    found = np.zeros(len(columns.names))
    for name, side, value in (
        ("cheekPuff", "left", 0.4),
        ("mouthSmile", "right", 0.6),
        ("mouthPucker", "left", 0.2),
        ("jawOpen", "middle", 0.3),
        ("drag", "right", 0.8),
    ):
        found[columns.index(name, side)] = value
    turn = np.radians(12.0)
    rotation = np.array(
        [[np.cos(turn), 0, -np.sin(turn)], [0, 1, 0], [np.sin(turn), 0, np.cos(turn)]]
    )
    solution = Solution(
        Pose(rotation, 100.0),
        np.zeros(2),
        np.zeros((468, 3)),
        found,
        np.full(len(found), 0.1),
        np.zeros((468, 3)),
    )
    monkeypatch.setattr(MODULE, "solve", lambda landmarks, neutral: solution)
    seen = capture(face)
    assert seen.left.fields["cheekPuff"] == pytest.approx(2 * 0.4)
    assert seen.right.fields["cheekPuff"] == 0
    assert seen.right.fields["mouthSmile"] == pytest.approx(0.6)
    assert seen.left.fields["mouthPucker"] == pytest.approx(1.25 * 0.2)
    assert seen.middle["jawOpen"] == pytest.approx(0.3)
    assert seen.drag == pytest.approx(-1.25 * 0.8), "to the patient's right"
    assert seen.yaw == pytest.approx(12.0), "to the picture's right"
    assert seen.errors["cheekPuff", "left"] == pytest.approx(0.2)
    assert seen.errors["mouthSmile", "left"] == pytest.approx(0.1)
    assert not seen.with_rest


def test_the_persons_rest_makes_eyes_and_regions_more_certain(
    monkeypatch: pytest.MonkeyPatch, face: Face, astronaut: Face
) -> None:
    """Lids a quarter narrower than at rest on both sides, brows that move up by 0.0145."""
    columns = basis()
    found = np.zeros(len(columns.names))
    up = fields()["browInnerUp"][list(RIGHT_BROW), :2]
    for side in ("left", "right"):
        found[columns.index("browInnerUp", side)] = 0.0145 / np.sqrt(np.square(up).sum(1).mean())
    zeros = np.zeros((468, 3))
    solution = Solution(Pose(np.eye(3), 100.0), np.zeros(2), zeros, found, found, zeros)
    monkeypatch.setattr(MODULE, "solve", lambda landmarks, neutral: solution)
    openings = {id(face): 0.06, id(astronaut): 0.08}
    monkeypatch.setattr(
        MODULE,
        "read_eyes",
        lambda seen, pose: Eyes(
            dict.fromkeys(Side, openings[id(seen)]), dict.fromkeys(Side, 0.3), None
        ),
    )
    alone, beside = capture(face), capture(face, astronaut)
    assert (alone.certainty["brow"], beside.certainty["brow"]) == (0.0, 1.0)
    assert alone.left.closure == alone.right.closure == 0
    assert beside.left.closure == beside.right.closure == pytest.approx((0.25 - 0.08) / 0.92)
    assert (alone.with_rest, beside.with_rest) == (False, True)


@pytest.mark.parametrize(("gap", "closed"), [(1.4, 1.0), (2.3, 0.5), (3.2, 0.0), (9.0, 0.0)])
def test_lips_are_closed_by_the_widest_gap_between_them(gap: float, closed: float) -> None:
    landmarks = hand_made()  # 100 pixels between the outer eye corners
    landmarks[list(topology.INNER_UPPER_LIP), 1] = 250
    landmarks[list(topology.INNER_LOWER_LIP), 1] = 250
    landmarks[14, 1] += gap
    seen = Face(np.zeros((9, 9, 3), np.uint8), landmarks)
    assert MODULE.sealed(seen) == pytest.approx(closed)


def test_bounds_and_correlations_of_the_strengths() -> None:
    """Lost tone drives five fields below zero; the two sides are uncorrelated."""
    columns = basis()
    low = dict(zip(columns.names, columns.low.tolist(), strict=True))
    high = dict(zip(columns.names, columns.high.tolist(), strict=True))
    assert {name for (name, _), value in low.items() if value < 0} == {
        "browInnerUp",
        "browOuterUp",
        "cheekRaiser",
        "eyeSquint",
        "mouthSmile",
    }
    assert low["mouthSmile", "left"] == low["mouthSmile", "right"] == -0.8
    assert (high["mouthSmile", "left"], high["cheekPuff", "right"]) == (1.5, 3.3)
    assert (high["mouthPucker", "left"], high["jawOpen", "middle"], high["drag", "left"]) == (
        2.0,
        1.2,
        1.0,
    )
    left, right = ([columns.index(f, s) for f in SIDED] for s in ("left", "right"))
    assert not columns.precision[np.ix_(left, right)].any()
    own, other = (columns.precision[np.ix_(side, side)] for side in (left, right))
    assert np.array_equal(own, other)
    jaw, roll = columns.index("jawOpen", "middle"), columns.index("mouthRollLower", "middle")
    assert columns.precision[jaw, jaw] == pytest.approx(0.15 / 0.25**2)
    assert columns.precision[roll, roll] == pytest.approx(0.15 / 0.12**2)
    smile, levator, brow = (SIDED.index(n) for n in ("mouthSmile", "mouthUpperUp", "browInnerUp"))
    assert own[smile, levator] < own[smile, brow], "a smile correlates with the levator"
