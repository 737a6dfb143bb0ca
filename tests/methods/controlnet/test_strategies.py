"""What trains under each strategy, and at which timesteps."""

from __future__ import annotations

import pytest
import torch
from diffusers.models.controlnets.controlnet import ControlNetModel

from palsynth.errors import InputError
from palsynth.methods.controlnet.base import Base
from palsynth.methods.controlnet.strategies import Strategy, merged


def free(network: torch.nn.Module) -> list[str]:
    return [name for name, tensor in network.named_parameters() if tensor.requires_grad]


def test_partial_fine_tuning_draws_from_a_half_open_range() -> None:
    rng = torch.Generator().manual_seed(0)
    drawn = Strategy(first=500, last=701).timesteps(20_000, rng)
    assert (int(drawn.min()), int(drawn.max())) == (500, 700)
    counts = torch.bincount(drawn - 500)
    assert len(counts) == 201
    assert counts.min() > 50  # about 100 each
    everywhere = Strategy().timesteps(20_000, rng)
    assert everywhere.min() < 5
    assert everywhere.max() > 994


@pytest.mark.parametrize(("first", "last"), [(700, 500), (-1, 10), (0, 1001), (500, 500)])
def test_a_range_without_timesteps_is_refused(first: int, last: int) -> None:
    with pytest.raises(InputError, match=r"must lie in 0 … 1000, the first below the last"):
        Strategy(first=first, last=last)


def test_the_whole_controlnet_trains_and_the_base_does_not(
    base: Base, controlnet: ControlNetModel
) -> None:
    Strategy().set_free(controlnet, base.unet)
    assert len(free(controlnet)) == len(list(controlnet.parameters()))
    assert not free(base.unet)


def test_both_train_where_that_is_wanted(base: Base, controlnet: ControlNetModel) -> None:
    Strategy("both").set_free(controlnet, base.unet)
    for network in (controlnet, base.unet):
        assert len(free(network)) == len(list(network.parameters()))


def test_layer_freezing_reaches_into_the_base(base: Base, controlnet: ControlNetModel) -> None:
    Strategy("inner").set_free(controlnet, base.unet)
    inner, above = free(controlnet), free(base.unet)
    assert inner
    assert all(n.startswith(("down_blocks.1.", "mid_block.")) or ".attn2." in n for n in inner)
    assert any(n.startswith("up_blocks.0.") for n in above)
    assert all(n.startswith("up_blocks.0.") or ".attn2." in n for n in above)
    assert not any(n.startswith(("conv_in", "down_blocks.0.resnets")) for n in inner + above)
    Strategy("inner-controlnet").set_free(controlnet, base.unet)
    assert free(controlnet) == inner
    assert not free(base.unet)


def test_lora_trains_little_and_is_added_in_afterwards(
    base: Base, controlnet: ControlNetModel
) -> None:
    inputs = (torch.randn(2, 4, 16, 16), torch.tensor([3, 700]), base.words(["man", "woman"]),
              torch.rand(2, 3, 32, 32))  # fmt: skip
    before = controlnet(*inputs).mid_block_res_sample
    plain = {name: tuple(t.shape) for name, t in controlnet.state_dict().items()}
    Strategy("lora", rank=4).set_free(controlnet, base.unet)
    names = free(controlnet)
    assert names
    assert all(".lora_" in name for name in names)
    assert torch.allclose(controlnet(*inputs).mid_block_res_sample, before)  # it begins at zero
    for name, tensor in controlnet.named_parameters():
        if ".lora_B" in name:
            torch.nn.init.normal_(tensor, std=0.3)
    changed = controlnet(*inputs).mid_block_res_sample
    assert not torch.allclose(changed, before, atol=1e-3)
    frozen = {n: t.clone() for n, t in controlnet.state_dict().items()}
    whole = merged(controlnet)
    assert all(torch.equal(t, frozen[n]) for n, t in controlnet.state_dict().items()), "as it was"
    assert {name: tuple(t.shape) for name, t in whole.state_dict().items()} == plain
    assert torch.allclose(whole(*inputs).mid_block_res_sample, changed, atol=1e-4)
    again = controlnet(*inputs).mid_block_res_sample  # merging left the original as it was
    assert torch.allclose(again, changed, atol=1e-4)


def test_targets_that_are_not_there_are_named(base: Base, controlnet: ControlNetModel) -> None:
    with pytest.raises(InputError, match="targets to_nowhere: "):
        Strategy("lora", targets=("to_nowhere",)).set_free(controlnet, base.unet)
