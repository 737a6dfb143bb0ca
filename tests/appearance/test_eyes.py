"""Eyeballs and folds: positions, colours and shading."""

from __future__ import annotations

import numpy as np
import pytest

from palsynth.appearance.eyes import (
    PUPIL,
    Eyeball,
    add_glint,
    draw_eyeball,
    iris_profile,
    read_eyeball,
)
from palsynth.appearance.folds import fold_maps, map_grid

BLUE = np.array([60.0, 90.0, 170.0])
CORNERS = np.array([[10.0, 40.0], [110.0, 40.0]])
"""Inner corner, next to the nose, then the outer one."""


def _ball(shift: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    eye = Eyeball(iris_profile(BLUE), np.array([220.0, 215.0, 210.0]), np.array([60.0, 40.0]), 16.0)
    y, x = np.mgrid[:80, :120].astype(np.float32)
    return draw_eyeball(eye, x, y, np.array(shift), CORNERS)


def test_an_iris_is_dark_in_its_middle_and_at_its_rim() -> None:
    profile = iris_profile(BLUE)
    rings = (np.arange(24) + 0.5) / 24
    assert PUPIL == 0.36
    assert profile[rings < 0.28].max() < 25
    body = profile[(rings > 0.45) & (rings < 0.75)]
    assert (body[:, 2] > body[:, 1]).all()
    assert (body[:, 1] > body[:, 0]).all()
    assert body.mean() > 1.3 * profile[-1].mean()


@pytest.mark.parametrize("shift", [(0.0, 0.0), (9.0, -12.0)])
def test_the_iris_goes_where_it_rolls(shift: tuple[float, float]) -> None:
    dark = _ball(shift).mean(-1) < 60
    y, x = np.nonzero(dark)
    assert np.array([x.mean(), y.mean()]) == pytest.approx([60 + shift[0], 40 + shift[1]], abs=0.7)


def test_the_inner_corner_is_pink_and_the_outer_is_not() -> None:
    inner, outer = _ball()[40, 12], _ball()[40, 108]
    assert inner[0] > 1.25 * inner[1]
    assert outer[0] < 1.15 * outer[1]


def test_the_glint_is_at_the_upper_left_and_follows_the_iris_only_in_part() -> None:
    eye = Eyeball(iris_profile(BLUE), np.full(3, 210.0), np.array([60.0, 40.0]), 16.0)
    for shift in ((0.0, 0.0), (0.0, -10.0)):
        image = np.zeros((80, 120, 3))
        add_glint(image, eye, np.array(shift), np.array([5.0, 3.0]))
        y, x = np.unravel_index(image[..., 0].argmax(), (80, 120))
        expected = [60 - 0.28 * 16 - 5, 40 - 0.42 * 16 - 3 + 0.35 * shift[1]]
        assert np.array([x, y]) == pytest.approx(expected, abs=0.6)


def test_the_sclera_is_read_where_no_lash_shades_it() -> None:
    image = np.full((60, 80, 3), 220, np.uint8)
    image[:38] = 120  # shadow of the upper lid over three fifths of the aperture
    found = read_eyeball(image, np.ones((60, 80), bool), np.array([40.0, 30.0]), 14.0)
    assert found.sclera == pytest.approx(220, abs=2)


@pytest.mark.parametrize(
    ("fold", "x", "y"),
    [
        ("forehead", (0.0, 0.6), (-0.6, -0.3)),
        ("glabella", (0.0, 0.12), (-0.28, -0.02)),
        ("crow", (0.2, 0.7), (-0.18, 0.2)),
        ("bunny", (0.0, 0.16), (-0.03, 0.21)),
        ("nasolabial", (0.15, 0.36), (0.38, 0.77)),
        ("marionette", (0.25, 0.34), (0.75, 0.95)),
        ("chin", (0.0, 0.2), (0.91, 1.2)),
        ("pucker", (0.0, 0.2), (0.64, 0.9)),
    ],
)
def test_each_fold_lies_in_its_place(
    fold: str, x: tuple[float, float], y: tuple[float, float]
) -> None:
    shading, _ = fold_maps()
    grid_x, grid_y = map_grid()
    dark = shading[fold] < 0.5 * shading[fold].min()
    across, down = np.abs(grid_x[dark]), grid_y[dark]
    assert x[0] <= across.min() < across.max() <= x[1]
    assert y[0] <= down.min() < down.max() <= y[1]


def test_a_lit_ridge_lies_below_each_forehead_line() -> None:
    shading, place = fold_maps()
    grid_x, grid_y = map_grid()
    column = np.abs(grid_x[0] - 0.27).argmin()
    line = shading["forehead"][:, column]
    valley = np.abs(grid_y[:, 0] + 0.567).argmin()  # the uppermost
    near = slice(valley - 4, valley + 5)
    darkest = valley - 4 + line[near].argmin()
    assert line[darkest] < -0.15
    assert line[darkest + 2 : darkest + 8].max() > 0.02 > line[darkest - 7 : darkest - 2].max()
    assert place["forehead"][darkest, column] > 0.7
