"""Our recogniser as ONNX, so that whoever only compares faces need not load torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from palsynth.encoders.base import SIZE
from palsynth.encoders.irnet import IRNet
from palsynth.errors import InputError
from palsynth.files import atomic_write

_KEPT_WHOLE = 5000
"""Numbers a tensor may hold and stay in single precision: OpenCV wants those of normalisations."""


class _Vectors(nn.Module):
    """The vectors alone, as the graph that is written holds no dictionary of results."""

    def __init__(self, network: IRNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        return self.network(images).vector


def export_onnx(network: IRNet, path: Path) -> None:
    """Writes a recogniser as ONNX: images (N, 3, 112, 112), RGB in 0 … 1, to vectors (N, D), large
    weights in half precision. Raises InputError where the package ``onnx`` is missing."""
    try:
        import onnx
        from onnx import TensorProto, helper, numpy_helper
    except ImportError:
        raise InputError(f"{path}: writing it needs onnx; pip install 'palsynth[onnx]'") from None
    with atomic_write(path) as temporary:
        path.parent.mkdir(parents=True, exist_ok=True)
        # the newer exporter needs a further package and writes the same graph
        torch.onnx.export(
            _Vectors(network).eval(), (torch.zeros(1, 3, SIZE, SIZE),), str(temporary),
            dynamo=False, input_names=["images"], output_names=["vectors"],
            dynamic_axes={"images": {0: "n"}, "vectors": {0: "n"}},
        )  # fmt: skip
        model: Any = onnx.load(temporary)
        for tensor in list(model.graph.initializer):
            values = numpy_helper.to_array(tensor)
            if tensor.data_type != TensorProto.FLOAT or values.size < _KEPT_WHOLE:
                continue
            half = numpy_helper.from_array(values.astype("float16"), f"{tensor.name}.half")
            model.graph.initializer.remove(tensor)
            model.graph.initializer.append(half)
            whole = helper.make_node("Cast", [half.name], [tensor.name], to=TensorProto.FLOAT)
            model.graph.node.insert(0, whole)
        onnx.save(model, temporary)
