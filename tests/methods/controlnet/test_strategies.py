"""What trains under each strategy, and at which timesteps."""

from __future__ import annotations

from dataclasses import asdict

import pytest
import torch
from diffusers.models.controlnets.controlnet import ControlNetModel
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

from palsynth.errors import InputError
from palsynth.methods.controlnet.io.single_file import sd15_controlnet
from palsynth.methods.controlnet.networks.base import Base
from palsynth.methods.controlnet.strategies import Strategy, Trains, merge_lora


def trainable(network: torch.nn.Module) -> list[str]:
    return [name for name, tensor in network.named_parameters() if tensor.requires_grad]


def test_partial_fine_tuning_samples_a_half_open_range() -> None:
    rng = torch.Generator().manual_seed(0)
    timesteps = Strategy(first=500, last=701).timesteps(20_000, rng)
    assert (int(timesteps.min()), int(timesteps.max())) == (500, 700)
    counts = torch.bincount(timesteps - 500)
    assert len(counts) == 201
    assert counts.min() > 50  # about 100 each
    everywhere = Strategy().timesteps(20_000, rng)
    assert (int(everywhere.min()), int(everywhere.max())) == (0, 999)
    assert asdict(Strategy()) == {
        "trains": "controlnet",
        "first": 0,
        "last": 1000,
        "rank": 16,
        "targets": ("to_q", "to_k", "to_v", "to_out.0"),
    }


@pytest.mark.parametrize(("first", "last"), [(700, 500), (-1, 10), (0, 1001), (500, 500)])
def test_a_range_without_timesteps_is_refused(first: int, last: int) -> None:
    with pytest.raises(InputError, match=r"must lie in 0 … 1000, the first below the last"):
        Strategy(first=first, last=last)


@pytest.fixture(scope="module")
def published() -> tuple[ControlNetModel, UNet2DConditionModel]:
    """ControlNet and U-Net of Stable Diffusion 1.5, their names and sizes only."""
    with torch.device("meta"):
        unet = UNet2DConditionModel(sample_size=64, cross_attention_dim=768)
        return sd15_controlnet(), unet


@pytest.mark.parametrize(
    ("trains", "tensors", "parameters"),
    [
        ("controlnet", (340, 0), (361_279_120, 0)),
        ("inner", (96, 118), (174_802_560, 206_203_840)),
        ("inner-controlnet", (96, 0), (174_802_560, 0)),
        ("both", (340, 686), (361_279_120, 859_520_964)),
    ],
)
def test_how_much_of_the_published_networks_trains(
    published: tuple[ControlNetModel, UNet2DConditionModel],
    trains: Trains,
    tensors: tuple[int, int],
    parameters: tuple[int, int],
) -> None:
    strategy = Strategy(trains)
    strategy.set_trainable(*published)
    assert tuple(len(trainable(network)) for network in published) == tensors
    counts = tuple(
        sum(t.numel() for t in network.parameters() if t.requires_grad) for network in published
    )
    assert counts == parameters
    assert strategy.tunes_base == (parameters[1] > 0)


def test_layer_freezing_trains_the_innermost_blocks_and_cross_attention(
    published: tuple[ControlNetModel, UNet2DConditionModel],
) -> None:
    """All of them and no other layer."""
    Strategy("inner").set_trainable(*published)
    inner, base = (set(trainable(network)) for network in published)
    innermost = (("down_blocks.3.", "mid_block."), ("up_blocks.0.",))
    for network, names, blocks in zip(published, (inner, base), innermost, strict=True):
        assert names == {
            name
            for name, _ in network.named_parameters()
            if name.startswith(blocks) or ".attn2." in name
        }
    block = "down_blocks.1.attentions.0.transformer_blocks.0"
    assert inner >= {
        f"{block}.attn2.to_k.weight",
        "mid_block.resnets.0.conv1.weight",
        "down_blocks.3.resnets.1.conv2.bias",
    }
    assert base >= {
        f"{block}.attn2.to_q.weight",
        "up_blocks.0.resnets.2.conv1.weight",
        "up_blocks.3.attentions.2.transformer_blocks.0.attn2.to_v.weight",
    }
    assert base.isdisjoint(
        {
            f"{block}.attn1.to_k.weight",
            "conv_in.weight",
            "controlnet_mid_block.weight",
            "time_embedding.linear_1.weight",
            "mid_block.resnets.0.conv1.weight",
        }
    )
    assert inner.isdisjoint(
        {
            f"{block}.attn1.to_k.weight",
            "conv_in.weight",
            "controlnet_mid_block.weight",
            "controlnet_cond_embedding.conv_in.weight",
        }
    )


