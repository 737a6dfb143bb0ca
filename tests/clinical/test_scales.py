from __future__ import annotations

import pytest

from palsynth.clinical import (
    YANAGIHARA,
    Branch,
    Grade,
    Movement,
    Muscle,
    Palsy,
    Side,
    SidePalsy,
    Sunnybrook,
    house_brackmann,
    item_score,
    palsy_from_yanagihara,
    score_of_function,
    sunnybrook,
    yanagihara_band,
    yanagihara_total,
)


@pytest.mark.parametrize("grade", list(Grade))
def test_grade_round_trip_through_function(grade: Grade) -> None:
    assert house_brackmann(Palsy.peripheral(Side.LEFT, grade)) is grade


UNEVEN = SidePalsy(
    dict(zip(Branch, (0.1, 0.2, 0.6, 0.9, 1.0), strict=True)),
    tone=0.7,
    synkinesis={(Muscle.FRONTALIS, Muscle.ZYGOMATICUS): 0.4},
)
"""A side on which every branch has a different function, from temporal to cervical."""


@pytest.mark.parametrize(
    ("function", "grade"),
    [
        (0.96, "I"),
        (0.94, "II"),
        (0.73, "II"),
        (0.71, "III"),
        (0.48, "III"),
        (0.46, "IV"),
        (0.23, "IV"),
        (0.21, "V"),
        (0.05, "V"),
        (0.03, "VI"),
    ],
)
@pytest.mark.parametrize("side", list(Side))
def test_the_bounds_between_grades(function: float, grade: str, side: Side) -> None:
    assert house_brackmann(Palsy.weakness(side, 1 - function)) == grade


def test_the_weaker_side_is_graded() -> None:
    assert house_brackmann(Palsy.bilateral(Grade.II, Grade.V)) == "V"
    assert house_brackmann(Palsy.bilateral(Grade.V, Grade.II)) == "V"
    # nine voluntary movements of the uneven side, by hand: 3.975 / 9 = 0.44
    assert house_brackmann(Palsy.on(Side.RIGHT, UNEVEN)) == "IV"


@pytest.mark.parametrize(
    ("function", "score"), [(1, 4), (0.75, 4), (0.749, 2), (0.25, 2), (0.249, 0), (0, 0)]
)
def test_item_score_of_a_function(function: float, score: int) -> None:
    assert score_of_function(function) == score


@pytest.mark.parametrize("side", list(Side))
def test_each_item_is_the_score_of_the_weaker_side(side: Side) -> None:
    palsy = Palsy.on(side, UNEVEN)
    assert {m.value: item_score(palsy, m) for m in YANAGIHARA} == {
        "rest": 2,
        "wrinkle-forehead": 0,
        "close-eyes-lightly": 0,
        "close-eyes-tightly": 0,
        "wink": 0,
        "wrinkle-nose": 2,
        "puff-cheeks": 2,
        "whistle": 2,
        "grin": 2,
        "depress-lip": 4,
    }
    assert yanagihara_total(palsy) == 14


def test_totals_of_a_healthy_face_and_of_complete_paralysis() -> None:
    assert yanagihara_total(Palsy.none()) == 40
    assert yanagihara_total(Palsy.peripheral(Side.LEFT, Grade.VI)) == 0


@pytest.mark.parametrize("total", [0, 2, 8, 12, 20, 34, 40])
def test_a_palsy_of_a_requested_total(total: int) -> None:
    palsy = palsy_from_yanagihara(total, Side.RIGHT)
    assert yanagihara_total(palsy) == total
    assert palsy.weak_side is (Side.RIGHT if total < 40 else None)
    assert palsy.left == SidePalsy()


def test_the_most_even_palsy_of_a_total_is_chosen() -> None:
    half = palsy_from_yanagihara(20, Side.LEFT).left
    assert half == SidePalsy(dict.fromkeys(Branch, 0.5), tone=0.5)
    found = palsy_from_yanagihara(12, Side.RIGHT).right
    even = dict.fromkeys(Branch, 0.375) | {Branch.BUCCAL: 0.125}
    assert found == SidePalsy(even, tone=0.0)  # 0.047 uneven, and 0.25 of 0.098 for the tone
    found = palsy_from_yanagihara(16, Side.LEFT).left
    assert found == SidePalsy(dict.fromkeys(Branch, 0.375) | {Branch.ZYGOMATIC: 0.125}, tone=0.5)


