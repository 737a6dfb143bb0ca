from __future__ import annotations

import numpy as np
import pytest

from palsynth.evaluation.privacy import (
    FALSE_ACCEPTS,
    distances,
    membership_auc,
    nearest,
    recognised,
    threshold_at,
)


def features(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 6)).astype(np.float32)


def test_distances_agree_with_their_definition() -> None:
    a, b = features(5, 0), features(7, 1)
    defined = np.linalg.norm(a[:, None].astype(np.float64) - b[None], axis=-1)
    assert np.abs(distances(a, b) - defined).max() < 1e-6


def test_nearest_is_the_nearest_and_leaves_out_rows_without_a_face(monkeypatch) -> None:
    a, b = features(9, 2), features(7, 3)
    a[4], b[2] = np.nan, np.nan
    whole = nearest(a, b)
    expected = np.linalg.norm(a[:, None] - b[None], axis=-1)
    for k in range(9):
        if k == 4:
            assert whole.index[k] == -1
            assert np.isnan(whole.distance[k])
        else:
            assert whole.index[k] == np.nanargmin(expected[k])
            assert whole.distance[k] == pytest.approx(np.nanmin(expected[k]), abs=1e-6)
    monkeypatch.setattr("palsynth.evaluation.privacy._BLOCK", 2)
    again = nearest(a, b)
    assert np.array_equal(again.index, whole.index), "for any block size"


@pytest.mark.parametrize("far", [0.5, 0.1, 0.01])
def test_a_threshold_accepts_no_more_than_its_rate(far: float) -> None:
    impostors = np.abs(features(1000, 4).ravel())
    accepted = recognised(impostors, threshold_at(impostors, far)).mean()
    assert far - 0.001 <= accepted <= far


def test_a_threshold_of_few_pairs_accepts_none() -> None:
    impostors = np.array([0.4, 0.5, np.nan])
    assert not recognised(impostors, threshold_at(impostors, 0.01)).any()
    assert np.isnan(threshold_at(np.array([np.nan]), 0.01))


def test_membership() -> None:
    low, high = np.array([0.1, 0.2, np.nan]), np.array([0.5, 0.3])
    assert membership_auc(low, high) == 1, "members' losses are the lower ones"
    assert membership_auc(high, low) == 0
    assert membership_auc(high, high) == 0.5
    assert np.isnan(membership_auc(np.array([np.nan]), high))


def test_the_threshold_by_hand() -> None:
    """Of 200 impostor pairs one in a hundred may be accepted: the two nearest."""
    impostors = np.random.default_rng(0).permutation(np.arange(1.0, 201.0))
    assert threshold_at(impostors, 0.01) == 3
    assert threshold_at(impostors, 0.001) == 1
    near = recognised(np.array([2.9, 3.0, 3.1, np.nan]), 3.0)
    assert near.tolist() == [True, False, False, False]
    assert FALSE_ACCEPTS == (0.01, 0.001)
