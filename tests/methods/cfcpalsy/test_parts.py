"""Fusion, U-Net, conditioner and diffusion, each against a straight calculation."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from palsynth.errors import InputError
from palsynth.methods.cfcpalsy.conditioner import Conditioner
from palsynth.methods.cfcpalsy.diffusion import (
    added,
    clean,
    sampling_scheduler,
    target,
    training_scheduler,
)
from palsynth.methods.cfcpalsy.fusion import Attended, CrossFusion
from palsynth.methods.cfcpalsy.unet import CFCPalsyUNet, TokenAttention


def attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """One head, from the definition."""
    return torch.softmax(q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5, -1) @ v


def test_attended_is_attention_with_raw_queries() -> None:
    torch.manual_seed(0)
    layer = Attended(16, 4)
    queries, feature = torch.randn(2, 49, 16), torch.randn(2, 49, 16)
    kv = feature @ layer.kv.weight.T + layer.kv.bias
    heads = [
        attention(queries[..., s], kv[..., :16][..., s], kv[..., 16:][..., s])
        for s in (slice(4 * h, 4 * h + 4) for h in range(4))
    ]
    expected = torch.cat(heads, -1) @ layer.proj.weight.T + layer.proj.bias
    assert torch.allclose(layer(queries, feature), expected, atol=1e-6)


def test_cross_fusion_asks_as_the_paper_says() -> None:
    torch.manual_seed(1)
    fusion = CrossFusion(16, 32)
    who, said, shape = (torch.randn(2, 49, 16) for _ in range(3))
    expected = torch.cat([
        fusion.identity(shape, who), fusion.expression(who, said), fusion.shape(said, shape)
    ], 1)  # fmt: skip
    assert torch.allclose(fusion(who, said, shape), fusion.out(expected))
    assert fusion(who, said, shape).shape == (2, 147, 32)


@pytest.mark.parametrize(("landmarks", "cross", "tokens"),
                         [(True, True, 147), (False, True, 98), (True, False, 147)])  # fmt: skip
def test_ablations_of_the_fusion(landmarks: bool, cross: bool, tokens: int) -> None:
    torch.manual_seed(2)
    fusion = CrossFusion(16, 32, landmarks=landmarks, cross=cross)
    who, said, shape = (torch.randn(1, 49, 16, requires_grad=True) for _ in range(3))
    found = fusion(who, said, shape)
    assert found.shape == (1, tokens, 32) == (1, fusion.tokens, 32)
    found.square().sum().backward()
    assert (shape.grad is not None) == landmarks, "without landmarks they have no say"
    if not cross:
        assert torch.allclose(found[:, :49], fusion.out(who)), "features pass as they are"


def test_token_attention_appends_tokens_as_keys_and_values() -> None:
    torch.manual_seed(3)
    layer = TokenAttention(64, 32)
    torch.nn.init.normal_(layer.proj.weight, std=0.1)
    x, tokens = torch.randn(2, 64, 5, 5), torch.randn(2, 7, 128)
    flat = layer.norm(x).flatten(2).transpose(1, 2)
    qkv = flat @ layer.qkv.weight.T + layer.qkv.bias
    heads = []
    for h in range(2):
        q, k, v = (qkv[..., 96 * h + 32 * p : 96 * h + 32 * p + 32] for p in range(3))
        ek, ev = (tokens[..., 64 * h + 32 * p : 64 * h + 32 * p + 32] for p in range(2))
        heads.append(attention(q, torch.cat([ek, k], 1), torch.cat([ev, v], 1)))
    out = torch.cat(heads, -1) @ layer.proj.weight.T + layer.proj.bias
    expected = x + out.transpose(1, 2).reshape(x.shape)
    assert torch.allclose(layer(x, tokens), expected, atol=1e-5)


def test_the_default_unet_is_the_published_one() -> None:
    published = json.loads((Path(__file__).parent / "published-unet.json").read_text())
    with torch.device("meta"):
        unet = CFCPalsyUNet()
    assert sum(p.numel() for p in unet.parameters()) == published["parameters"]
    assert len(list(unet.parameters())) == published["tensors"]


@pytest.mark.parametrize("unshuffle", [1, 2])
def test_a_small_unet_in_every_shape(unshuffle: int) -> None:
    torch.manual_seed(0)
    unet = CFCPalsyUNet(56, 32, (1, 2), attention=(1,), head_channels=32, predicted=3,
                        unshuffle=unshuffle, conditions=2)  # fmt: skip
    vector, tokens = torch.randn(2, unet.time_channels), torch.randn(2, 9, unet.token_channels)
    x, seen = torch.randn(2, 3, 56, 56), torch.randn(2, 6, 56, 56)
    found = unet(x, torch.tensor([3, 900]), tokens, vector, seen)
    assert found.shape == x.shape
    assert not found.any(), "the last layer starts at zero"
    torch.nn.init.normal_(unet.last.weight)
    for part in unet.modules():
        if isinstance(part, TokenAttention):
            torch.nn.init.normal_(part.proj.weight)
    base = unet(x, torch.tensor([3, 900]), tokens, vector, seen)
    for other in (
        unet(x, torch.tensor([4, 900]), tokens, vector, seen)[:1],
        unet(x, torch.tensor([3, 900]), tokens + 1, vector, seen)[:1],
        unet(x, torch.tensor([3, 900]), tokens, vector + 1, seen)[:1],
        unet(x, torch.tensor([3, 900]), tokens, vector, seen + 1)[:1],
    ):
        assert (other - base[:1]).abs().max() > 1e-4, "everything that it is told matters"


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"attention": (2, 4)}, "tokens are keys and values of one width"),
        ({"size": 111, "unshuffle": 2}, "cannot be unshuffled by 2"),
        ({"head_channels": 96}, "cannot be split into heads of 96"),
    ],
)
def test_bad_unets(settings: dict, text: str) -> None:
    with pytest.raises(InputError, match=text), torch.device("meta"):
        CFCPalsyUNet(**settings)


def test_our_conditioner_reads_places_and_can_be_silenced() -> None:
    conditioner = Conditioner.with_our_encoders(out=64, time_channels=32, dim=64)
    images = torch.rand(2, 3, 112, 112)
    with torch.no_grad():
        told = conditioner(images, images.flip(0))
        assert told.tokens.shape == (2, 147, 64)
        assert told.vector.shape == (2, 32)
        mute = conditioner.nothing(told, torch.tensor([True, False]))
    assert torch.equal(mute.tokens[0], conditioner.absent[0])
    assert not mute.vector[0].any()
    assert torch.equal(mute.tokens[1], told.tokens[1])
    trains = {n.split(".")[0] for n, p in conditioner.named_parameters() if p.requires_grad}
    assert {"identity_net", "fusion", "expression_tokens", "position"} <= trains
    assert not {"expression_net", "landmark_net"} & trains


def test_prediction_and_x0_agree_in_both_forms() -> None:
    torch.manual_seed(0)
    images, noise = torch.rand(3, 3, 8, 8) * 1.8 - 0.9, torch.randn(3, 3, 8, 8)
    t = torch.tensor([5, 400, 800])
    for prediction in ("epsilon", "v_prediction"):
        noise_of = training_scheduler(prediction, clip=True)
        noisy = added(noise_of, images, noise, t)
        perfect = target(noise_of, images, noise, t)
        assert torch.allclose(clean(noise_of, noisy, perfect, t), images, atol=1e-3)
    alphas = torch.cumprod(1 - torch.linspace(1e-4, 0.02, 1000), 0)
    a = alphas[t][:, None, None, None]
    assert torch.allclose(noisy, a.sqrt() * images + (1 - a).sqrt() * noise, atol=1e-5)


@pytest.mark.parametrize("sampler", ["ddpm", "ddim", "dpm++"])
def test_every_sampler_takes_the_asked_steps(sampler: str) -> None:
    scheduler = sampling_scheduler(training_scheduler("v_prediction", False), sampler, 7)
    assert len(scheduler.timesteps) == 7
    assert scheduler.config.prediction_type == "v_prediction"
    with pytest.raises(InputError, match="0 sampling steps"):
        sampling_scheduler(training_scheduler("epsilon", True), sampler, 0)
