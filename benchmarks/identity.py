"""The identity judge of the benchmarks: dlib's face recogniser, on which no model here was trained.

Two pictures count as the same person if their distance is below 0.6, the recogniser's usual
threshold.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch

from palsynth.encoders.base import as_images
from palsynth.encoders.published.dlib import DlibRecogniser
from palsynth.face.face import Face


@lru_cache(maxsize=1)
def _recogniser() -> DlibRecogniser:
    return DlibRecogniser()


def embedding(image: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Identity embedding (128,) of a picture with its landmarks (478, 2 or 3)."""
    points = np.column_stack([landmarks[:, :2], np.zeros(len(landmarks))]).astype(np.float32)
    crop = _recogniser().crop(Face(image, points)).image
    return _recogniser()(as_images(torch.from_numpy(crop[None]))).vector[0].numpy()
