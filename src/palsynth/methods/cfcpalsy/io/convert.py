"""Converts the published checkpoint (Gao, Zhang & Xia, arXiv 2409.07271) to a model of ours.

It is a training checkpoint whose modules are distinguished by the first part of their keys. That
the model computes what the published network does is tested on that network's own outputs
(``tests/methods/cfcpalsy/test_golden.py``).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from palsynth.encoders.published.files import load_exactly, read_tensors
from palsynth.errors import InputError
from palsynth.methods.cfcpalsy.config import CFCPalsySettings, ConditionSettings
from palsynth.methods.cfcpalsy.networks.conditioner import Conditioner
from palsynth.methods.cfcpalsy.networks.model import CFCPalsyModel, build_unet

_LAYERS = {
    "in_layers.0": "norm1",
    "in_layers.2": "conv1",
    "emb_layers.1": "time_emb_proj",
    "out_layers.0": "norm2",
    "out_layers.3": "conv2",
    "skip_connection": "conv_shortcut",
    "norm": "norm",
    "qkv": "qkv",
    "proj_out": "proj",
}
"""Layer of ADM's residual and attention blocks -> its name here."""

_CONDITIONS = {
    "condition_adapter.att_id.": "fusion.identity.",
    "condition_adapter.att_em.": "fusion.expression.",
    "condition_adapter.att_lm.": "fusion.shape.",
    "emotion_adapter.": "expression_tokens.",
    "cross_attn_adapter.": "fusion.out.",
    "label_mapping.backbone.backbone.": "identity_net.",
    "face_model.backbone.": "expression_net.face.",
    "id_model.backbone.": "expression_net.identity.",
    "landmark_detector.": "landmark_net.",
}
"""Prefix of keys in the checkpoint -> prefix in the conditioner."""


_FUSION = "condition_adapter."
"""Prefix of what only a CFCPalsy checkpoint has; DCFace's lacks it."""

_UNETS = ("ema_model.averaged_model.", "model.", "")
"""Prefixes of a U-Net, the first that a file has is read: the average, which the published sampler
uses, the U-Net of the last training step, or a file of a U-Net alone."""


def convert(path: Path) -> CFCPalsyModel:
    """Reads the published checkpoint.

    Args:
        path: the checkpoint file.

    Returns:
        The model, frozen, in evaluation mode, with the published settings.

    Raises:
        InputError: the file cannot be read, holds a U-Net alone, or a part of the model is missing
            or unknown.
    """
    networks = convert_networks(path)
    if "conditioner" not in networks:
        raise InputError(
            f"{path}: holds a U-Net without conditions (no key starts with {_FUSION}), which is no "
            f"model; train one from it: --init-from {path} --init-modules unet"
        )
    settings = CFCPalsySettings(condition=ConditionSettings(transposed=False))
    return CFCPalsyModel(settings, **networks).requires_grad_(False).eval()


def convert_networks(path: Path) -> dict[str, Any]:
    """Reads the networks of the published checkpoint, or the U-Net alone of a file with no more,
    such as DCFace's, from which the published training starts.

    Args:
        path: the checkpoint file.

    Returns:
        ``unet`` and, of a CFCPalsy checkpoint, ``conditioner``.

    Raises:
        InputError: the file cannot be read, or a part of a network is missing or unknown.
    """
    tensors = read_tensors(path)
    networks: dict[str, Any] = {"unet": build_unet(CFCPalsySettings())}
    load_exactly(networks["unet"], _unet_tensors(tensors, path), path)
    if any(key.startswith(_FUSION) for key in tensors):
        # what the published code does otherwise than its paper says, or than our recipes do
        conditioner = Conditioner(
            encoders="published", transposed=False, identity_block=21, landmark_signed=True
        )
        load_exactly(conditioner, _conditioner_tensors(tensors, conditioner, path), path)
        networks["conditioner"] = conditioner
    return networks


def _unet_tensors(tensors: dict[str, Tensor], path: Path) -> dict[str, Tensor]:
    prefix = next((p for p in _UNETS if f"{p}time_embed.0.weight" in tensors), None)
    if prefix is None:
        raise InputError(
            f"{path}: is no CFCPalsy checkpoint and no U-Net (no key model.time_embed.0.weight); "
            "give a file as published"
        )
    published = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
    modules = _module_names(published)
    converted = {}
    for key, tensor in published.items():
        name = _convert_key(key, modules)
        if name is None:
            raise InputError(f"{path}: key {prefix}{key} has no place in the U-Net")
        pointwise = ".attention." in name and tensor.ndim == 3  # a 1 x 1 convolution, here linear
        converted[name] = tensor.squeeze(-1) if pointwise else tensor
    return converted


def _module_names(keys: dict[str, Tensor]) -> dict[str, str]:
    """Published module, such as ``output_blocks.1.1``, -> module here, in the blocks' order."""
    modules = {
        "input_blocks.0.0": "stem",
        "middle_block.0": "middle.0.resnet",
        "middle_block.1": "middle.0.attention",
        "middle_block.2": "middle.1",
    }
    for theirs, ours in (("input_blocks", "down"), ("output_blocks", "up")):
        blocks = {
            tuple(map(int, match.groups()))
            for key in keys
            if (match := re.match(rf"{theirs}\.(\d+)\.(\d+)\.", key))
        }
        number = -1
        for block, part in sorted(blocks - {(0, 0)} if ours == "down" else blocks):
            module = f"{theirs}.{block}.{part}"
            if f"{module}.qkv.weight" in keys:
                modules[module] = f"{ours}.{number}.attention"
                continue
            number += 1
            # a level ends with a change of size, by a residual block without attention
            resizes = part > 0 or (ours == "down" and block % 2 == 0)
            modules[module] = f"{ours}.{number}" if resizes else f"{ours}.{number}.resnet"
    return modules


def _convert_key(key: str, modules: dict[str, str]) -> str | None:
    """A key of the published U-Net -> its name here, None where it has none."""
    fixed = {
        "time_embed.0": "time.linear_1",
        "time_embed.2": "time.linear_2",
        "out.0": "head.0",
        "out.2": "last",
        "input_blocks.0.0": "stem",
    }
    module, _, parameter = key.rpartition(".")
    if module in fixed:
        return f"{fixed[module]}.{parameter}"
    for theirs, ours in modules.items():
        layer = module.removeprefix(f"{theirs}.")
        if layer != module and layer in _LAYERS:
            return f"{ours}.{_LAYERS[layer]}.{parameter}"
    return None


def _conditioner_tensors(
    tensors: dict[str, Tensor], conditioner: Conditioner, path: Path
) -> dict[str, Tensor]:
    converted = {}
    for theirs, ours in _CONDITIONS.items():
        for key, tensor in tensors.items():
            if key.startswith(theirs):
                converted[ours + key.removeprefix(theirs)] = tensor
    try:
        converted["fusion.out.weight"] = converted["fusion.out.weight"].squeeze(-1)
        position = tensors["label_mapping.pos_emb.0"]
        converted["scale"] = tensors["label_mapping.scaler.0"].reshape(1)
    except KeyError as error:
        raise InputError(f"{path}: key {error} of the conditioner is missing") from None
    converted["vector_position"], converted["position"] = position[0], position[1:]
    # the null token: the published model was not trained for classifier-free guidance
    converted["absent"] = torch.zeros_like(conditioner.null_token)
    return converted
