"""Where networks that look at pictures compute: on a GPU where there is one.

They compute in float32, without TF32, so that features of one picture differ between devices by
rounding only (``TOLERANCE``), and a cache of features serves them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from palsynth.encoders.base import as_images

BATCH = 64
"""Images that a network gets at once, which bounds the memory of the device."""

TOLERANCE = 1e-5
"""Largest difference of a picture's features between two devices, as a share of their length: ten
times what float32 differs from double precision on a CPU."""


def default_device() -> torch.device:
    """A GPU where there is one, else the CPU; an empty CUDA_VISIBLE_DEVICES hides the GPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


class Extractor:
    """A frozen network on its device: bytes in, arrays out, in batches of bounded memory.

    Args:
        network: a torch module, which moves to :func:`default_device` once and stays there, or an
            encoder of another library (dlib, onnxruntime), which computes on the CPU.
        forward: maps images (N, 3, H, W), RGB in 0 … 1 on the device, one argument per array, to a
            tensor (N, …); default: the network's feature vectors.
    """

    def __init__(self, network: Any, forward: Callable[..., Tensor] | None = None) -> None:
        self.device = default_device() if isinstance(network, nn.Module) else torch.device("cpu")
        if isinstance(network, nn.Module):
            network.to(self.device)
        self._forward = forward or (lambda images: network(images).vector)

    @torch.no_grad()
    def __call__(self, *images: np.ndarray) -> np.ndarray:
        """Computes features.

        Args:
            *images: one or more arrays (N, H, W, 3), uint8 RGB.

        Returns:
            (N, …), in main memory.
        """
        parts = []
        with full_precision():
            for start in range(0, max(1, len(images[0])), BATCH):
                chunks = [torch.from_numpy(array[start : start + BATCH]) for array in images]
                batch = [as_images(chunk.to(self.device)) for chunk in chunks]
                parts.append(self._forward(*batch).cpu().numpy())
        return np.concatenate(parts)


@contextmanager
def full_precision() -> Iterator[None]:
    """Computes float32 as float32, by the same algorithms each time; matters on a GPU only.

    Without it cuDNN's convolutions round to the ten bits of TF32, which moves features by fifty
    times ``TOLERANCE``.

    Yields:
        Nothing; the former settings are restored at the end.
    """
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
            yield
    finally:
        torch.set_float32_matmul_precision(before)
