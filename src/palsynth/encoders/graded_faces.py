"""A trained grader on faces: item score and House-Brackmann grade of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from palsynth.clinical import Grade, Movement
from palsynth.data.examples import GRADES, ITEMS, MOVEMENTS
from palsynth.encoders.base import upright_crop
from palsynth.encoders.device import BATCH, default_device
from palsynth.encoders.grader_features import grader_features
from palsynth.encoders.grading import FeatureGrader, Grader, predict
from palsynth.errors import InputError
from palsynth.face.face import Face


@dataclass(frozen=True)
class GradedFace:
    """What a grader says of a face.

    Attributes:
        item: expected Yanagihara item score of the movement, 0 … 4: the mean of 0, 2 and 4 over the
            grader's probabilities.
        grade: the most probable House-Brackmann grade.
        items: probability of each score in ``palsynth.data.examples.ITEMS``; they sum to 1.
        grades: probability of each grade in ``palsynth.data.examples.GRADES``; they sum to 1.
    """

    item: float
    grade: Grade
    items: tuple[float, ...]
    grades: tuple[float, ...]


@torch.no_grad()
def grade_faces(
    grader: Grader | FeatureGrader, faces: Sequence[Face], movements: Sequence[Movement]
) -> list[GradedFace]:
    """Grades faces, cropped as in training, on a GPU where there is one.

    Args:
        grader: a trained grader, from :func:`palsynth.encoders.grader.read_grader`.
        faces: the faces, such as :func:`palsynth.face.detect.read_face` finds in photos.
        movements: the movement that each person was asked for, one per face.

    Returns:
        One result per face.

    Raises:
        InputError: there are not as many movements as faces, or the grader does not know one.
    """
    if len(faces) != len(movements):
        raise InputError(f"{len(faces)} faces and {len(movements)} movements: give one per face")
    device = default_device()
    grader.to(device)  # type: ignore[arg-type]
    out: list[GradedFace] = []
    for start in range(0, len(faces), BATCH):
        crops = [upright_crop(face).image for face in faces[start : start + BATCH]]
        seen = (
            {"image": np.stack(crops)}
            if isinstance(grader, Grader)
            else {"features": grader_features(crops)}
        )
        classes = [MOVEMENTS.index(movement) for movement in movements[start : start + BATCH]]
        batch = {name: torch.from_numpy(array).to(device) for name, array in seen.items()}
        found = predict(grader, batch | {"movement": torch.tensor(classes, device=device)})
        out += map(_graded, _chances(found.item), _chances(found.grade))
    return out


def _chances(logits: Tensor) -> list[list[float]]:
    chances: list[list[float]] = logits.double().softmax(1).tolist()
    return chances


def _graded(items: list[float], grades: list[float]) -> GradedFace:
    expected = sum(score * chance for score, chance in zip(ITEMS, items, strict=True))
    return GradedFace(expected, GRADES[int(np.argmax(grades))], tuple(items), tuple(grades))
