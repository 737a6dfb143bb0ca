"""Recognisers published as ONNX, run by onnxruntime on the CPU: to evaluate, not to train."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from palsynth.encoders.base import Features, Pixels
from palsynth.errors import InputError
from palsynth.face.face import Face


class OnnxRecogniser:
    """A recogniser in an ONNX file, in the form that InsightFace publishes.

    The network maps (N, 3, 112, 112), RGB in -1 … 1, to vectors. It has no gradient and no feature
    map: the map of its features is empty, (N, 0, 7, 7).

    Args:
        path: the ONNX file.

    Raises:
        InputError: onnxruntime is not installed, or the file is missing, damaged or not such a
            network.
    """

    def __init__(self, path: Path) -> None:
        try:  # an optional dependency
            import onnxruntime
        except ImportError:
            raise InputError(
                f"{path}: ONNX files need onnxruntime; pip install 'palsynth[onnx]'"
            ) from None
        if not path.is_file():
            raise InputError(f"{path}: no such file; give the path of the weights")
        try:
            options = onnxruntime.SessionOptions()
            options.log_severity_level = 4
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception:  # onnxruntime has no base class of its errors
            raise InputError(f"{path}: damaged or not an ONNX model; download it again") from None
        entry = self._session.get_inputs()[0]
        if len(entry.shape) != 4 or list(entry.shape[1:]) != [3, 112, 112]:
            raise InputError(f"{path}: takes {entry.shape}, a recogniser takes (N, 3, 112, 112)")
        self._path = path
        self._input, self.pixels = entry.name, Pixels()
        self._one_by_one = isinstance(entry.shape[0], int)

    def __call__(self, images: Tensor) -> Features:
        """Images (N, 3, H, W), RGB in 0 … 1, to vectors (N, D)."""
        pixels = self.pixels(images.detach().float())
        parts = torch.split(pixels, 1) if self._one_by_one else [pixels]
        outputs = [self._session.run(None, {self._input: part.cpu().numpy()})[0] for part in parts]
        vector = torch.cat([torch.from_numpy(output) for output in outputs]).to(images.device)
        if not bool(torch.isfinite(vector).all()):
            raise InputError(f"{self._path}: its vectors are not finite; use other weights")
        return Features(vector, vector.new_zeros(len(vector), 0, 7, 7))

    def crop(self, face: Face) -> Face:
        """ArcFace's five-point crop."""
        return face.recogniser_crop()
