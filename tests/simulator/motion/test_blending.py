"""Between two instants."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.simulator.drive import drive
from palsynth.simulator.motion import blended

REST = drive(Movement.REST, Palsy.none())
GRIN = drive(Movement.GRIN, Palsy.peripheral(Side.LEFT, Grade.IV))


def test_ends_are_themselves() -> None:
    assert blended(REST, GRIN, 0.0) is REST
    assert blended(REST, GRIN, 1.0) is GRIN


def test_a_quarter_of_the_way() -> None:
    between = blended(REST, GRIN, 0.25)
    for side in Side:
        fields = {name: 0.25 * value for name, value in GRIN.of(side).fields.items()}
        assert {k: v for k, v in between.of(side).fields.items() if v} == pytest.approx(
            {k: v for k, v in fields.items() if v}
        )
        assert between.of(side).smile == pytest.approx(0.25 * GRIN.of(side).smile)
    assert between.jaw == pytest.approx(0.25 * GRIN.jaw)
    assert between.drag == pytest.approx(0.75 * REST.drag + 0.25 * GRIN.drag)
    assert between.sealed == pytest.approx(0.75 * REST.sealed + 0.25 * GRIN.sealed)


def test_an_offset_of_one_alone_comes_and_goes() -> None:
    offset = np.full((5, 3), 2.0, np.float32)
    with_offset = replace(GRIN, offset=offset)
    for found in (blended(REST, with_offset, 0.25), blended(with_offset, REST, 0.75)):
        assert found.offset == pytest.approx(0.25 * offset)
    assert blended(REST, GRIN, 0.5).offset is None
