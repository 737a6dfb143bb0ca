from __future__ import annotations

import math

import numpy as np
import pytest

from palsynth.evaluation.flicker import flicker


def test_only_what_is_still_counts() -> None:
    before = np.zeros((10, 10, 3), np.uint8)
    after = before.copy()
    after[:5] = 200
    still = np.ones((10, 10), bool)
    still[:5] = False
    found = flicker([before, after], [still])
    assert (found.mean, found.worst, found.pixels) == (0.0, 0.0, 50)
    assert flicker([before, after], [~still]).mean == 200


def test_a_change_counts_as_much_downwards_as_upwards() -> None:
    frames = [np.full((4, 4, 3), v, np.uint8) for v in (10, 14, 8)]
    assert flicker(frames, [np.ones((4, 4), bool)] * 2).mean == 5


def test_local_popping_shows_in_the_worst() -> None:
    before = np.zeros((100, 100, 3), np.uint8)
    after = before.copy()
    after[:5, :5] = 90
    found = flicker([before, after], [np.ones((100, 100), bool)])
    assert found.mean == pytest.approx(0.225)
    assert found.worst == 90


def test_nothing_still_is_no_number() -> None:
    frames = [np.zeros((4, 4, 3), np.uint8)] * 2
    assert math.isnan(flicker(frames, [np.zeros((4, 4), bool)]).mean)


def test_a_mask_is_needed_for_every_pair() -> None:
    with pytest.raises(ValueError, match="3 frames need 2 masks, not 1"):
        flicker([np.zeros((4, 4, 3), np.uint8)] * 3, [np.ones((4, 4), bool)])
