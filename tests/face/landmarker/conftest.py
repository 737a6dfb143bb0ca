"""What MediaPipe 0.10.21 says of four pictures of people who do not exist, as numbers.

``mediapipe.npz`` holds, for each picture beside it: ``box``, ``points`` and ``score`` of its
full-range detector; ``region`` (centre, side, turn) that it cut out for the landmarks, and the
``landmarks`` and ``blendshapes`` of ``face_landmarker.task``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from palsynth.face.images import read_image
from palsynth.face.landmarker.region import CropRegion

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class Reference:
    image: np.ndarray
    box: np.ndarray
    points: np.ndarray
    score: float
    region: np.ndarray
    landmarks: np.ndarray
    blendshapes: np.ndarray


@pytest.fixture(params=["grin", "close-eyes-tightly", "wrinkle-forehead", "wink"])
def reference(request: pytest.FixtureRequest) -> Reference:
    name = request.param
    with np.load(DATA / "mediapipe.npz") as stored:
        values = {
            key.removeprefix(f"{name}/"): stored[key].astype(np.float64)
            for key in stored
            if key.startswith(f"{name}/")
        }
    return Reference(
        read_image(DATA / f"{name}.png"), **{**values, "score": values["score"].item()}
    )


def as_mediapipe_cuts(centre: np.ndarray, side: float, turn: float, size: int) -> CropRegion:
    """A region as MediaPipe samples it: from its edge on, half a step off."""
    axes = CropRegion(centre, side, turn).axes
    return CropRegion(centre - axes @ np.full(2, 0.5 * side / size), side, turn)
