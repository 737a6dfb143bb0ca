"""The specified agreement of item scores, on evaluation subjects. Takes minutes."""

from __future__ import annotations

import numpy as np
import pytest

from palsynth.clinical import YANAGIHARA, Grade, Movement, Palsy, Side, item_score
from palsynth.evaluation.agreement import weighted_kappa
from palsynth.face.detect import detect_faces
from palsynth.face.measures import measure
from palsynth.face.scoring import estimate
from palsynth.subjects import EVALUATION_SEEDS, View, render, sample


@pytest.mark.slow
@pytest.mark.parametrize("movement", YANAGIHARA)
def test_weighted_kappa_on_evaluation_subjects(movement: Movement) -> None:
    true, found = [], []
    for seed in range(EVALUATION_SEEDS, EVALUATION_SEEDS + 50):
        for grade in Grade:
            palsy = Palsy.peripheral(Side.LEFT if seed % 2 else Side.RIGHT, grade)
            image = render(sample(seed), movement, palsy, view=View(256)).image
            faces = detect_faces(image)
            assert faces
            true.append(item_score(palsy, movement))
            found.append(estimate(measure(faces[0].landmarks), movement).score)
    assert weighted_kappa(np.array(true), np.array(found)) >= 0.8
