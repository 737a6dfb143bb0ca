"""Fusion, U-Net, conditioner and diffusion, each against a direct calculation."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from palsynth.encoders.load import expression_encoder, identity_encoder, landmark_encoder
from palsynth.errors import InputError
from palsynth.face.face import Face
from palsynth.face.framing import RECOGNISER
from palsynth.methods.cfcpalsy.networks.conditioner import Conditioner
from palsynth.methods.cfcpalsy.networks.fusion import Attended, CrossFusion
from palsynth.methods.cfcpalsy.networks.unet import CFCPalsyUNet, TokenAttention
from palsynth.methods.diffusion_process import (
    Sampler,
    predict_x0,
    q_sample,
    sampling_scheduler,
    target,
    training_scheduler,
)
from tests.methods.cfcpalsy.conftest import ALPHAS


def attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """One head, from the definition."""
    return torch.softmax(q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5, -1) @ v


def test_attended_is_attention_without_query_projection() -> None:
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


def test_cross_fusion_attends_as_in_the_paper() -> None:
    torch.manual_seed(1)
    fusion = CrossFusion(16, 32)
    identity, expression, shape = (torch.randn(2, 49, 16) for _ in range(3))
    expected = torch.cat(
        [
            fusion.identity(shape, identity),
            fusion.expression(identity, expression),
            fusion.shape(expression, shape),
        ],
        1,
    )
    assert torch.allclose(fusion(identity, expression, shape), fusion.out(expected))
    assert fusion(identity, expression, shape).shape == (2, 147, 32)


@pytest.mark.parametrize(
    ("landmarks", "cross", "tokens"), [(True, True, 147), (False, True, 98), (True, False, 147)]
)
def test_ablations_of_the_fusion(landmarks: bool, cross: bool, tokens: int) -> None:
    torch.manual_seed(2)
    fusion = CrossFusion(16, 32, landmarks=landmarks, cross=cross)
    identity, expression, shape = (torch.randn(1, 49, 16, requires_grad=True) for _ in range(3))
    found = fusion(identity, expression, shape)
    assert found.shape == (1, tokens, 32) == (1, fusion.tokens, 32)
    found.square().sum().backward()
    assert (shape.grad is not None) == landmarks, "without landmarks they have no influence"
    if not cross:
        features = torch.cat([identity, expression, shape], 1)
        assert torch.allclose(found, fusion.out(features)), "concatenated as they are"
    elif not landmarks:
        attended = torch.cat(
            [fusion.identity(expression, identity), fusion.expression(identity, expression)], 1
        )
        assert torch.allclose(found, fusion.out(attended)), "each attends to the other"


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
def test_a_small_unet_depends_on_all_its_inputs(unshuffle: int) -> None:
    torch.manual_seed(0)
    unet = CFCPalsyUNet(
        56,
        32,
        (1, 2),
        attention=(1,),
        head_channels=32,
        predicted=3,
        unshuffle=unshuffle,
        conditions=2,
    )
    vector, tokens = torch.randn(2, unet.time_channels), torch.randn(2, 9, unet.token_channels)
    x, conditions = torch.randn(2, 3, 56, 56), torch.randn(2, 6, 56, 56)
    found = unet(x, torch.tensor([3, 900]), tokens, vector, conditions)
    assert found.shape == x.shape
    assert not found.any(), "the last layer starts at zero"
    torch.nn.init.normal_(unet.last.weight)
    for part in unet.modules():
        if isinstance(part, TokenAttention):
            torch.nn.init.normal_(part.proj.weight)
    base = unet(x, torch.tensor([3, 900]), tokens, vector, conditions)
    for other in (
        unet(x, torch.tensor([4, 900]), tokens, vector, conditions)[:1],
        unet(x, torch.tensor([3, 900]), tokens + 1, vector, conditions)[:1],
        unet(x, torch.tensor([3, 900]), tokens, vector + 1, conditions)[:1],
        unet(x, torch.tensor([3, 900]), tokens, vector, conditions + 1)[:1],
    ):
        assert (other - base[:1]).abs().max() > 1e-4, "every input matters"


def test_the_noisy_image_comes_before_the_condition_images() -> None:
    torch.manual_seed(5)
    unet = CFCPalsyUNet(16, 32, (1,), attention=(), head_channels=32, predicted=3, conditions=2)
    torch.nn.init.normal_(unet.last.weight)
    conditioning = torch.tensor([9]), torch.randn(1, 4, 64), torch.randn(1, 128)
    x, conditions = torch.randn(1, 3, 16, 16), torch.randn(1, 6, 16, 16)
    with torch.no_grad():
        unet.stem.weight[:, 3:] = 0
        found = unet(x, *conditioning, conditions)
        assert torch.equal(unet(x, *conditioning, -conditions), found)
        assert not torch.allclose(unet(-x, *conditioning, conditions), found)


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


@torch.no_grad()
@pytest.mark.parametrize(
    ("transposed", "expression_vector"), [(True, False), (False, False), (True, True)]
)
def test_our_conditioner_step_by_step(transposed: bool, expression_vector: bool) -> None:
    """Identity is encoded from X_ID, expression and landmarks from X_0."""
    torch.manual_seed(4)
    settings = {"transposed": transposed, "expression_vector": expression_vector}
    c = Conditioner.with_our_encoders(out=64, time_channels=32, dim=64, **settings).eval()
    assert c.scale.tolist() == [pytest.approx(0.001)], "the initial factor of the vector"
    for parameter in (c.position, c.vector_position, c.scale):
        torch.nn.init.normal_(parameter)
    identity_image, expression_image = torch.rand(2, 2, 3, 112, 112)
    features = identity_encoder()(identity_image)
    difference = expression_encoder()(expression_image).vector
    positions = features.map.flatten(2).transpose(1, 2)
    identity = c.identity_tokens(positions) + c.position
    expression = c.expression_tokens(c.expression_fitted(difference)[:, None])
    found = landmark_encoder()(expression_image).map
    shape = found.flatten(2).transpose(1, 2) if transposed else found.reshape(2, 49, 128)
    conditioning = c(identity_image, expression_image)
    fused = c.fusion(identity, expression, c.landmark_tokens(shape))
    assert torch.allclose(conditioning.tokens, fused, atol=1e-5)
    vector = c.scale * c.to_time(features.vector + c.vector_position)
    if expression_vector:
        centred = difference - difference.mean(1, keepdim=True)
        standardised = centred / (centred.square().mean(1, keepdim=True) + 1e-5).sqrt()
        vector = vector + c.expression_to_time[1](standardised)
    assert torch.allclose(conditioning.vector, vector, atol=1e-5)


@pytest.mark.parametrize("setting", [{"identity_block": 21}, {"landmark_signed": True}])
def test_settings_of_published_encoders_are_refused_for_ours(setting: dict) -> None:
    with pytest.raises(InputError) as error:
        Conditioner(**setting)
    assert str(error.value) == (
        "identity_block and landmark_signed: only published encoders have them; leave them out, or "
        "set encoders published"
    )


def test_a_conditioner_crops_faces_as_its_encoders_were_trained(face: Face) -> None:
    with torch.device("meta"):
        ours, published = (Conditioner(encoders=name) for name in ("palsynth", "published"))
    assert np.array_equal(ours.crop(face, 56).image, face.aligned(RECOGNISER, 56).image)
    assert np.array_equal(published.crop(face, 56).image, face.recogniser_crop(56).image)


def test_predictions_by_their_formulas() -> None:
    """Noise or velocity (Salimans & Ho 2022), and x̂0 from either."""
    torch.manual_seed(0)
    images, noise, predicted = torch.randn(3, 3, 3, 8, 8)
    t = torch.tensor([5, 400, 800])
    a = ALPHAS[t][:, None, None, None]
    noisy = a.sqrt() * images + (1 - a).sqrt() * noise
    epsilon, velocity = (training_scheduler(p, clip=False) for p in ("epsilon", "v_prediction"))
    for schedule in (epsilon, velocity):
        assert torch.allclose(q_sample(schedule, images, noise, t), noisy, atol=1e-5)
    assert torch.equal(target(epsilon, images, noise, t), noise)
    wanted = a.sqrt() * noise - (1 - a).sqrt() * images
    assert torch.allclose(target(velocity, images, noise, t), wanted, atol=1e-5)
    by_noise = (noisy - (1 - a).sqrt() * predicted) / a.sqrt()
    assert torch.allclose(predict_x0(epsilon, noisy, predicted, t), by_noise, atol=1e-4)
    by_velocity = a.sqrt() * noisy - (1 - a).sqrt() * predicted
    assert torch.allclose(predict_x0(velocity, noisy, predicted, t), by_velocity, atol=1e-5)
    clipping = training_scheduler("epsilon", clip=True)
    assert torch.allclose(
        predict_x0(clipping, noisy, predicted, t), by_noise.clamp(-1, 1), atol=1e-5
    )
    assert by_noise.abs().max() > 1.5


@pytest.mark.parametrize(
    ("sampler", "steps"),
    [("ddpm", [750, 500, 250, 0]), ("ddim", [750, 500, 250, 0]), ("dpm++", [999, 749, 499, 249])],
)
def test_samplers_use_these_timesteps_of_the_training_schedule(
    sampler: str, steps: list[int]
) -> None:
    scheduler = sampling_scheduler(training_scheduler("epsilon", True), sampler, 4)
    assert scheduler.timesteps.tolist() == steps
    assert torch.allclose(scheduler.alphas_cumprod, ALPHAS, atol=1e-6)
    class_names = {
        "ddpm": "DDPMScheduler",
        "ddim": "DDIMScheduler",
        "dpm++": "DPMSolverMultistepScheduler",
    }
    assert type(scheduler).__name__ == class_names[sampler]
    if sampler == "ddim":
        assert scheduler.final_alpha_cumprod == 1.0, "the last step ends without noise"
    if sampler == "dpm++":
        assert (scheduler.config.algorithm_type, scheduler.config.solver_order) == (
            "dpmsolver++",
            2,
        )
    for wrong in (0, 1001):
        with pytest.raises(InputError, match=f"{wrong} sampling steps"):
            sampling_scheduler(training_scheduler("epsilon", True), sampler, wrong)


@pytest.mark.parametrize("sampler", ["ddpm", "ddim", "dpm++"])
@pytest.mark.parametrize("steps", [1, 15, 50, 400, 501, 1000])
def test_sampling_begins_with_the_noisiest_timesteps_or_is_refused(
    sampler: Sampler, steps: int
) -> None:
    """ddpm's and ddim's timesteps are multiples of 1000 // steps, from 0."""
    training = training_scheduler("epsilon", True)
    if sampler != "dpm++" and steps in (1, 400, 501):
        with pytest.raises(InputError, match=f"^{steps} sampling steps of {sampler}: would not"):
            sampling_scheduler(training, sampler, steps)
    else:
        first = sampling_scheduler(training, sampler, steps).timesteps[0]
        assert first >= (900 if sampler != "dpm++" else 998)
