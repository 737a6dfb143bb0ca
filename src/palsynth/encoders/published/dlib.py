"""dlib's recogniser (King 2017): the identity judge that no model here was trained on.

Its weights come with the package ``face_recognition_models``; of its landmark models the
five-point one is used, never the 68-point one, whose training data bars commercial use.
"""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from palsynth.encoders.base import Features
from palsynth.errors import InputError
from palsynth.face.face import Face
from palsynth.face.framing import Framing

SAME_PERSON = 0.6
"""Euclidean distance below which dlib takes two pictures for one person."""

_FRAMING = Framing("dlib", 0.36, 0.42)
_BOX = (0.22, 0.26, 0.78, 0.92)
"""Left, top, right and bottom of the face in that framing, as its detector would box it."""


@lru_cache(maxsize=1)
def _models() -> tuple[Any, Any]:
    spec = importlib.util.find_spec("face_recognition_models")
    try:
        import dlib
    except ImportError:
        dlib = None
    if dlib is None or spec is None or spec.origin is None:
        raise InputError(
            "the identity judge is missing; pip install dlib-bin face_recognition_models"
        )
    folder = Path(spec.origin).parent / "models"
    return (
        dlib.shape_predictor(str(folder / "shape_predictor_5_face_landmarks.dat")),
        dlib.face_recognition_model_v1(str(folder / "dlib_face_recognition_resnet_model_v1.dat")),
    )


class DlibRecogniser:
    """Vectors (N, 128), compared by Euclidean distance; no gradient and no map."""

    size = 192
    """Pixels a side of a crop."""

    def __init__(self) -> None:
        _models()

    def __call__(self, images: Tensor) -> Features:
        """Images (N, 3, 192, 192) as :meth:`crop` cuts them, RGB in 0 … 1, to vectors."""
        import dlib

        shape, recogniser = _models()
        size = images.shape[-1]
        box = dlib.rectangle(*(round(size * edge) for edge in _BOX))
        pixels = (images * 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous()
        found = [
            np.array(recogniser.compute_face_descriptor(image, shape(image, box)), np.float32)
            for image in pixels.cpu().numpy()
        ]
        vector = torch.from_numpy(np.stack(found))
        return Features(vector, vector.new_zeros(len(vector), 0, 7, 7))

    def crop(self, face: Face) -> Face:
        """A loose crop: the recogniser finds its five points in it by itself."""
        return face.aligned(_FRAMING, self.size)
