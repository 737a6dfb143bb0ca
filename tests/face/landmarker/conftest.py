"""Results of MediaPipe 0.10.21 on four pictures of synthetic subjects.

``mediapipe.npz`` holds for each picture in the folder: ``box``, ``points`` and ``score`` of the
full-range detector; ``region`` (centre, side, turn), the crop for the landmarks; ``landmarks`` and
``blendshapes`` of ``face_landmarker.task``.
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
    with np.load(DATA / "mediapipe.npz") as archive:
        values = {
            key.removeprefix(f"{name}/"): archive[key].astype(np.float64)
            for key in archive
            if key.startswith(f"{name}/")
        }
    return Reference(
        read_image(DATA / f"{name}.png"), **{**values, "score": values["score"].item()}
    )


def mediapipe_region(centre: np.ndarray, side: float, turn: float, size: int) -> CropRegion:
    """A region as MediaPipe samples it: from its edge, offset by half a step."""
    axes = CropRegion(centre, side, turn).axes
    return CropRegion(centre - axes @ np.full(2, 0.5 * side / size), side, turn)
