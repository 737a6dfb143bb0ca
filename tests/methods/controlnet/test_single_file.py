"""Single files as published, whose tensors have the names of the original code: a round trip.

The names are derived here from the original's structure, not by the converter under test.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.controlnets.controlnet import ControlNetModel
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel

from palsynth.errors import InputError
from palsynth.methods.controlnet.io import single_file
from palsynth.methods.controlnet.io.loading import read_base, read_controlnet
from palsynth.methods.controlnet.networks.base import Base, noise_scheduler
from palsynth.methods.controlnet.small.networks import small_tokenizer

RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
VAE = {
    "mid_block.attentions.0.": "mid.attn_1.",
    "group_norm": "norm",
    "to_q": "q",
    "to_k": "k",
    "to_v": "v",
    "to_out.0": "proj_out",
    "conv_shortcut": "nin_shortcut",
    "conv_norm_out": "norm_out",
}
CHANNELS = (32, 32, 32, 32)
UNET = {
    "block_out_channels": CHANNELS,
    "cross_attention_dim": 768,
    "attention_head_dim": 4,
    "norm_num_groups": 8,
}


def unet_name(name: str) -> str:
    """The original's name of a U-Net's or ControlNet's tensor."""
    place, rest = _place(name)
    if place is None:
        return rest
    for ours, theirs in RESNET.items():
        rest = re.sub(rf"^{ours}\.", f"{theirs}.", rest)
    return f"{place}.{rest}"


def _place(name: str) -> tuple[str | None, str]:
    plain = {
        "conv_in.": "input_blocks.0.0.",
        "time_embedding.linear_1.": "time_embed.0.",
        "time_embedding.linear_2.": "time_embed.2.",
        "conv_norm_out.": "out.0.",
        "conv_out.": "out.2.",
        "controlnet_mid_block.": "middle_block_out.0.",
        "controlnet_cond_embedding.conv_in.": "input_hint_block.0.",
        "controlnet_cond_embedding.conv_out.": "input_hint_block.14.",
    }
    for ours, theirs in plain.items():
        if name.startswith(ours):
            return None, theirs + name.removeprefix(ours)
    if m := re.match(r"controlnet_cond_embedding\.blocks\.(\d+)\.(.*)", name):
        return None, f"input_hint_block.{2 + 2 * int(m[1])}.{m[2]}"
    if m := re.match(r"controlnet_down_blocks\.(\d+)\.(.*)", name):
        return None, f"zero_convs.{m[1]}.0.{m[2]}"
    if m := re.match(r"mid_block\.(resnets|attentions)\.(\d)\.(.*)", name):
        return f"middle_block.{1 if m[1] == 'attentions' else 2 * int(m[2])}", m[3]
    m = re.match(r"(down|up)_blocks\.(\d)\.(resnets|attentions|\w+samplers)\.(\d)\.(.*)", name)
    assert m is not None, name
    way, level, kind, layer, rest = m[1], int(m[2]), m[3], int(m[4]), m[5]
    if way == "down":
        if kind == "downsamplers":
            return None, f"input_blocks.{3 * level + 3}.0.op.{rest.removeprefix('conv.')}"
        return f"input_blocks.{3 * level + layer + 1}.{int(kind == 'attentions')}", rest
    if kind == "upsamplers":
        return None, f"output_blocks.{3 * level + 2}.{1 if level == 0 else 2}.{rest}"
    return f"output_blocks.{3 * level + layer}.{int(kind == 'attentions')}", rest


def vae_name(name: str) -> str:
    """The original's name of an autoencoder's tensor."""
    name = re.sub(r"down_blocks\.(\d)\.resnets\.", r"down.\1.block.", name)
    name = re.sub(r"down_blocks\.(\d)\.downsamplers\.0\.", r"down.\1.downsample.", name)
    up = re.match(r"decoder\.up_blocks\.(\d)\.(.*)", name)
    if up:
        rest = up[2].replace("resnets.", "block.").replace("upsamplers.0.", "upsample.")
        name = f"decoder.up.{3 - int(up[1])}.{rest}"
    name = re.sub(r"mid_block\.resnets\.(\d)", lambda m: f"mid.block_{int(m[1]) + 1}", name)
    for ours, theirs in VAE.items():
        name = name.replace(ours, theirs)
    return f"first_stage_model.{name}"


def networks() -> tuple[AutoencoderKL, CLIPTextModel, UNet2DConditionModel]:
    """The published structure, narrow."""
    vae = AutoencoderKL(
        block_out_channels=CHANNELS,
        layers_per_block=2,
        norm_num_groups=8,
        sample_size=512,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
    )
    config = CLIPTextConfig(
        vocab_size=len(small_tokenizer()),
        hidden_size=768,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=4,
        max_position_embeddings=77,
    )
    return vae, CLIPTextModel(config), UNet2DConditionModel(sample_size=64, **UNET)


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(single_file, "sd15_networks", networks)
    monkeypatch.setattr(single_file, "sd15_controlnet", lambda: ControlNetModel(**UNET))


@pytest.fixture
def tokenizer(tmp_path: Path) -> Path:
    small_tokenizer().save_pretrained(tmp_path / "tokenizer")
    return tmp_path / "tokenizer"


def original(vae: AutoencoderKL, text: CLIPTextModel, unet: UNet2DConditionModel) -> dict:
    out = {}
    for name, t in vae.state_dict().items():
        conv = ".attentions." in name and name.endswith("weight") and t.ndim == 2
        out[vae_name(name)] = t[:, :, None, None].clone() if conv else t
    for name, t in text.state_dict().items():
        inner = name.removeprefix("text_model.")
        out[f"cond_stage_model.transformer.text_model.{inner}"] = t
    for name, t in unet.state_dict().items():
        out[f"model.diffusion_model.{unet_name(name)}"] = t
    return out