@pytest.mark.parametrize(
    ("total", "band"),
    [
        (40, "recovered"),
        (36, "recovered"),
        (34, "mild"),
        (20, "mild"),
        (18, "moderate"),
        (10, "moderate"),
        (8, "severe"),
        (0, "severe"),
    ],
)
def test_bands(total: int, band: str) -> None:
    assert yanagihara_band(total) == band


def test_a_total_with_synkinesis_is_not_recovered() -> None:
    assert yanagihara_band(38, synkinesis=True) == "mild"


@pytest.mark.parametrize("total", [-2, 7, 42])
def test_invalid_totals(total: int) -> None:
    with pytest.raises(ValueError, match="an even number from 0 to 40"):
        yanagihara_band(total)


def test_rest_is_scored_by_tone() -> None:
    assert item_score(Palsy.peripheral(Side.LEFT, Grade.IV), Movement.REST) == 4
    assert item_score(Palsy.peripheral(Side.LEFT, Grade.V), Movement.REST) == 2


def test_sunnybrook_arithmetic() -> None:
    # voluntary 4 * (3 + 4 + 2 + 2 + 3) = 56, resting 5 * (1 + 2 + 0) = 15, synkinesis 4
    scores = Sunnybrook(
        eye=1,
        cheek=2,
        mouth=0,
        voluntary=dict(zip(Sunnybrook.ITEMS, (3, 4, 2, 2, 3), strict=True)),
        synkinesis=dict(zip(Sunnybrook.ITEMS, (0, 1, 2, 0, 1), strict=True)),
    )
    assert scores.composite == 56 - 15 - 4
    assert sunnybrook(Palsy.none(), Side.LEFT).composite == 100
    assert sunnybrook(Palsy.peripheral(Side.LEFT, Grade.VI), Side.LEFT).composite == 0


def test_sunnybrook_scores_each_item_by_its_own_movement() -> None:
    """By hand from the uneven side: 1 + 4 x 0.1, 0.18, 0.64, 0.48, 0.72, rounded; tone loss 0.3."""
    scores = sunnybrook(Palsy.on(Side.RIGHT, UNEVEN), Side.RIGHT)
    assert scores.voluntary == {
        "brow": 1,
        "gentle closure": 2,
        "open smile": 4,
        "snarl": 3,
        "pucker": 4,
    }
    assert (scores.eye, scores.cheek, scores.mouth) == (1, 1, 1)
    assert scores.synkinesis == dict.fromkeys(scores.voluntary, 1)  # 3 x 0.4, rounded
    assert scores.composite == 4 * 14 - 5 * 3 - 5
    assert sunnybrook(Palsy.on(Side.RIGHT, UNEVEN), Side.LEFT).composite == 100


def test_sunnybrooks_brow_is_the_forehead_and_its_snarl_the_nose() -> None:
    """A paralysed temporal branch alone paralyses the brow, and no other item by half."""
    function = {**dict.fromkeys(Branch, 1.0), Branch.TEMPORAL: 0.0}
    scores = sunnybrook(Palsy.on(Side.LEFT, SidePalsy(function)), Side.LEFT)
    assert scores.voluntary == {
        "brow": 1,
        "gentle closure": 4,
        "open smile": 5,
        "snarl": 5,
        "pucker": 5,
    }


@pytest.mark.parametrize(
    ("tone", "resting"), [(1, (0, 0, 0)), (0.76, (0, 0, 0)), (0.7, (1, 1, 1)), (0.2, (1, 2, 1))]
)
def test_sunnybrooks_resting_scores_follow_tone(tone: float, resting: tuple[int, int, int]) -> None:
    scores = sunnybrook(Palsy.on(Side.LEFT, SidePalsy(tone=tone)), Side.LEFT)
    assert (scores.eye, scores.cheek, scores.mouth) == resting


def test_messages_about_invalid_sunnybrook_scores() -> None:
    with pytest.raises(ValueError, match="voluntary brow is 6, it runs from 1 to 5"):
        Sunnybrook(0, 0, 0, dict.fromkeys(Sunnybrook.ITEMS, 6), dict.fromkeys(Sunnybrook.ITEMS, 0))
    with pytest.raises(ValueError, match="no score for 'brow'"):
        Sunnybrook(0, 0, 0, {}, {})
