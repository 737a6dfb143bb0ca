"""Faces are graded by hand-made graders, whose answers are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from palsynth.clinical import Grade, Movement
from palsynth.encoders.base import as_images, upright_crop
from palsynth.encoders.graded_faces import grade_faces
from palsynth.encoders.grader import read_grader
from palsynth.encoders.grader_features import grader_features
from palsynth.encoders.grading import FeatureGrader, Grader
from palsynth.encoders.reading import MOVEMENTS_OF_0_1
from palsynth.errors import InputError
from palsynth.face.detect import detect_face


@pytest.fixture(scope="module")
def grader() -> Grader:
    torch.manual_seed(0)
    return Grader((4, 4, 4, 4), (1, 1, 1, 1), 2, 8, 0.0).eval()


def test_a_face_is_graded_as_the_network_sees_its_crop(
    grader: Grader, neutral: np.ndarray, tmp_path: Path
) -> None:
    face = detect_face(neutral)
    grader.save_pretrained(tmp_path)
    movements = [Movement.REST, Movement.GRIN]
    found = grade_faces(read_grader(tmp_path), [face, face], movements)
    crop = torch.from_numpy(upright_crop(face).image[None])
    for movement, one in zip(movements, found, strict=True):
        with torch.no_grad():
            number = MOVEMENTS_OF_0_1.index(movement.value)
            item, grade, _ = grader(as_images(crop), torch.tensor([number]))
        items, grades = item[0].softmax(0), grade[0].softmax(0)
        assert one.items == pytest.approx(items.tolist(), abs=1e-6)
        assert one.grades == pytest.approx(grades.tolist(), abs=1e-6)
        assert one.item == pytest.approx(float(2 * items[1] + 4 * items[2]), abs=1e-5)
        assert one.grade is list(Grade)[int(grades.argmax())]
    assert found[0].items != found[1].items, "the movement selects the item"


def test_more_faces_than_a_batch_come_in_their_order(
    grader: Grader, neutral: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    face = detect_face(neutral)
    movements = [Movement.REST, Movement.GRIN, Movement.WHISTLE]
    together = grade_faces(grader, [face] * 3, movements)
    monkeypatch.setattr("palsynth.encoders.graded_faces.BATCH", 2)
    for one, other in zip(together, grade_faces(grader, [face] * 3, movements), strict=True):
        assert one.items == pytest.approx(other.items, abs=1e-5)


def test_a_grader_on_features_sees_the_same_crop(neutral: np.ndarray) -> None:
    torch.manual_seed(0)
    grader = FeatureGrader(4, 0.0).eval()
    face = detect_face(neutral)
    (found,) = grade_faces(grader, [face], [Movement.REST])
    features = torch.from_numpy(grader_features([upright_crop(face).image]))
    with torch.no_grad():
        item = grader(features, torch.tensor([0])).item
    assert found.items == pytest.approx(item[0].softmax(0).tolist(), abs=1e-6)


def test_every_face_needs_its_movement(grader: Grader, neutral: np.ndarray) -> None:
    assert grade_faces(grader, [], []) == []
    with pytest.raises(InputError, match="2 faces and 1 movements: give one per face"):
        grade_faces(grader, [detect_face(neutral)] * 2, [Movement.GRIN])
