from __future__ import annotations

import numpy as np
import pytest

from palsynth.simulator.motion.sway import SWAY_SHARES, HeadSway, Sway


def test_a_head_sways_smoothly_about_where_it_is_held() -> None:
    times = np.arange(0, 200, 0.04)
    turns = np.array(
        [
            [(s.yaw, s.pitch, s.roll) for s in map(HeadSway(seed, 2.0).at, times)]
            for seed in range(5)
        ]
    )
    assert np.abs(turns.mean(1)).max() < 0.15
    assert turns.std((0, 1)) == pytest.approx([2.0 * share for share in SWAY_SHARES], rel=0.05)
    assert np.abs(np.diff(turns, axis=1)).max() < 0.5  # degrees from a frame to the next
    assert not np.allclose(turns[0], turns[1])


def test_a_head_that_is_held_still_does_not_sway() -> None:
    assert HeadSway(1, 0.0).at(3.0) == Sway()
