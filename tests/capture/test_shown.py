"""How much of an expression is shown: known shares are read from rendered faces."""

from __future__ import annotations

from functools import lru_cache

import pytest

from palsynth.capture import ExpressionCoefficients, capture
from palsynth.capture.shown import WITHOUT_REST, Shown, asymmetry_shown, movement_shown
from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.face.detect import detect_face
from palsynth.subjects import View, render, sample

LEFT, RIGHT, HEALTHY = Side.LEFT, Side.RIGHT, None


@lru_cache
def captured(
    movement: Movement, weak: Side | None, effort: float = 1.0, rest: bool = True
) -> ExpressionCoefficients:
    palsy = Palsy.none() if weak is None else Palsy.peripheral(weak, Grade.V)
    faces = [
        detect_face(render(sample(1_000_301), m, p, intensity=e, view=View(256)).image)
        for m, p, e in ((movement, palsy, effort), (Movement.REST, Palsy.none(), 1.0))
    ]
    return capture(faces[0], faces[1] if rest else None)


MOVEMENTS = (Movement.GRIN, Movement.WRINKLE_FOREHEAD, Movement.CLOSE_EYES_TIGHTLY)


@pytest.mark.parametrize("movement", MOVEMENTS)
def test_all_none_and_the_opposite(movement: Movement) -> None:
    expected = captured(movement, LEFT)
    assert movement_shown(expected, expected).share == pytest.approx(1)
    assert asymmetry_shown(expected, expected).share == pytest.approx(1)
    assert movement_shown(expected, expected).clear > 5
    assert asymmetry_shown(expected, expected.mirrored()).share == pytest.approx(-1, abs=0.05)
    rest = captured(Movement.REST, HEALTHY)
    assert abs(movement_shown(expected, rest).share) < 0.1
    assert abs(asymmetry_shown(expected, captured(movement, HEALTHY)).share) < 0.25
    assert asymmetry_shown(expected, captured(movement, RIGHT)).share < -0.6


def test_half_an_effort_is_about_half_the_movement() -> None:
    full, half = (captured(Movement.GRIN, HEALTHY, effort) for effort in (1.0, 0.5))
    assert movement_shown(full, half).share == pytest.approx(0.5, abs=0.15)


def test_nothing_is_missed_where_nothing_is_expected() -> None:
    rest, grin = captured(Movement.REST, HEALTHY), captured(Movement.GRIN, LEFT)
    for shown in (movement_shown(rest, grin), asymmetry_shown(rest, grin)):
        assert shown.clear < 1
        assert not shown.surely_below(0.4)


def test_without_a_rest_there_is_more_noise() -> None:
    expected, known = captured(Movement.GRIN, LEFT), captured(Movement.GRIN, LEFT, rest=False)
    assert movement_shown(expected, known).clear == pytest.approx(
        movement_shown(expected, expected).clear / WITHOUT_REST
    )


@pytest.mark.parametrize(
    ("share", "clear", "below"),
    [
        (0.1, 10, True),  # less than the least share, and by many standard errors
        (0.3, 10, False),
        (0.1, 2, False),  # within two standard errors of 1
        (-0.1, 2, True),
        (-5.0, 0.5, False),  # nothing was expected
    ],
)
def test_surely_below(share: float, clear: float, below: bool) -> None:
    assert Shown(share, clear).surely_below(0.2) is below
