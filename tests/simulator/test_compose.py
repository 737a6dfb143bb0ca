"""The layers behind and in front of the skin: eyeball, lid, lashes, mouth."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.face import topology
from palsynth.simulator.lashes import draw_lashes
from palsynth.simulator.surface import MIN_AREA, _unfold
from palsynth.subjects import View, render, sample


def _eye_window(movement: Movement, palsy: Palsy, side: str) -> np.ndarray:
    subject = sample(4)
    rest = render(subject, view=View(512))
    x, y = rest.landmarks[list(topology.UPPER_LID[side] + topology.LOWER_LID[side])].mean(0)
    image = render(subject, movement, palsy, view=View(512)).image
    return image[int(y) - 8 : int(y) + 9, int(x) - 14 : int(x) + 15].astype(float)


def test_a_shut_eye_shows_skin_and_not_the_eyeball() -> None:
    open_eye = _eye_window(Movement.REST, Palsy.none(), "right")
    shut = _eye_window(Movement.CLOSE_EYES_LIGHTLY, Palsy.none(), "right")
    assert open_eye[4:13].min() < 40  # the pupil
    assert shut[:9].min() > 55  # lid skin above the lashes
    red, _, blue = shut[:9].mean((0, 1))
    assert red > blue + 8


def test_an_eye_that_cannot_shut_rolls_up_and_shows_the_sclera() -> None:
    palsy = Palsy.peripheral(Side.LEFT, Grade.VI)
    straight = _eye_window(Movement.REST, palsy, "left")
    rolled = _eye_window(Movement.CLOSE_EYES_LIGHTLY, palsy, "left")
    assert rolled[8:13, 8:20].mean() > straight[8:13, 8:20].mean() + 25


def test_a_grin_shows_teeth_and_closed_lips_do_not() -> None:
    subject = sample(4)
    closed = render(subject, view=View(512))
    grin = render(subject, Movement.GRIN, Palsy.none(), view=View(512))
    inner = np.concatenate([topology.INNER_UPPER_LIP, topology.INNER_LOWER_LIP[-2:0:-1]])
    opening = np.zeros((512, 512), np.uint8)
    cv2.fillPoly(opening, [np.round(grin.landmarks[inner]).astype(np.int32)], 1)

    def white(image: np.ndarray) -> float:
        """Share of light pixels without the red of lips and skin."""
        pixels = image[opening > 0].astype(float)
        return float(((pixels[:, 0] - pixels[:, 1] < 20) & (pixels.mean(1) > 110)).mean())

    assert opening.sum() > 400
    assert white(grin.image) > 0.3
    assert white(closed.image) < 0.1


@pytest.mark.parametrize("side", list(Side))
def test_lashes_darken_the_margin_only(side: Side) -> None:
    image = np.full((60, 100, 3), 180, np.float32)
    margin = np.column_stack([np.linspace(15, 85, 30), np.full(30, 30.0)])
    out = draw_lashes(image, margin, 200.0, side, 1.0, 1.0)
    assert out[29:33, 30:70].mean() < 130
    assert (out[:15] == 180).all()
    assert draw_lashes(image, margin, 200.0, side, 1.0, 0.0) is image


def test_unfolding_repairs_a_fold_and_leaves_the_rest_unchanged() -> None:
    x, y = np.meshgrid(np.arange(8.0), np.arange(8.0))
    rest = np.column_stack([x.ravel(), y.ravel()]).astype(np.float32) * 10
    corner = np.arange(64).reshape(8, 8)
    a, b, c, d = corner[:-1, :-1], corner[:-1, 1:], corner[1:, :-1], corner[1:, 1:]
    triangles = np.vstack(
        [np.column_stack([p.ravel() for p in t]) for t in ((a, b, c), (b, d, c))]
    ).astype(np.int32)
    moved = np.column_stack([rest, np.zeros(64)]).astype(np.float32)
    moved[27, 0] += 14  # past its neighbour: two triangles turn over
    rounds = _unfold(rest, moved, triangles, MIN_AREA)
    assert rounds > 0
    p, q, r = (moved[triangles[:, i], :2] for i in range(3))
    u, v = q - p, r - p
    assert (u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]).min() >= 100 * MIN_AREA * 0.99
    assert np.array_equal(moved[:16, :2], rest[:16])
    assert moved[27, 0] > rest[27, 0] + 3


@pytest.mark.parametrize("size", [112, 320])
def test_no_background_shows_between_closed_lips(size: int) -> None:
    for seed in range(8):
        portrait = render(sample(seed), view=View(size))
        lips = portrait.landmarks[[*topology.OUTER_UPPER_LIP, *topology.OUTER_LOWER_LIP[-2:0:-1]]]
        mask = np.zeros((size, size), np.uint8)
        cv2.fillPoly(mask, [np.round(lips).astype(np.int32)], 1)
        red, blue = portrait.image[mask > 0][:, 0].astype(int), portrait.image[mask > 0][:, 2]
        assert (red - blue).min() > -12  # skin and lips are redder than blue, the background is not


def test_iris_landmarks_roll_with_the_eye() -> None:
    subject = sample(12)
    palsy = Palsy.peripheral(Side.LEFT, Grade.VI)
    straight = render(subject, Movement.REST, palsy, view=View(512)).landmarks
    rolled = render(subject, Movement.CLOSE_EYES_LIGHTLY, palsy, view=View(512)).landmarks
    left, right = topology.IRIS["left"][0], topology.IRIS["right"][0]
    assert rolled[left, 1] < straight[left, 1] - 5
    assert np.allclose(rolled[right], straight[right], atol=0.01)
