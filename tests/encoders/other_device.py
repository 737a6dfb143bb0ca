"""A second device on any machine: torch's ``meta``, whose tensors have shapes and no values.

A tensor left on the CPU beside one on it is an error, as on a GPU, and so is ``.numpy()`` of a
tensor that was not brought back.
"""

from __future__ import annotations

import pytest
import torch

from palsynth.encoders import device

META = torch.device("meta")


def use_meta(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Makes ``meta`` the default device; gives the shapes brought back from it, as they come."""
    brought_back: list[tuple[int, ...]] = []
    to_cpu = torch.Tensor.cpu

    def cpu(tensor: torch.Tensor) -> torch.Tensor:
        if not tensor.is_meta:
            return to_cpu(tensor)
        brought_back.append(tuple(tensor.shape))
        return torch.zeros(tensor.shape, dtype=tensor.dtype)

    monkeypatch.setattr(torch.Tensor, "cpu", cpu)
    monkeypatch.setattr(device, "default_device", lambda: META)
    return brought_back
