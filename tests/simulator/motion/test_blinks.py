from __future__ import annotations

import numpy as np
import pytest

from palsynth.simulator.motion.blinks import CLOSING, REFRACTORY, blinks


@pytest.mark.parametrize("rate", [8.0, 15.0, 30.0])
def test_blinks_come_at_their_rate(rate: float) -> None:
    counts = [len(blinks(rate, 600.0, seed)) for seed in range(10)]
    assert np.mean(counts) == pytest.approx(10 * rate, rel=0.08)


def test_blinks_are_apart_and_last_as_long_as_in_the_literature() -> None:
    found = blinks(20.0, 600.0, 1)
    starts = np.array([blink.lids.start for blink in found])
    assert np.diff(starts).min() >= REFRACTORY
    assert np.diff(starts).std() > 1  # not a metronome
    for blink in found:
        assert CLOSING[0] <= blink.lids.onset <= CLOSING[1]
        assert blink.lids.offset > 2 * blink.lids.onset
    full = np.mean([blink.effort == 1 for blink in found])
    assert 0.2 < full < 0.6


def test_a_later_end_changes_no_blink() -> None:
    assert blinks(15.0, 60.0, 3) == blinks(15.0, 120.0, 3)[: len(blinks(15.0, 60.0, 3))]


def test_there_are_none_where_there_are_to_be_none() -> None:
    assert blinks(0.0, 60.0, 1) == []
    still = [(10.0, 20.0), (30.0, 50.0)]
    for blink in blinks(40.0, 60.0, 1, still):
        assert all(blink.lids.end <= begin or blink.lids.start >= end for begin, end in still)
