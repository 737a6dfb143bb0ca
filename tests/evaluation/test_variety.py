from __future__ import annotations

import numpy as np
import pytest

from palsynth.evaluation.variety import distances_to_others

SUBJECTS = np.array(["a", "a", "b", "c"])


def test_distances_are_to_other_people_only() -> None:
    features = np.array([[0.0, 0], [3, 4], [0, 8], [6, 0]])
    found = distances_to_others(features, SUBJECTS)
    assert found[0] == pytest.approx((8 + 6) / 2)
    assert found[2] == pytest.approx((8 + 5 + 10) / 3)


def test_one_face_for_everybody_has_no_variety() -> None:
    assert (distances_to_others(np.ones((4, 3)), SUBJECTS) == 0).all()


def test_pictures_without_a_face_are_passed_over() -> None:
    features = np.array([[0.0], [np.nan], [4], [np.nan]])
    assert distances_to_others(features, SUBJECTS) == pytest.approx(
        [4, np.nan, 4, np.nan], nan_ok=True
    )


def test_a_person_alone_has_no_figure() -> None:
    assert np.isnan(distances_to_others(np.ones((2, 3)), np.array(["a", "a"]))).all()