def test_the_published_networks_have_their_published_sizes() -> None:
    with torch.device("meta"):
        vae, text, unet = single_file.sd15_networks()
    sizes = [sum(p.numel() for p in network.parameters()) for network in (vae, text, unet)]
    assert sizes == [83_653_863, 123_060_480, 859_520_964]
    base = Base(vae, text, small_tokenizer(), unet, noise_scheduler())
    assert (base.factor, base.size) == (8, 512)
    assert vae.config.scaling_factor == 0.18215


@pytest.mark.parametrize("suffix", ["safetensors", "ckpt"])
def test_a_base_in_one_file_makes_the_round_trip(
    narrow: None, tokenizer: Path, tmp_path: Path, suffix: str
) -> None:
    saved = networks()
    path = tmp_path / f"v1-5-pruned-emaonly.{suffix}"
    tensors = original(*saved)
    if suffix == "ckpt":
        torch.save({"state_dict": tensors, "global_step": 3}, path)
    else:
        save_file(tensors, path)
    base = read_base(path, tokenizer)
    loaded = (base.vae, base.text_encoder, base.unet)
    for expected, found in zip(saved, loaded, strict=True):
        for name, tensor in expected.state_dict().items():
            assert torch.equal(tensor, found.state_dict()[name]), name


def test_a_controlnet_in_one_file_makes_the_round_trip(
    narrow: None, tokenizer: Path, tmp_path: Path
) -> None:
    save_file(original(*networks()), tmp_path / "v1-5.safetensors")
    base = read_base(tmp_path / "v1-5.safetensors", tokenizer)
    saved = ControlNetModel(**UNET)
    tensors = {f"control_model.{unet_name(n)}": t for n, t in saved.state_dict().items()}
    save_file(tensors, tmp_path / "control_v11p_sd15_canny.safetensors")
    loaded = read_controlnet(tmp_path / "control_v11p_sd15_canny.safetensors", base)
    for name, tensor in saved.state_dict().items():
        assert torch.equal(tensor, loaded.state_dict()[name]), name
    (tmp_path / "control_v11p_sd15_canny.safetensors").rename(
        tmp_path / "control_depth.safetensors"
    )
    with pytest.raises(InputError, match="is a ControlNet for depth"):
        read_controlnet(tmp_path / "control_depth.safetensors", base)


def test_base_and_controlnet_in_one_file_are_both_found(
    narrow: None, tokenizer: Path, tmp_path: Path
) -> None:
    """As in ``control_sd15_canny.pth``: either may be asked for, or both."""
    bases, controlnet = networks(), ControlNetModel(**UNET)
    tensors = original(*bases)
    tensors |= {f"control_model.{unet_name(n)}": t for n, t in controlnet.state_dict().items()}
    tensors |= {"betas": torch.zeros(1000), "logvar": torch.zeros(1000)}
    path = tmp_path / "control_sd15_canny.pth"
    torch.save(tensors, path)
    base = read_base(path, tokenizer)
    found = (base.vae, base.text_encoder, base.unet, read_controlnet(path, base))
    for expected, network in zip((*bases, controlnet), found, strict=True):
        assert all(
            torch.equal(tensor, network.state_dict()[name])
            for name, tensor in expected.state_dict().items()
        )


def test_a_file_without_what_is_asked_for_is_named(
    narrow: None, tokenizer: Path, tmp_path: Path
) -> None:
    tensors = original(*networks())
    save_file(tensors, tmp_path / "v1-5.safetensors")
    base = read_base(tmp_path / "v1-5.safetensors", tokenizer)
    with pytest.raises(InputError, match=r"v1-5.safetensors: is no ControlNet for Stable Diff"):
        read_controlnet(tmp_path / "v1-5.safetensors", base)
    two = "model.diffusion_model.input_blocks.2.1.transformer_blocks.0.attn2.to_k.weight"
    other = {two: torch.zeros(2, 1024), "control_model.time_embed.0.weight": torch.zeros(2)}
    save_file(other, tmp_path / "control_sd21_canny.safetensors")
    with pytest.raises(InputError, match=r"is Stable Diffusion 2; this method needs"):
        read_base(tmp_path / "control_sd21_canny.safetensors", tokenizer)


def test_other_models_in_one_file_are_named(tokenizer: Path, tmp_path: Path) -> None:
    attention = "model.diffusion_model.input_blocks.2.1.transformer_blocks.0.attn2.to_k.weight"
    files = {
        "Stable Diffusion 2": {attention: torch.zeros(2, 1024)},
        "Stable Diffusion XL": {
            "conditioner.embedders.1.model.transformer.resblocks.9.mlp.c_proj.bias": torch.zeros(2)
        },
        "a ControlNet": {"control_model.time_embed.0.weight": torch.zeros(2)},
        "no Stable Diffusion": {"some.weight": torch.zeros(2)},
    }
    for what, tensors in files.items():
        path = tmp_path / "file.safetensors"
        save_file(tensors, path)
        with pytest.raises(InputError, match=f"is {what}; this method needs"):
            read_base(path, tokenizer)


def test_a_missing_tensor_and_a_truncated_file_are_named(
    narrow: None, tokenizer: Path, tmp_path: Path
) -> None:
    tensors = original(*networks())
    tensors.pop("model.diffusion_model.out.2.bias")
    path = tmp_path / "v1-5.safetensors"
    save_file(tensors, path)
    with pytest.raises(InputError, match=r"key conv_out\.bias of UNet2DConditionModel is missing"):
        read_base(path, tokenizer)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match="damaged or not a weight file"):
        read_base(path, tokenizer)
