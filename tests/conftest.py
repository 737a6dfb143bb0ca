"""What many tests stand on: a person who does not exist, and one real photo.

The photo is scikit-image's astronaut, read from that package and never copied.
"""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # tests run side by side, a process a core

import numpy as np
import pytest

from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.face.detect import detect_face
from palsynth.face.face import Face
from palsynth.face.images import write_png
from palsynth.people import Person, View, render, sample


@pytest.fixture(scope="session")
def person() -> Person:
    return sample(5)


@pytest.fixture(scope="session")
def neutral(person: Person) -> np.ndarray:
    return render(person, view=View(256)).image


@pytest.fixture(scope="session")
def half_grin(person: Person) -> np.ndarray:
    palsy = Palsy.peripheral(Side.LEFT, Grade.V)
    return render(person, Movement.GRIN, palsy, view=View(256)).image


@pytest.fixture(scope="session")
def face(neutral: np.ndarray) -> Face:
    return detect_face(neutral)


@pytest.fixture(scope="session")
def astronaut() -> Face:
    from skimage.data import astronaut

    return detect_face(np.ascontiguousarray(astronaut()[:300, 80:380]))


@pytest.fixture
def photo(tmp_path: Path, neutral: np.ndarray) -> Path:
    path = tmp_path / "photo.png"
    write_png(path, neutral)
    return path
