from __future__ import annotations

import numpy as np

from palsynth.clinical import YANAGIHARA, Grade, Movement, Palsy, Side
from palsynth.generation.measured import AskedMeasured, asked_and_measured
from palsynth.generation.sheet import PAPER, drawn_sheet, grid, sheet
from palsynth.methods import Asked, get_method
from palsynth.people import sample

LEFT_V = Palsy.peripheral(Side.LEFT, Grade.V)


def test_a_sheet_asks_ten_movements_and_measures_each() -> None:
    made = sheet(sample(5), LEFT_V, get_method("people"), title="t", size=160)
    assert [row.movement for row in made.rows] == list(YANAGIHARA)
    assert made.image.shape[1] == 5 * 168 + 8
    grin = next(row for row in made.rows if row.movement is Movement.GRIN)
    assert grin.asked_side is Side.LEFT
    assert grin.measured_side is Side.LEFT
    assert grin.asked_score == grin.measured_score == 0
    right = sum(row.measured_side is Side.LEFT for row in made.rows)
    assert right >= 9


def test_healthy_beside_palsied_doubles_the_sheet() -> None:
    person, method = sample(5), get_method("people")
    plain = sheet(person, LEFT_V, method, title="t", size=96)
    both = sheet(person, LEFT_V, method, title="t", size=96, healthy=True)
    assert both.image.shape[0] > 1.6 * plain.image.shape[0]


def test_words_under_small_pictures_break_and_are_not_cut() -> None:
    """At 128 px, what the small base draws."""
    grey = np.full((128, 128, 3), 180, np.uint8)
    row = AskedMeasured(Movement.CLOSE_EYES_TIGHTLY, Side.RIGHT, 2, Side.RIGHT, 2)
    made = drawn_sheet([grey] * 10, [row] * 10, "t", "patient").image
    below = slice(int(np.flatnonzero((made[:, 12] == 180).all(-1))[-1]) + 1, -30)
    assert (made[below, 12 : 8 + 120] != PAPER).any()
    assert (made[below, 8 + 124 : 16 + 128] == PAPER).all()


def test_a_picture_without_a_face_is_measured_as_none() -> None:
    row = asked_and_measured(np.full((99, 99, 3), 7, np.uint8), Movement.GRIN, LEFT_V)
    assert row.measured_score is None
    assert row.side_text == "–"


def test_a_grid_has_people_down_and_expressions_across() -> None:
    expressions = [Asked(Movement.REST, Palsy.none()), Asked(Movement.GRIN, LEFT_V)]
    image = grid([sample(1), sample(2), sample(3)], expressions, get_method("people"), size=96)
    assert image.shape[1] > 2 * 104  # wide enough for the words below
    assert image.shape[0] > 3 * 104


def test_the_healthy_row_winks_the_eye_that_the_palsied_one_is_asked_for() -> None:
    asked: list[Asked] = []

    class Noted:
        name, takes_pictures, synthetic, weights_sha256 = "people", False, True, None
        settings: dict[str, object] = {}  # noqa: RUF012

        def __call__(self, requests):  # type: ignore[no-untyped-def]
            asked.extend(r.expression for r in requests)
            return get_method("people")(requests)

    sheet(
        sample(5), Palsy.peripheral(Side.RIGHT, Grade.V), Noted(), title="", size=64, healthy=True
    )
    healthy = [a for a in asked if a.movement is Movement.WINK and a.palsy.weak_side is None]
    assert [a.wink for a in healthy] == [Side.RIGHT]
