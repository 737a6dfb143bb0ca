"""Export of our recogniser to ONNX, so that comparing faces does not need torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from palsynth.encoders.base import SIZE
from palsynth.encoders.irnet import IRNet
from palsynth.errors import InputError
from palsynth.files import atomic_write

_MIN_HALF_SIZE = 5000
"""Smaller tensors stay in single precision, which OpenCV requires for normalisation layers."""


class _Vectors(nn.Module):
    """The network with its vectors as the only output: an ONNX graph has no named tuples."""

    def __init__(self, network: IRNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        return self.network(images).vector


def export_onnx(network: IRNet, path: Path) -> None:
    """Writes a recogniser as ONNX, with large weights in half precision.

    The graph maps ``images`` (N, 3, 112, 112), RGB in 0 … 1, to ``vectors`` (N, D).

    Args:
        network: the recogniser.
        path: the ONNX file; its folder is created if needed.

    Raises:
        InputError: the package ``onnx`` is not installed, or the file cannot be written.
    """
    try:  # an optional dependency
        import onnx
        from onnx import TensorProto, helper, numpy_helper
    except ImportError:
        raise InputError(
            f"{path.name}: writing it needs onnx; pip install 'palsynth[onnx]'"
        ) from None
    with atomic_write(path) as temporary:
        path.parent.mkdir(parents=True, exist_ok=True)
        # the newer exporter (dynamo) needs another package and writes the same graph
        torch.onnx.export(
            _Vectors(network).eval(),
            (torch.zeros(1, 3, SIZE, SIZE),),
            str(temporary),
            dynamo=False,
            input_names=["images"],
            output_names=["vectors"],
            dynamic_axes={"images": {0: "n"}, "vectors": {0: "n"}},
        )
        model: Any = onnx.load(temporary)
        for tensor in list(model.graph.initializer):
            values = numpy_helper.to_array(tensor)
            if tensor.data_type != TensorProto.FLOAT or values.size < _MIN_HALF_SIZE:
                continue
            with np.errstate(over="ignore"):
                halved = values.astype("float16")
            if not np.isfinite(halved).all():  # too large for half precision
                continue
            half = numpy_helper.from_array(halved, f"{tensor.name}.half")
            model.graph.initializer.remove(tensor)
            model.graph.initializer.append(half)
            cast = helper.make_node("Cast", [half.name], [tensor.name], to=TensorProto.FLOAT)
            model.graph.node.insert(0, cast)
        onnx.save(model, temporary)
