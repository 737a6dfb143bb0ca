"""Our recogniser without torch: the privacy gate that candidates pass before the other judges.

OpenCV runs it, on the CPU.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from palsynth.errors import InputError
from palsynth.face.face import Face
from palsynth.face.framing import RECOGNISER

ONNX = "model.onnx"
"""File beside the weights, as :func:`palsynth.encoders.export.export_onnx` writes it."""

SIZE = 112

_SHIPPED = Path(__file__).parent / "assets" / "identity" / ONNX


class Recogniser:
    """Unit vectors (512,) of faces, compared by cosine; trained on synthetic subjects.

    Args:
        path: the ONNX file; default: the one in this package.

    Raises:
        InputError: the file does not exist.
    """

    def __init__(self, path: Path = _SHIPPED) -> None:
        if not path.is_file():
            raise InputError(f"{path}: no such file; release the recogniser's weights again")
        self.path = path

    @cached_property
    def _network(self) -> cv2.dnn.Net:
        try:
            return cv2.dnn.readNetFromONNX(str(self.path))
        except cv2.error:
            raise InputError(f"{self.path}: damaged; release the weights again") from None

    def describe(self, face: Face) -> np.ndarray:
        """Computes the vector of a face.

        Args:
            face: a detected face.

        Returns:
            Unit vector (512,) float32.

        Raises:
            InputError: the ONNX file is damaged.
        """
        crop = face.aligned(RECOGNISER, SIZE).image
        self._network.setInput(crop.transpose(2, 0, 1)[None].astype(np.float32) / 255)
        vector = self._network.forward()[0]
        return np.asarray(vector / np.linalg.norm(vector))
