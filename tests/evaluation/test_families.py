"""The functions of arrays behind the columns, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from palsynth.evaluation.fidelity import landmark_error
from palsynth.evaluation.identity import reidentified
from palsynth.evaluation.patient import upright_distance
from palsynth.evaluation.recognition import paired_cosines
from palsynth.face import topology

NAN = np.nan


def test_the_nearest_of_the_gallery_is_whom_a_picture_shows() -> None:
    gallery, names = np.array([[0.0, 0], [3, 0], [NAN, NAN]]), np.array(["a", "b", "c"])
    own = np.array([[1.0, 0], [2, 0], [2, 0], [NAN, NAN], [0, 0]])
    found = reidentified(own, np.array(["a", "a", "b", "a", "c"]), gallery, names)
    assert found.tolist() == [True, False, True, False, False]


def test_cosines_of_pairs_are_those_of_the_same_row() -> None:
    a, b = np.array([[1.0, 0], [2, 0], [NAN, 0]]), np.array([[0.0, 5], [3, 4], [1, 0]])
    assert paired_cosines(a, b) == pytest.approx([0, 0.6, NAN], nan_ok=True)


def faces(*noses: float) -> np.ndarray:
    """Landmarks at 0, the outer corners of the eyes 200 px apart, noses lower by some pixels."""
    points = np.zeros((len(noses), topology.POINTS, 3))
    points[:, topology.OUTER_CANTHUS["left"], 0] = 200
    points[:, 4, 1] = noses
    return points


def test_the_landmark_error_is_in_per_cent_of_the_true_eyes() -> None:
    true = faces(0, 0, 0)
    found = np.stack([true[0] + [3, 4, 99], true[1], np.full_like(true[2], NAN)])
    assert landmark_error(found, true) == pytest.approx([2.5, 0, NAN], nan_ok=True)


def test_the_upright_distance_ignores_place_and_size_and_the_irises() -> None:
    other = faces(topology.SKIN_POINTS, 0)
    irises = faces(0, 0)
    irises[:, topology.SKIN_POINTS :] += 50
    assert upright_distance(2 * other + 7, irises) == pytest.approx([0.5, 0])
