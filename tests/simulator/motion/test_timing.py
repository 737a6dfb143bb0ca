from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from palsynth.clinical import Movement
from palsynth.simulator.motion.settings import MotionSettings
from palsynth.simulator.motion.timing import DURATIONS, Contraction, contractions, ease


def test_the_step_is_that_of_minimum_jerk() -> None:
    times = np.linspace(0, 1, 1001)
    values = np.array([ease(t) for t in times])
    assert values[[0, 500, 1000]] == pytest.approx([0, 0.5, 1])
    assert np.diff(values).max() * 1000 == pytest.approx(1.875, rel=1e-3)
    assert (ease(-1), ease(2)) == (0, 1)


def test_every_movement_has_durations() -> None:
    assert DURATIONS.keys() == set(Movement)


def test_a_contraction_is_at_rest_outside_its_time_and_full_at_the_apex() -> None:
    one = Contraction(1.0, 0.5, 2.0, 0.5)
    for function in (0.0, 0.5, 1.0):
        assert one.at(1.0, function) == 0
        assert one.at(3.4, function) == pytest.approx(1.0, abs=0.2)
        assert one.at(2.6, function) == 1
        assert one.at(one.end, function, synkinetic=True) == pytest.approx(0, abs=1e-12)
    assert one.at(1.5) == 1
    assert one.at(4.0) == 0


def test_given_durations_replace_those_of_the_movement() -> None:
    settings = MotionSettings(start=1.0, onset=0.2, hold=0.3, variation=0.0)
    (one,) = contractions(Movement.GRIN, settings, 1)
    assert (one.start, one.onset, one.hold) == (1.0, 0.2, 0.3)
    assert one.offset == DURATIONS[Movement.GRIN][2]


def test_a_seed_varies_every_repetition_and_none_overlap() -> None:
    settings = MotionSettings(repeats=4, rest=0.2)
    found = contractions(Movement.GRIN, settings, 1)
    assert len({one.onset for one in found}) == 4
    for before, after in pairwise(found):
        assert after.start == pytest.approx(before.end + 0.2)
    assert found[:2] == contractions(Movement.GRIN, MotionSettings(repeats=2, rest=0.2), 1)
    assert found != contractions(Movement.GRIN, settings, 2)
