"""The neutral photographs that the appearance model is fitted to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from palsynth.errors import InputError
from palsynth.face.images import read_image
from palsynth.face.photographs import read_subjects

Detector = Callable[[np.ndarray], np.ndarray]
"""Maps an image (H, W, 3) RGB uint8 to landmarks (478, 3) in pixels."""


@dataclass(frozen=True)
class Photograph:
    """One neutral photograph of the training set, with the attributes the person reported."""

    image: np.ndarray
    """Image (H, W, 3) uint8 RGB."""

    landmarks: np.ndarray
    """Landmarks (478, 3) in pixels."""

    age: float | None
    """Age in years; None if not reported."""

    gender: str
    """Gender as reported; "female" counts as a woman."""

    ethnicity: str
    """One of ``ETHNICITIES``; any other counts as white."""


def neutral_photographs(folder: Path, detect: Detector) -> list[Photograph]:
    """Reads the neutral photographs of the ``train`` split of a folder.

    Args:
        folder: a folder laid out as described in :mod:`palsynth.face.photographs`, with the
            attributes that people reported in ``info.csv``.
        detect: landmark detector.

    Returns:
        One photograph per person.

    Raises:
        InputError: the folder lacks ``split.csv`` or ``info.csv``, or an image cannot be read.
    """
    subjects = read_subjects(folder, "train")
    if not (folder / "info.csv").exists():
        raise InputError(f"{folder}: no info.csv; docs/data.md describes the expected layout")
    out = []
    for subject in subjects:
        image = read_image(subject.path("neutral"))
        ethnicity = subject.ethnicity.split("/")[0]
        out.append(Photograph(image, detect(image), subject.age, subject.gender, ethnicity))
    return out
