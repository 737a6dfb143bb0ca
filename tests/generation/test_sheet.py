from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from palsynth.clinical import YANAGIHARA, Grade, Movement, Palsy, Side
from palsynth.face.detect import detect_face
from palsynth.face.face import Face
from palsynth.face.framing import PORTRAIT
from palsynth.face.measures import Sided, measure
from palsynth.generation import sheet as sheets
from palsynth.generation.layout import PAPER, captioned, labelled_grid
from palsynth.generation.measured import RequestedMeasured, requested_and_measured
from palsynth.generation.runner import Generated
from palsynth.generation.sheet import (
    _caption,
    _head,
    grid,
    layout_sheet,
    sheet,
)
from palsynth.methods import Request, TargetExpression, get_method
from palsynth.methods.base import ExpressionImage
from palsynth.subjects import sample

LEFT_V = Palsy.peripheral(Side.LEFT, Grade.V)


def test_a_sheet_requests_and_measures_ten_movements() -> None:
    made = sheet(sample(5), LEFT_V, get_method("subjects"), title="t", size=160)
    assert [row.movement for row in made.rows] == list(YANAGIHARA)
    assert made.image.shape[1] == 5 * 168 + 8
    grin = next(row for row in made.rows if row.movement is Movement.GRIN)
    assert grin.requested_side is Side.LEFT
    assert grin.measured_side is Side.LEFT
    assert grin.requested_score == grin.measured_score == 0
    correct = sum(row.measured_side is Side.LEFT for row in made.rows)
    assert correct >= 9


def _holds(canvas: np.ndarray, tile: np.ndarray, x: int) -> int:
    """The row of pixels at which a canvas contains a tile at column ``x``; -1 if it does not."""
    height, width = tile.shape[:2]
    part = canvas[:, x : x + width]
    for y in range(len(part) - height + 1):
        if np.array_equal(part[y : y + height], tile):
            return y
    return -1


def _flat(level: int) -> np.ndarray:
    return np.full((100, 100, 3), level, np.uint8)


def _made(image: np.ndarray) -> Generated:
    return Generated(image, Request(sample(1), TargetExpression(Movement.REST, LEFT_V)), {})


ROWS = [
    RequestedMeasured(m, Side.LEFT, (0, 2, 4)[k % 3], Side.RIGHT, (2, 0, 0, 4)[k % 4])
    for k, m in enumerate(YANAGIHARA)
]
"""Requested and measured differ in score and side."""


def test_each_picture_has_its_own_caption_below_it() -> None:
    """First the requested score, then the measured one with the measured weak side."""
    made = layout_sheet([_made(_flat(10 * k)) for k in range(10)], ROWS, "t", "patient")
    captions = [
        ("Rest", "patient 0 · measured 2, right weak"),
        ("Wrinkle forehead", "patient 2 · measured 0, right weak"),
        ("Close eyes lightly", "patient 4 · measured 0, right weak"),
        ("Close eyes tightly", "patient 0 · measured 4"),
        ("Wink", "patient 2 · measured 2, right weak"),
        ("Wrinkle nose", "patient 4 · measured 0, right weak"),
    ]
    assert [ROWS[k].movement.label for k in range(6)] == [head for head, _ in captions]
    found = [
        _holds(made.image, captioned(_flat(10 * k), *captions[k]), 8 + 108 * (k % 5))
        for k in range(6)
    ]
    assert min(found) > 0, found
    assert len(set(found[:5])) == 1, "five per row"
    assert found[5] > found[0] + 100
    assert made.rows == ROWS
    assert [int(p.image[0, 0, 0]) for p in made.pictures] == [10 * k for k in range(10)]


def test_captions_of_unknown_scores() -> None:
    row = RequestedMeasured(Movement.GRIN, Side.LEFT, 0)
    assert _caption(row, "requested") == ("Grin", "requested 0 · measured no face")
    row = RequestedMeasured(Movement.GRIN, None, None, Side.LEFT, 2)
    assert _caption(row, "patient") == ("Grin", "patient no face · measured 2, left weak")
    row = RequestedMeasured(Movement.GRIN, Side.LEFT, 2, Side.LEFT, 4)
    assert _caption(row, "requested") == ("Grin", "requested 2 · measured 4"), (
        "a score of 4 has no weak side"
    )


def test_the_totals_of_requested_and_measured_are_above(monkeypatch: pytest.MonkeyPatch) -> None:
    totals: list[str] = []
    monkeypatch.setattr(
        sheets, "framed", lambda lines, title, total: totals.append(total) or _flat(0)
    )
    layout_sheet([_made(_flat(0))] * 10, ROWS, "t", "requested")
    assert totals == [
        "requested Yanagihara 18 of 40 (moderate), measured Yanagihara 14 of 40 (moderate)"
    ]
    layout_sheet([_made(_flat(0))] * 9, ROWS[:9], "t", "requested")
    assert totals[1] == "", "nine movements have no total"


class Recording:
    """The method ``subjects``, recording its target expressions."""

    name, synthetic, weights_sha256 = "subjects", True, None
    takes = frozenset({TargetExpression})
    settings: dict[str, object] = {}  # noqa: RUF012

    def __init__(self) -> None:
        self.requested: list[TargetExpression] = []

    def __call__(self, requests: Sequence[Request]) -> list[np.ndarray]:
        self.requested += [
            r.expression for r in requests if isinstance(r.expression, TargetExpression)
        ]
        return get_method("subjects")(requests)


