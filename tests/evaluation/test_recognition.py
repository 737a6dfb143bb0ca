from __future__ import annotations

import numpy as np
import pytest

from palsynth.evaluation.recognition import auc, cosines, tar_at_far, top1, verification


def test_top1_by_hand() -> None:
    similarity = np.array([[0.9, 0.1], [0.8, 0.7], [0.2, 0.3]])
    probe, gallery = np.array(["a", "b", "b"]), np.array(["a", "b"])
    assert top1(similarity, probe, gallery) == pytest.approx(2 / 3)
    same, other = verification(similarity, probe, gallery)
    assert same.tolist() == [0.9, 0.7, 0.3]
    assert other.tolist() == [0.1, 0.8, 0.2]


def test_auc_agrees_with_all_pairs() -> None:
    rng = np.random.default_rng(0)
    same, other = rng.normal(1, 1, 50).round(1), rng.normal(0, 1, 80).round(1)  # with ties
    pairs = (same[:, None] > other) + 0.5 * (same[:, None] == other)
    assert auc(same, other) == pytest.approx(pairs.mean())
    assert auc(same + 100, other) == 1.0
    assert auc(same, same) == 0.5


def test_tar_does_not_exceed_the_false_accept_rate() -> None:
    other = np.arange(1000) / 1000
    same = np.array([0.5, 0.9895, 0.9995])
    assert tar_at_far(same, other, 0.01) == pytest.approx(2 / 3)
    assert tar_at_far(same, other, 0.0) == pytest.approx(1 / 3)
    assert tar_at_far(same, other, 1.0) == 1.0
    for far in (0.1, 0.013, 0.001):
        assert tar_at_far(other, other, far) <= far


def test_cosines_ignore_length() -> None:
    a = np.array([[1.0, 0.0], [3.0, 3.0]], np.float32)
    assert cosines(a, 7 * a)[0] == pytest.approx([1.0, np.sqrt(0.5)])
    assert np.isfinite(cosines(np.zeros((1, 2)), a)).all()
