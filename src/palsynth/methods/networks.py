"""What methods with networks share: where they run, and what identifies them."""

from __future__ import annotations

import hashlib

import torch
from torch import nn


def default_device() -> torch.device:
    """A GPU where there is one. CUDA_VISIBLE_DEVICES set to nothing hides it."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def state_dict_sha256(*networks: nn.Module) -> str:
    """SHA-256 of all names and values of networks, 64 hexadecimal digits."""
    found = hashlib.sha256()
    for network in networks:
        for name, tensor in sorted(network.state_dict().items()):
            found.update(name.encode())
            found.update(tensor.detach().cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
    return found.hexdigest()
