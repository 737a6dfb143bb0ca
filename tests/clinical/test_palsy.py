from __future__ import annotations

import pytest

from palsynth.clinical import (
    Branch,
    Grade,
    Movement,
    Muscle,
    Palsy,
    Side,
    SidePalsy,
)

T, Z, B, M, C = Branch.TEMPORAL, Branch.ZYGOMATIC, Branch.BUCCAL, Branch.MARGINAL, Branch.CERVICAL

UNEVEN = SidePalsy({T: 0.1, Z: 0.2, B: 0.6, M: 0.9, C: 1.0}, tone=0.7)
"""A side on which every branch has a different function."""


def test_grades_in_numbers() -> None:
    assert [g.number for g in Grade] == [1, 2, 3, 4, 5, 6]
    found = {g.value: tuple(Palsy.peripheral(Side.LEFT, g).left.function.values()) for g in Grade}
    assert found == {  # temporal, zygomatic, buccal, marginal, cervical
        "I": (1.0, 1.0, 1.0, 1.0, 1.0),
        "II": (0.8, 0.9, 0.8, 0.8, 0.8),
        "III": (0.45, 0.75, 0.55, 0.55, 0.55),
        "IV": (0.0, 0.5, 0.35, 0.35, 0.35),
        "V": (0.0, 0.2, 0.12, 0.12, 0.12),
        "VI": (0.0, 0.0, 0.0, 0.0, 0.0),
    }


@pytest.mark.parametrize("side", list(Side))
def test_grades_get_weaker_step_by_step(side: Side) -> None:
    functions = [Palsy.peripheral(side, g).movement_function(Movement.GRIN, side) for g in Grade]
    assert functions == sorted(functions, reverse=True)
    assert functions[0] == pytest.approx(1)
    assert functions[-1] == 0
    for grade in Grade:
        palsy = Palsy.peripheral(side, grade)
        assert palsy.of(side.other) == SidePalsy()
        assert palsy.weak_side is (None if grade is Grade.I else side)


def test_only_five_and_six_differ_at_rest() -> None:
    tones = [Palsy.peripheral(Side.LEFT, g).left.tone for g in Grade]
    assert tones == [1, 1, 1, 1, 0.5, 0]


def test_central_palsy_spares_forehead_and_eye_closure() -> None:
    stroke = Palsy.central(Side.RIGHT, Grade.VI)
    assert stroke.left == SidePalsy()
    assert stroke.right.function == {T: 1.0, Z: 0.7, B: 0.0, M: 0.0, C: 0.0}
    assert stroke.movement_function(Movement.WRINKLE_FOREHEAD, Side.RIGHT) == 1
    closes = stroke.movement_function(Movement.CLOSE_EYES_LIGHTLY, Side.RIGHT)
    assert closes == pytest.approx(0.8 * 0.7 + 0.2)
    assert stroke.movement_function(Movement.WHISTLE, Side.RIGHT) == 0
    mild = Palsy.central(Side.LEFT, Grade.II)
    assert mild.right == SidePalsy()
    assert mild.left.function == {T: 1.0, Z: 0.9, B: 0.8, M: 0.8, C: 0.8}


def test_a_bilateral_palsy_has_each_grade_on_its_side() -> None:
    palsy = Palsy.bilateral(Grade.II, Grade.V)
    assert palsy.left == Palsy.peripheral(Side.LEFT, Grade.II).left
    assert palsy.right == Palsy.peripheral(Side.RIGHT, Grade.V).right
    assert palsy.weak_side is Side.RIGHT
    assert Palsy.bilateral(left=Grade.VI, right=Grade.III).weak_side is Side.LEFT
    assert Palsy.bilateral(Grade.IV, Grade.IV).weak_side is None


@pytest.mark.parametrize("side", list(Side))
def test_a_palsy_of_one_side_is_on_that_side(side: Side) -> None:
    palsy = Palsy.on(side, UNEVEN)
    assert palsy.of(side) is UNEVEN
    assert getattr(palsy, side.value) is UNEVEN
    assert palsy.of(side.other) == SidePalsy()
    assert palsy.weak_side is side
    assert Palsy.on(side, SidePalsy(tone=0.9)).weak_side is side, "tone alone decides too"


@pytest.mark.parametrize(
    ("amount", "function", "tone"),
    [(0.0, 1, 1), (0.3, 0.7, 1), (0.5, 0.5, 1), (0.8, 0.2, 0.4), (1.0, 0, 0)],
)
def test_tone_decreases_above_half_weakness(amount: float, function: float, tone: float) -> None:
    state = Palsy.weakness(Side.RIGHT, amount).right
    assert state.function == pytest.approx(dict.fromkeys(Branch, function))
    assert state.tone == pytest.approx(tone)
    assert Palsy.weakness(Side.RIGHT, amount).left == SidePalsy()


def test_strength_of_a_muscle_is_the_weighted_function_of_its_branches() -> None:
    assert UNEVEN.strength(Muscle.ORBICULARIS_OCULI) == pytest.approx(0.8 * 0.2 + 0.2 * 0.1)
    assert UNEVEN.strength(Muscle.ORBICULARIS_ORIS) == pytest.approx(0.6 * 0.6 + 0.4 * 0.9)
    assert UNEVEN.strength(Muscle.PLATYSMA) == 1


