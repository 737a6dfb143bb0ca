"""What is missing from a published checkpoint, or foreign to it, is named; a U-Net alone loads."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from palsynth.errors import InputError
from palsynth.methods.cfcpalsy.io.convert import convert, convert_networks
from palsynth.methods.cfcpalsy.io.files import load_networks
from tests.methods.cfcpalsy.published import AVERAGE, UNET, blank, checkpoint, shapes


def write(path: Path, tensors: dict[str, Tensor]) -> Path:
    torch.save({"state_dict": tensors}, path)
    return path


def unet(prefix: str, value: float) -> dict[str, Tensor]:
    """A U-Net of one number, under a prefix."""
    names = [k.removeprefix(UNET) for k in shapes() if k.startswith(UNET)]
    return {prefix + n: torch.tensor(value).expand(shapes()[UNET + n]) for n in names}


@pytest.mark.parametrize(
    ("removed", "text"),
    [
        ((UNET, AVERAGE), r"is no CFCPalsy checkpoint and no U-Net \(no key model.time_embed.0.w"),
        ("condition_adapter.", "holds a U-Net without conditions .* --init-modules unet"),
        ("label_mapping.pos_emb.0", "'label_mapping.pos_emb.0' of the conditioner is missing"),
        ("label_mapping.backbone.backbone.", "key identity_net.body.0.* is missing"),
        (f"{AVERAGE}middle_block.1.qkv.bias", "middle.0.attention.qkv.bias"),
        ("face_model.backbone.input_layer.0.weight", "expression_net.face.input_layer.0.weight"),
    ],
)
def test_what_is_missing_is_named(removed: str, text: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=text):
        convert(write(tmp_path / "x.ckpt", checkpoint(blank, without=removed)))


def test_an_unknown_key_is_named(tmp_path: Path) -> None:
    tensors = checkpoint(blank) | {f"{AVERAGE}sorcery.weight": torch.zeros(1)}
    with pytest.raises(InputError, match=r"model\.sorcery\.weight has no place in the U-Net"):
        convert(write(tmp_path / "x.ckpt", tensors))


@pytest.mark.parametrize("prefix", [AVERAGE, UNET, ""], ids=["average", "last step", "bare"])
def test_a_unet_alone_is_found_by_its_keys(prefix: str, tmp_path: Path) -> None:
    """Also beside other networks, as in DCFace's checkpoint."""
    tensors = unet(prefix, 0.25)
    if prefix:
        tensors["label_mapping.something.weight"] = torch.zeros(3)
    networks = load_networks(write(tmp_path / "dcface.ckpt", tensors))
    assert set(networks) == {"unet"}
    assert all((p == 0.25).all() and not p.requires_grad for p in networks["unet"].parameters())


def test_of_two_unets_the_average_is_taken(tmp_path: Path) -> None:
    tensors = unet(UNET, 0.25) | unet(AVERAGE, 0.5)
    networks = convert_networks(write(tmp_path / "two.ckpt", tensors))
    assert all((p == 0.5).all() for p in networks["unet"].parameters())
