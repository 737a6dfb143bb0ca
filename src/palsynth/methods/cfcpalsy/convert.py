"""The published checkpoint (Gao, Zhang & Xia) as a model of ours.

It is a training checkpoint whose parts are told apart by the first word of their keys. Of the 50
positions the first 49 are taken to belong to the map, the last to the vector: its code and paper
do not settle it.
"""

from __future__ import annotations

import re
from pathlib import Path

import torch
from torch import Tensor

from palsynth.encoders.published.files import load_exactly, read_tensors
from palsynth.errors import InputError
from palsynth.methods.cfcpalsy.conditioner import Conditioner
from palsynth.methods.cfcpalsy.fusion import TOKENS
from palsynth.methods.cfcpalsy.model import CFCPalsyModel, unet_of
from palsynth.methods.cfcpalsy.settings import CFCPalsySettings, ConditionSettings

_PLAIN = {
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
"""Layer of ADM's residual and attention blocks -> ours."""

_CONDITIONS = {
    "condition_adapter.att_id.": "fusion.identity.",
    "condition_adapter.att_em.": "fusion.expression.",
    "condition_adapter.att_lm.": "fusion.shape.",
    "emotion_adapter.": "expression_tokens.",
    "cross_attn_adapter.": "fusion.out.",
    "label_mapping.backbone.": "identity_net.",
    "face_model.backbone.": "expression_net.face.",
    "id_model.backbone.": "expression_net.identity.",
    "landmark_detector.": "landmark_net.",
}
"""Prefix in the checkpoint -> in the conditioner."""


def convert(path: Path) -> CFCPalsyModel:
    """Reads the published checkpoint. Raises InputError where a part of it is missing."""
    tensors = read_tensors(path)
    settings = CFCPalsySettings(condition=ConditionSettings(transposed=False))
    unet = unet_of(settings)
    conditioner = Conditioner(encoders="published", transposed=False)
    load_exactly(unet, _unet(tensors, path), path)
    load_exactly(conditioner, _conditioner(tensors, conditioner, path), path)
    return CFCPalsyModel(settings, unet, conditioner).requires_grad_(False).eval()


def _unet(tensors: dict[str, Tensor], path: Path) -> dict[str, Tensor]:
    own = {k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")}
    if not own:
        raise InputError(f"{path}: is no CFCPalsy checkpoint (no key begins with model.)")
    places = _places(own)
    out = {}
    for key, tensor in own.items():
        name = _renamed(key, places)
        if name is None:
            raise InputError(f"{path}: key model.{key} has no place in the U-Net")
        linear = ".attention." in name and tensor.ndim == 3  # a 1 x 1 convolution there
        out[name] = tensor.squeeze(-1) if linear else tensor
    return out


def _places(keys: dict[str, Tensor]) -> dict[str, str]:
    """``output_blocks.1.1`` and the like -> the module of ours, in the order of the blocks."""
    places = {"input_blocks.0.0": "stem", "middle_block.0": "middle.0.resnet",
              "middle_block.1": "middle.0.attention", "middle_block.2": "middle.1"}  # fmt: skip
    for side, mine in (("input_blocks", "down"), ("output_blocks", "up")):
        found = {tuple(map(int, m.groups())) for key in keys
                 if (m := re.match(rf"{side}\.(\d+)\.(\d+)\.", key))}  # fmt: skip
        number = -1
        for block, part in sorted(found - {(0, 0)} if mine == "down" else found):
            here = f"{side}.{block}.{part}"
            if f"{here}.qkv.weight" in keys:
                places[here] = f"{mine}.{number}.attention"
                continue
            number += 1
            # at its end a level changes size, with a residual block that has no attention
            alone = part > 0 or (mine == "down" and block % 2 == 0)
            places[here] = f"{mine}.{number}" if alone else f"{mine}.{number}.resnet"
    return places


def _renamed(key: str, places: dict[str, str]) -> str | None:
    fixed = {"time_embed.0": "time.linear_1", "time_embed.2": "time.linear_2",
             "out.0": "head.0", "out.2": "last", "input_blocks.0.0": "stem"}  # fmt: skip
    module, _, parameter = key.rpartition(".")
    if module in fixed:
        return f"{fixed[module]}.{parameter}"
    for theirs, mine in places.items():
        layer = module.removeprefix(f"{theirs}.")
        if layer != module and layer in _PLAIN:
            return f"{mine}.{_PLAIN[layer]}.{parameter}"
    return None


def _conditioner(
    tensors: dict[str, Tensor], conditioner: Conditioner, path: Path
) -> dict[str, Tensor]:
    out = {}
    for theirs, mine in _CONDITIONS.items():
        for key, tensor in tensors.items():
            if key.startswith(theirs):
                out[mine + key.removeprefix(theirs)] = tensor
    try:
        out["fusion.out.weight"] = out["fusion.out.weight"].squeeze(-1)
        position = tensors["label_mapping.pos_emb.0"]
        out["scale"] = tensors["label_mapping.scaler.0"].reshape(1)
    except KeyError as error:
        raise InputError(f"{path}: key {error} of the conditioner is missing") from None
    out["position"], out["vector_position"] = position[:TOKENS], position[TOKENS]
    out["absent"] = torch.zeros_like(conditioner.absent)  # it was not trained for guidance
    return out
