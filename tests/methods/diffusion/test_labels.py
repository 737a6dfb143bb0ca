"""The class labels of conditions and of training examples."""

from __future__ import annotations

import numpy as np
import pytest

from palsynth.clinical import YANAGIHARA, Grade, Movement, Palsy, Side
from palsynth.data.examples import MOVEMENTS, SIDES, UNKNOWN, labels
from palsynth.errors import InputError
from palsynth.methods.diffusion.labels import Condition, ConditionLabels, weak_side

LABELS = ConditionLabels(tuple(m.value for m in YANAGIHARA))


def test_every_condition_has_a_label_of_its_own_and_the_null_label_is_none_of_them() -> None:
    every = [Condition(m, side) for m in YANAGIHARA for side in SIDES]
    assert LABELS.encode(every) == list(range(30))
    assert LABELS.null == 30


def test_an_unknown_movement_is_named() -> None:
    with pytest.raises(InputError, match="does not know the movement 'blink'"):
        LABELS.encode([Condition(Movement.BLINK, None)])


def test_an_example_with_an_unknown_label_has_the_null_label() -> None:
    grin, left = MOVEMENTS.index(Movement.GRIN), SIDES.index(Side.LEFT)
    assert LABELS.of_example(grin, left) == LABELS.encode([Condition(Movement.GRIN, Side.LEFT)])[0]
    assert LABELS.of_example(UNKNOWN, left) == LABELS.null
    assert LABELS.of_example(grin, UNKNOWN) == LABELS.null
    assert LABELS.of_example(MOVEMENTS.index(Movement.BLINK), left) == LABELS.null


@pytest.mark.parametrize(
    ("palsy", "side"),
    [
        (Palsy.none(), None),
        (Palsy.peripheral(Side.LEFT, Grade.II), Side.LEFT),
        (Palsy.peripheral(Side.RIGHT, Grade.VI), Side.RIGHT),
        (Palsy.central(Side.LEFT, Grade.IV), Side.LEFT),
        (Palsy.bilateral(Grade.III, Grade.III), None),
        (Palsy.bilateral(Grade.III, Grade.V), Side.RIGHT),
    ],
)
def test_the_weak_side_of_an_example_is_that_of_its_palsy(palsy: Palsy, side: Side | None) -> None:
    fields = labels(Movement.GRIN, palsy)
    assert SIDES[weak_side(fields["function"], fields["tone"])] is side


def test_the_weak_side_of_unknown_function_is_unknown() -> None:
    nan = np.full((2, 5), np.nan, np.float32)
    assert weak_side(nan, np.ones(2, np.float32)) == UNKNOWN
    assert weak_side(np.ones((2, 5), np.float32), np.array([1, np.nan], np.float32)) == UNKNOWN