def test_function_of_a_movement_is_that_of_its_main_muscles() -> None:
    """By hand: the effort-weighted mean strength of the muscles with an effort of 0.5 or more."""
    by_hand = {
        "rest": 0.7,
        "wrinkle-forehead": 0.1,
        "close-eyes-lightly": 0.18,
        "close-eyes-tightly": (0.18 + 0.15 + 0.6 * 0.1) / 2.6,
        "wink": 0.18,
        "wrinkle-nose": 0.7 * 0.6 + 0.3 * 0.2,
        "puff-cheeks": 0.6,
        "whistle": 0.72,
        "grin": (0.4 + 0.9 * 0.9) / 1.9,
        "depress-lip": (0.92 + 0.9 + 0.5 * 1.0) / 2.5,
        "blink": 0.18,
    }
    for side in Side:
        palsy = Palsy.on(side, UNEVEN)
        found = {m.value: palsy.movement_function(m, side) for m in Movement}
        assert found == pytest.approx(by_hand)
        for movement in Movement:
            assert palsy.movement_function(movement, side.other) == pytest.approx(1)


def test_late_palsies_have_synkinesis_strongest_in_grade_four() -> None:
    assert not Palsy.peripheral(Side.LEFT, Grade.IV).left.synkinesis
    brow_drags_mouth = (Muscle.FRONTALIS, Muscle.ZYGOMATICUS)
    found = {
        g.value: Palsy.peripheral(Side.RIGHT, g, late=True).right.synkinesis.get(brow_drags_mouth)
        for g in Grade
    }
    assert found == {
        "I": None,
        "II": pytest.approx(0.15 * 0.89),
        "III": pytest.approx(0.5 * 0.89),
        "IV": pytest.approx(0.8 * 0.89),
        "V": pytest.approx(0.2 * 0.89),
        "VI": None,
    }
    links = Palsy.peripheral(Side.RIGHT, Grade.IV, late=True).right.synkinesis
    assert len(links) == 7
    assert links[Muscle.ZYGOMATICUS, Muscle.FRONTALIS] == pytest.approx(0.8 * 0.17)


def test_the_dictionary_of_sides_branches_and_links() -> None:
    links = {(Muscle.FRONTALIS, Muscle.ZYGOMATICUS): 0.25}
    palsy = Palsy(left=UNEVEN, right=SidePalsy(tone=0.5, synkinesis=links))
    healthy = dict.fromkeys(("temporal", "zygomatic", "buccal", "marginal", "cervical"), 1.0)
    data = {
        "left": {
            "function": {
                "temporal": 0.1,
                "zygomatic": 0.2,
                "buccal": 0.6,
                "marginal": 0.9,
                "cervical": 1.0,
            },
            "tone": 0.7,
            "synkinesis": [],
        },
        "right": {
            "function": healthy,
            "tone": 0.5,
            "synkinesis": [{"moving": "frontalis", "drags": "zygomaticus", "strength": 0.25}],
        },
    }
    assert palsy.to_dict() == data
    assert Palsy.from_dict(data) == palsy
    partial = Palsy.from_dict({"right": {"function": {"buccal": 0.5}}})
    assert partial.right.function == {T: 1.0, Z: 1.0, B: 0.5, M: 1.0, C: 1.0}


def test_dict_round_trip() -> None:
    palsy = Palsy.peripheral(Side.LEFT, Grade.III, late=True)
    assert Palsy.from_dict(palsy.to_dict()).to_dict() == palsy.to_dict()
    assert Palsy.from_dict({"left": {"function": 0.5}}).left.function[Branch.BUCCAL] == 0.5
    assert Palsy.from_dict({}) == Palsy.none()


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"middle": {}}, "palsy has no 'middle'; its keys are left, right"),
        ({"left": {"strength": 1}}, "palsy.left has no 'strength'"),
        ({"left": {"function": {"facial": 1}}}, "palsy.left.function has no 'facial'"),
        ({"left": {"function": {"buccal": 2}}}, "buccal is 2, it must lie between 0 and 1"),
        ({"left": {"tone": "low"}}, "palsy.left.tone is 'low', it must be a number"),
        ({"left": {"synkinesis": [{"moving": "nose", "drags": "chin"}]}}, "'nose'"),
        ([1], "palsy must have the keys left, right"),
    ],
)
def test_messages_about_invalid_palsies(data: object, text: str) -> None:
    with pytest.raises(ValueError) as error:
        Palsy.from_dict(data)  # type: ignore[arg-type]
    assert text in str(error.value)


def test_a_side_in_words_is_that_side_and_not_the_other() -> None:
    assert Palsy.peripheral("left", Grade.V) == Palsy.peripheral(Side.LEFT, Grade.V)  # type: ignore[arg-type]
    assert Palsy.peripheral(Side.LEFT, Grade.V).of("left").tone < 1  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="'Left' is not a valid Side"):
        Palsy.peripheral("Left", Grade.V)  # type: ignore[arg-type]
