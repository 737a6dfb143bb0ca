"""Lid closure and eye roll, from lid openings, a blendshape and the visible sclera."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from palsynth.capture.lids import Eyes, closures, read_eyes, rolls
from palsynth.clinical import Side
from palsynth.face import topology
from palsynth.face.face import Face
from palsynth.simulator.surface import Pose


def _eyes(left: float, right: float, blink: tuple[float, float] | None = None) -> Eyes:
    shut = None if blink is None else dict(zip((Side.LEFT, Side.RIGHT), blink, strict=True))
    white = {Side.LEFT: 0.3, Side.RIGHT: 0.3}
    return Eyes({Side.LEFT: left, Side.RIGHT: right}, white, shut)


def test_lids_by_their_openings() -> None:
    still = _eyes(0.08, 0.08)
    assert closures(_eyes(0.08, 0.08), still) == {Side.LEFT: 0, Side.RIGHT: 0}
    shut = closures(_eyes(0.03, 0.066), still)  # an open eye measures narrower beside a shut one
    assert shut[Side.LEFT] == 1
    assert shut[Side.RIGHT] == 0
    lags = closures(_eyes(0.022, 0.042), still)
    assert lags[Side.LEFT] == 1
    assert 0.2 < lags[Side.RIGHT] < 0.6
    both = closures(_eyes(0.018, 0.019), still)  # as measured of two shut eyes
    assert both == {Side.LEFT: 1, Side.RIGHT: 1}
    half = closures(_eyes(0.06, 0.08), still)  # a quarter narrower, less the noise
    assert half[Side.LEFT] == pytest.approx((0.25 - 0.08) / 0.92)
    blinking = closures(_eyes(0.052, 0.08, (0.45, 0.1)), still)  # the blendshape counts too
    assert blinking[Side.LEFT] > closures(_eyes(0.052, 0.08), still)[Side.LEFT] + 0.1
    assert closures(_eyes(0.10, 0.08), still)[Side.LEFT] < 0  # wider than at rest
    alone = closures(_eyes(0.03, 0.08), None)  # the other eye defines the opening at rest
    assert alone[Side.LEFT] == 1
    assert alone[Side.RIGHT] == 0


def test_a_rolled_eye_is_read_where_it_is_visible() -> None:
    up = replace(_eyes(0.08, 0.08), white={Side.LEFT: 1.0, Side.RIGHT: 0.3})
    open_lids = {Side.LEFT: 0.0, Side.RIGHT: 0.0}
    assert rolls(up, open_lids) == {Side.LEFT: 1, Side.RIGHT: 0}
    assert rolls(up, {Side.LEFT: 1.0, Side.RIGHT: 0.0})[Side.LEFT] == 0
    narrow = rolls(up, {Side.LEFT: 0.5, Side.RIGHT: 0.0})
    assert narrow[Side.LEFT] == pytest.approx(1.15 * 0.5)  # limited by the missing closure
    half = replace(up, white={Side.LEFT: 0.82, Side.RIGHT: 0.64})
    assert rolls(half, open_lids) == pytest.approx({Side.LEFT: 0.5, Side.RIGHT: 0})


def test_closure_by_hand_with_the_persons_rest() -> None:
    """The left eye is 0.35 narrower than at rest, with a blink: two thirds of the crosstalk are
    corrected, the blendshape has half the weight, and 0.08 is noise."""
    found = closures(_eyes(0.052, 0.08, (0.45, 0.10)), _eyes(0.08, 0.08))
    own = 0.35 + 0.35 / 3  # read as 0.34 + (0.4667 - 0.45) / 0.05 x 0.10 shut
    opening = 0.34 + (own - 0.45) / 0.05 * 0.10
    blink = 0.94 + (0.45 + 0.35 / 3 - 0.50) / 0.10 * 0.06
    seen = opening + 0.5 * (blink - opening)
    assert found[Side.LEFT] == pytest.approx((seen - 0.08) / 0.92)
    assert found[Side.RIGHT] == pytest.approx(-(0.35 / 3 - 0.08) / 0.92)


def test_closure_by_hand_without_the_persons_rest() -> None:
    """The wider eye defines the opening at rest, up to 0.10; 0.15 is noise."""
    found = closures(_eyes(0.12, 0.06), None)
    assert found[Side.RIGHT] == 1
    assert found[Side.LEFT] == pytest.approx(-(0.2 - 0.15) / 0.85)
    assert closures(_eyes(0.05, 0.03), None)[Side.RIGHT] > 0.5
    assert closures(_eyes(0.04, 0.04), None)[Side.LEFT] > 0.1, "0.06 at least"


@pytest.mark.parametrize("side", list(Side))
def test_each_eye_is_compared_with_its_own_rest(side: Side) -> None:
    """A person at rest with one eye that is always narrower."""
    eyes = _eyes(*((0.06, 0.09) if side is Side.LEFT else (0.09, 0.06)))
    assert closures(eyes, eyes) == {Side.LEFT: 0, Side.RIGHT: 0}
    opening = {side: eyes.opening[side] * 0.7, side.other: eyes.opening[side.other]}
    shut = closures(replace(eyes, opening=opening), eyes)
    assert shut[side] > 0.2
    assert shut[side.other] == 0


def _painted_eyes(iris: Side | None) -> Face:
    """Two white eyes, openings 0.1 (left) and 0.05 (right) of 200 pixels, with at most one iris."""
    landmarks = np.zeros((478, 3))
    image = np.full((120, 320, 3), 90, np.uint8)
    for side, left_edge, half in ((Side.RIGHT, 60, 5), (Side.LEFT, 180, 10)):
        upper, lower = (list(lid[side.value]) for lid in (topology.UPPER_LID, topology.LOWER_LID))
        x = left_edge + np.linspace(0, 80, 9)
        landmarks[upper, 0] = landmarks[lower, 0] = x
        bow = np.where((np.arange(9) > 0) & (np.arange(9) < 8), half, 0)
        landmarks[upper, 1], landmarks[lower, 1] = 60 - bow, 60 + bow
        ring = np.vstack([landmarks[upper, :2], landmarks[lower[::-1], :2]])
        cv2.fillPoly(image, [ring.astype(np.int32)], (200, 200, 200))
        if side is iris:
            cv2.ellipse(image, (left_edge + 40, 60), (14, half), 0, 0, 360, (150, 30, 30), -1)
    shapes = {"eyeBlinkLeft": 0.1, "eyeBlinkRight": 0.7}
    return Face(image, landmarks, blendshapes=shapes)


def test_eyes_are_measured_each_on_its_side() -> None:
    eyes = read_eyes(_painted_eyes(None), Pose(np.eye(3), 200.0))
    assert eyes.opening == pytest.approx({Side.LEFT: 0.10, Side.RIGHT: 0.05})
    assert eyes.blink == {Side.LEFT: 0.1, Side.RIGHT: 0.7}
    assert (
        read_eyes(replace(_painted_eyes(None), blendshapes=None), Pose(np.eye(3), 200.0)).blink
        is None
    )


@pytest.mark.parametrize("side", list(Side))
def test_an_eye_without_an_iris_in_its_middle_is_white(side: Side) -> None:
    white = read_eyes(_painted_eyes(side), Pose(np.eye(3), 200.0)).white
    assert white[side] == pytest.approx(66 / 200, abs=0.03)  # a dark red's brightness
    assert white[side.other] == pytest.approx(1, abs=0.02)
