from __future__ import annotations

import pytest

from palsynth.clinical import (
    Grade,
    Movement,
    Palsy,
    Side,
    Sunnybrook,
    house_brackmann,
    item_score,
    palsy_from_yanagihara,
    sunnybrook,
    yanagihara_band,
    yanagihara_total,
)


@pytest.mark.parametrize("grade", list(Grade))
def test_grade_survives_the_way_through_function(grade: Grade) -> None:
    assert house_brackmann(Palsy.peripheral(Side.LEFT, grade)) is grade


def test_total_of_health_and_of_death() -> None:
    assert yanagihara_total(Palsy.none()) == 40
    assert yanagihara_total(Palsy.peripheral(Side.LEFT, Grade.VI)) == 0


@pytest.mark.parametrize("total", [0, 2, 8, 12, 20, 34, 40])
def test_a_total_can_be_asked_for(total: int) -> None:
    palsy = palsy_from_yanagihara(total, Side.RIGHT)
    assert yanagihara_total(palsy) == total
    assert palsy.weak_side is (Side.RIGHT if total < 40 else None)


@pytest.mark.parametrize(
    ("total", "band"),
    [(40, "recovered"), (36, "recovered"), (34, "mild"), (20, "mild"), (18, "moderate"),
     (10, "moderate"), (8, "severe"), (0, "severe")],
)  # fmt: skip
def test_bands(total: int, band: str) -> None:
    assert yanagihara_band(total) == band


def test_synkinesis_is_not_recovered() -> None:
    assert yanagihara_band(38, synkinesis=True) == "mild"


@pytest.mark.parametrize("total", [-2, 7, 42])
def test_a_total_that_the_scale_does_not_have(total: int) -> None:
    with pytest.raises(ValueError, match="an even number from 0 to 40"):
        yanagihara_band(total)


def test_rest_is_scored_by_tone() -> None:
    assert item_score(Palsy.peripheral(Side.LEFT, Grade.IV), Movement.REST) == 4
    assert item_score(Palsy.peripheral(Side.LEFT, Grade.V), Movement.REST) == 2


def test_sunnybrook_arithmetic() -> None:
    # voluntary 4 * (3 + 4 + 2 + 2 + 3) = 56, resting 5 * (1 + 2 + 0) = 15, synkinesis 4
    scores = Sunnybrook(
        eye=1, cheek=2, mouth=0,
        voluntary=dict(zip(Sunnybrook.ITEMS, (3, 4, 2, 2, 3), strict=True)),
        synkinesis=dict(zip(Sunnybrook.ITEMS, (0, 1, 2, 0, 1), strict=True)),
    )  # fmt: skip
    assert scores.composite == 56 - 15 - 4
    assert sunnybrook(Palsy.none(), Side.LEFT).composite == 100
    assert sunnybrook(Palsy.peripheral(Side.LEFT, Grade.VI), Side.LEFT).composite == 0


def test_sunnybrook_says_what_is_out_of_range() -> None:
    with pytest.raises(ValueError, match="voluntary brow is 6, it runs from 1 to 5"):
        Sunnybrook(0, 0, 0, dict.fromkeys(Sunnybrook.ITEMS, 6), dict.fromkeys(Sunnybrook.ITEMS, 0))
    with pytest.raises(ValueError, match="no score for 'brow'"):
        Sunnybrook(0, 0, 0, {}, {})
