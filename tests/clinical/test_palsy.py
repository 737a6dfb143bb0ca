from __future__ import annotations

import pytest

from palsynth.clinical import (
    SUPPLY,
    YANAGIHARA,
    Branch,
    Grade,
    Movement,
    Muscle,
    Palsy,
    Side,
    SidePalsy,
    effort,
)


def test_every_muscle_has_a_full_supply() -> None:
    assert set(SUPPLY) == set(Muscle)
    for shares in SUPPLY.values():
        assert sum(shares.values()) == pytest.approx(1.0)


def test_the_ten_movements() -> None:
    assert len(YANAGIHARA) == 10
    assert YANAGIHARA[0] is Movement.REST
    assert Movement.BLINK not in YANAGIHARA


def test_wink_asks_one_side_only() -> None:
    assert effort(Movement.WINK, Side.RIGHT, wink=Side.LEFT) == {}
    assert effort(Movement.WINK, Side.LEFT, wink=Side.LEFT)
    assert effort(Movement.GRIN, Side.LEFT) == effort(Movement.GRIN, Side.RIGHT)


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


def test_central_palsy_spares_the_forehead() -> None:
    palsy = Palsy.central(Side.RIGHT, Grade.VI)
    assert palsy.movement_function(Movement.WRINKLE_FOREHEAD, Side.RIGHT) == 1
    assert palsy.movement_function(Movement.WHISTLE, Side.RIGHT) == 0


def test_bilateral_palsy() -> None:
    palsy = Palsy.bilateral(Grade.IV, Grade.IV)
    assert palsy.weak_side is None
    assert palsy.movement_function(Movement.GRIN, Side.LEFT) < 0.5


def test_late_palsy_has_synkinesis() -> None:
    assert not Palsy.peripheral(Side.LEFT, Grade.IV).left.synkinesis
    links = Palsy.peripheral(Side.LEFT, Grade.IV, late=True).left.synkinesis
    assert links[(Muscle.FRONTALIS, Muscle.ZYGOMATICUS)] > 0


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
def test_bad_palsies_say_what_is_wrong(data: object, text: str) -> None:
    with pytest.raises(ValueError) as error:
        Palsy.from_dict(data)  # type: ignore[arg-type]
    assert text in str(error.value)
