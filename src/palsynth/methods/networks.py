"""Shared by the methods with networks: the device, the hash of the weights, zero initialisation."""

from __future__ import annotations

import hashlib

import torch
from torch import nn

from palsynth.encoders.device import default_device as default_device


def state_dict_sha256(*networks: nn.Module) -> str:
    """Identifies networks by their weights.

    Args:
        *networks: the networks; their order matters.

    Returns:
        SHA-256 over the names and the values of all their tensors, 64 hexadecimal digits. It does
        not depend on the location of the files.
    """
    digest = hashlib.sha256()
    for network in networks:
        for name, tensor in sorted(network.state_dict().items()):
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def zero_init(layer: nn.Module) -> None:
    """Sets all parameters of a layer to zero, in place.

    The last layer of a residual branch begins so, and the branch as the identity (Goyal et al.
    2017; Ho et al. 2020; Dhariwal & Nichol 2021).

    Args:
        layer: the layer.
    """
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