def test_lora_adapts_all_attention_of_the_published_controlnet() -> None:
    """Seven blocks of two attentions, four layers each, two matrices per layer: rank 16."""
    with torch.device("meta"):
        controlnet, unet = sd15_controlnet(), UNet2DConditionModel(cross_attention_dim=768)
    Strategy("lora").set_trainable(controlnet, unet)
    names = trainable(controlnet)
    assert len(names) == 7 * 2 * 4 * 2
    assert not trainable(unet)
    layers = {name.split(".lora_")[0].split("transformer_blocks.0.")[1] for name in names}
    projections = ("to_q", "to_k", "to_v", "to_out.0")
    assert layers == {f"attn{k}.{projection}" for k in (1, 2) for projection in projections}
    widths = 2 * 320 + 2 * 640 + 3 * 1280
    count = sum(t.numel() for t in controlnet.parameters() if t.requires_grad)
    assert count == 16 * (14 * widths + 7 * 2 * 768)


def test_lora_trains_adapters_alone_which_are_merged_afterwards(
    base: Base, controlnet: ControlNetModel
) -> None:
    inputs = (
        torch.randn(2, 4, 16, 16),
        torch.tensor([3, 700]),
        base.words(["man", "woman"]),
        torch.rand(2, 3, 32, 32),
    )
    before = controlnet(*inputs).mid_block_res_sample
    plain = {name: tuple(t.shape) for name, t in controlnet.state_dict().items()}
    Strategy("lora", rank=4).set_trainable(controlnet, base.unet)
    names = trainable(controlnet)
    assert names
    assert all(".lora_" in name for name in names)
    assert torch.allclose(
        controlnet(*inputs).mid_block_res_sample, before
    )  # its initial effect is zero
    for name, tensor in controlnet.named_parameters():
        if ".lora_B" in name:
            torch.nn.init.normal_(tensor, std=0.3)
    changed = controlnet(*inputs).mid_block_res_sample
    assert not torch.allclose(changed, before, atol=1e-3)
    frozen = {n: t.clone() for n, t in controlnet.state_dict().items()}
    fused = merge_lora(controlnet)
    assert all(torch.equal(t, frozen[n]) for n, t in controlnet.state_dict().items()), "unchanged"
    assert {name: tuple(t.shape) for name, t in fused.state_dict().items()} == plain
    assert torch.allclose(fused(*inputs).mid_block_res_sample, changed, atol=1e-4)
    layer = "mid_block.attentions.0.transformer_blocks.0.attn2.to_k"
    up, down = (frozen[f"{layer}.lora_{ab}.default.weight"] for ab in "BA")
    difference = fused.state_dict()[f"{layer}.weight"] - frozen[f"{layer}.base_layer.weight"]
    assert torch.allclose(difference, up @ down, atol=1e-5), "applied once, whatever the rank"
    repeated = controlnet(*inputs).mid_block_res_sample  # merging does not change the original
    assert torch.allclose(repeated, changed, atol=1e-4)


def test_missing_lora_targets_are_named(base: Base, controlnet: ControlNetModel) -> None:
    with pytest.raises(InputError, match="targets to_nowhere: "):
        Strategy("lora", targets=("to_nowhere",)).set_trainable(controlnet, base.unet)