def test_the_healthy_row_is_above_and_winks_with_the_same_eye() -> None:
    subject, palsy, method = sample(5), Palsy.peripheral(Side.RIGHT, Grade.V), Recording()
    made = sheet(subject, palsy, method, title="", size=100, healthy=True)
    palsied = [t for t in method.requested if t.palsy == palsy]
    well = [t for t in method.requested if t.palsy == Palsy.none() and t.wink is not None]
    assert [t.movement for t in palsied] == [t.movement for t in well] == list(YANAGIHARA)
    assert {t.wink for t in well} == {Side.RIGHT}
    healthy = get_method("subjects")([Request(subject, t, 0, 100, PORTRAIT) for t in well])
    for k in (0, 8):
        label, x = YANAGIHARA[k].label, 8 + 108 * (k % 5)
        above = _holds(made.image, captioned(healthy[k], label, "healthy"), x)
        below = _holds(
            made.image, captioned(made.pictures[k].image, *_caption(made.rows[k], "requested")), x
        )
        assert 0 < above < below
    assert [row.requested_side for row in made.rows] == [Side.RIGHT] * 10


def test_captions_of_small_pictures_are_wrapped_and_not_cut() -> None:
    """At 128 px, the size of the small base model."""
    grey = np.full((128, 128, 3), 180, np.uint8)
    row = RequestedMeasured(Movement.CLOSE_EYES_TIGHTLY, Side.RIGHT, 2, Side.RIGHT, 2)
    made = layout_sheet([_made(grey)] * 10, [row] * 10, "t", "patient").image
    below = slice(int(np.flatnonzero((made[:, 12] == 180).all(-1))[-1]) + 1, -30)
    assert (made[below, 12 : 8 + 120] != PAPER).any()
    assert (made[below, 8 + 124 : 16 + 128] == PAPER).all()


def test_a_picture_without_a_face_has_no_measured_score() -> None:
    row = requested_and_measured(np.full((99, 99, 3), 7, np.uint8), Movement.GRIN, LEFT_V)
    assert row.measured_score is None
    assert row.side_text == "–"


class Levels:
    """Grey pictures whose level encodes the request: the subject's seed, plus 10 for a palsy."""

    name, synthetic, weights_sha256 = "levels", True, None
    takes = frozenset({TargetExpression})
    settings: dict[str, object] = {}  # noqa: RUF012

    def __call__(self, requests: Sequence[Request]) -> list[np.ndarray]:
        return [
            _flat(100 + r.identity.seed + (10 if r.expression.palsy.weak_side else 0))
            for r in requests
        ]


def test_a_grid_has_identities_in_rows_and_expressions_in_columns() -> None:
    expressions = [
        TargetExpression(Movement.REST, Palsy.none()),
        TargetExpression(Movement.GRIN, LEFT_V),
    ]
    image, pictures = grid([sample(1), sample(2), sample(3)], expressions, Levels(), size=100)
    assert [p.request.identity.seed for p in pictures] == [1, 1, 2, 2, 3, 3]
    assert [p.record["expression"] for p in pictures] == ["rest", "grin"] * 3
    heads = [
        captioned(_flat(101), "Rest", "", above=True),
        captioned(_flat(111), "Grin, left V", "", above=True),
    ]
    first = [_holds(image, head, x) for head, x in zip(heads, (8, 116), strict=True)]
    assert first[0] == first[1] > 0
    for seed in (2, 3):
        rows = [_holds(image, _flat(level + seed), x) for level, x in ((100, 8), (110, 116))]
        assert rows[0] == rows[1] > first[0] + 100 * (seed - 1)


def test_column_headings_name_the_patients_side() -> None:
    right = TargetExpression(Movement.WHISTLE, Palsy.peripheral(Side.RIGHT, Grade.III))
    assert _head(right) == "Whistle, right III"
    assert _head(TargetExpression(Movement.GRIN, Palsy.none())) == "Grin"
    face = Face(_flat(0), np.zeros((478, 3)))
    assert _head(ExpressionImage(face)) == "as pictured"


def test_row_names_are_left_and_column_headings_above() -> None:
    lines = {"patient": [_flat(10), _flat(20)], "mine": [_flat(30), _flat(40)]}
    image = labelled_grid(lines, ["Grin", "Whistle"])
    x = int((image == 30).all(-1).any(0).argmax())
    upper = [
        _holds(image, captioned(_flat(10), "Grin", "", above=True), x),
        _holds(image, captioned(_flat(20), "Whistle", "", above=True), x + 108),
    ]
    lower = [_holds(image, _flat(30), x), _holds(image, _flat(40), x + 108)]
    assert upper[0] == upper[1] > 0
    assert lower[0] == lower[1] > upper[0]


def test_asymmetry_is_positive_on_the_left_and_relative_to_rest(
    half_grin: np.ndarray,
) -> None:
    found = requested_and_measured(half_grin, Movement.GRIN, LEFT_V)
    assert (found.requested_side, found.requested_score) == (Side.LEFT, 0)
    assert (found.measured_side, found.measured_score, found.side_text) == (Side.LEFT, 0, "left")
    assert found.asymmetry is not None
    assert found.asymmetry > 4, "per cent of the outer-eye distance"
    measures = measure(detect_face(half_grin).landmarks).fractions()
    slanted = replace(measures, sided={**measures.sided, "commissure height": Sided(0.43, 0.40)})
    again = requested_and_measured(half_grin, Movement.GRIN, LEFT_V, slanted)
    assert again.asymmetry == pytest.approx(found.asymmetry - 3.0)
    mirrored = requested_and_measured(half_grin[:, ::-1].copy(), Movement.GRIN, LEFT_V)
    assert (mirrored.requested_side, mirrored.measured_side) == (Side.LEFT, Side.RIGHT)
    assert mirrored.asymmetry is not None
    assert mirrored.asymmetry < -4
