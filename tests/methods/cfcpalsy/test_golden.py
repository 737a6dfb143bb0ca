"""A converted checkpoint computes what the published network computes, with the same weights."""

from __future__ import annotations

from argparse import Namespace
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from palsynth.encoders.base import Pixels
from palsynth.methods.cfcpalsy.io.convert import convert, convert_networks
from palsynth.methods.cfcpalsy.networks.conditioner import Conditioner, Conditioning
from palsynth.methods.cfcpalsy.networks.fusion import TOKENS
from palsynth.methods.cfcpalsy.networks.model import CFCPalsyModel
from palsynth.methods.cfcpalsy.networks.unet import CFCPalsyUNet
from palsynth.methods.diffusion_process import predict_x0, sampling_scheduler
from tests.methods.cfcpalsy.published import (
    AVERAGE,
    RECOGNISERS,
    STEPS,
    blank,
    by_rule,
    checkpoint,
    golden,
    inputs,
)

EXACT, HALF = 2e-5, 5e-4
"""Largest relative error, where the true numbers are stored in single and in half precision."""


NOT_UNET = (
    AVERAGE,
    "label_mapping",
    "face_model",
    "id_model",
    "recognition_model",
    "landmark_detector",
    "condition_adapter",
    "emotion_adapter",
    "cross_attn_adapter",
)
"""Beginnings of the keys of all networks but the U-Net of the last step."""


def error(found: Tensor, true: Tensor) -> float:
    """Relative rms error."""
    assert found.shape == true.shape
    found, true = found.double(), true.double()
    return float((found - true).square().mean().sqrt() / true.square().mean().sqrt())


@pytest.fixture(scope="module")
def true() -> dict[str, Tensor]:
    return golden()


@pytest.fixture(scope="module")
def images() -> dict[str, Tensor]:
    return inputs()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> CFCPalsyModel:
    """The whole checkpoint, with callables among its settings as published; the recogniser of its
    loss, which nothing reads, is blank."""
    path = tmp_path_factory.mktemp("published") / "last.ckpt"
    tensors = checkpoint(by_rule, without=RECOGNISERS[-1]) | {
        key: tensor for key, tensor in checkpoint(blank).items() if key.startswith(RECOGNISERS[-1])
    }
    assert len(tensors) == 2943
    training = {
        "optimizer": partial(torch.optim.AdamW, lr=1e-4),
        "scheduler": torch.optim.lr_scheduler.StepLR,
        "unet": Namespace(size=112, path=Path("somewhere")),
        "cache": defaultdict(dict, sizes={"face": 112}),
    }
    torch.save({"state_dict": tensors, "hyper_parameters": training}, path)
    del tensors
    model = convert(path)
    path.unlink()  # 1.3 GB
    return model


@pytest.fixture(scope="module")
def last_unet(tmp_path_factory: pytest.TempPathFactory) -> CFCPalsyUNet:
    """The U-Net that is no average, in a file of its own: it is found by its keys."""
    path = tmp_path_factory.mktemp("unet") / "unet.ckpt"
    torch.save({"state_dict": checkpoint(by_rule, without=NOT_UNET)}, path)
    networks = convert_networks(path)
    path.unlink()
    assert set(networks) == {"unet"}
    return networks["unet"].eval()


@torch.no_grad()
def steps_of(c: Conditioner, images: dict[str, Tensor]) -> dict[str, Tensor]:
    """Every quantity of the conditioning, under the name of its golden value."""
    features, code = c.identity_net(images["identity"]), c.encode_identity(images["identity"])
    face, recogniser = c.expression_net.face, c.expression_net.identity
    vectors = face(images["expression"]).vector, recogniser(images["expression"]).vector
    expression = c.expression_tokens((vectors[0] - vectors[1])[:, None])
    landmarks = c._landmark_map(images["expression"])
    conditioning = c(images["identity"], images["expression"])
    return {
        "identity_vector": features.vector,
        "identity_map": features.map,
        "identity_vector_position": features.vector + c.vector_position,
        "identity_scaled": conditioning.vector,
        "identity_tokens": code.tokens,
        "face_vector": vectors[0],
        "id_vector": vectors[1],
        "expression_vector": c.expression_net(images["expression"]).vector,
        "expression_tokens": expression,
        "landmark_map": c.landmark_net(images["expression"]).map,
        "landmark_tokens": landmarks,
        "fused_identity": c.fusion.identity(landmarks, code.tokens),
        "fused_expression": c.fusion.expression(code.tokens, expression),
        "fused_landmark": c.fusion.shape(expression, landmarks),
        "tokens": conditioning.tokens,
    }


def test_the_conditioning_is_the_published_one(model, images, true) -> None:
    errors = {name: error(f, true[name]) for name, f in steps_of(model.conditioner, images).items()}
    assert {name: e for name, e in errors.items() if not e < EXACT} == {}


def set_positions(c: Conditioner) -> None:
    position = torch.cat([c.vector_position.data[None], c.position.data])
    c.position.data, c.vector_position.data = position[:TOKENS], position[TOKENS]


@pytest.mark.parametrize(
    ("change", "tokens", "vector"),
    [
        (set_positions, 0.2253, 0.4861),
        (lambda c: setattr(c.identity_net, "map_block", 23), 0.3621, 0),
        (lambda c: setattr(c.identity_net, "map_block", 22), 0.2837, 0),
        (lambda c: setattr(c.landmark_net, "pixels", Pixels(mean=0.0, std=1.0)), 0.0648, 0),
        (lambda c: setattr(c, "transposed", True), 0.4457, 0),
        (lambda c: setattr(c.identity_net, "pixels", Pixels()), None, None),
    ],
    ids=["positions", "block 23", "block 22", "landmarks 0 to 1", "transposed", "RGB"],
)
@torch.no_grad()
def test_each_wrong_assumption_shows(
    change: Callable[[Conditioner], Any],
    tokens: float | None,
    vector: float | None,
    model: CFCPalsyModel,
    images: dict[str, Tensor],
    true: dict[str, Tensor],
) -> None:
    """By as much as measured on the published network."""
    right = model.conditioner
    wrong = Conditioner.from_config(right.config)
    wrong.load_state_dict(right.state_dict())
    change(wrong.eval())
    found = wrong(images["identity"], images["expression"])
    errors = error(found.tokens, true["tokens"]), error(found.vector, true["identity_scaled"])
    if tokens is None:
        assert min(errors) > 0.1
    else:
        assert errors == pytest.approx((tokens, vector), abs=1e-4)


@torch.no_grad()
def predict(unet: CFCPalsyUNet, true: dict[str, Tensor], x_t: Tensor) -> Tensor:
    return unet(x_t, STEPS, *Conditioning(true["tokens"], true["identity_scaled"]))


def test_the_unet_is_the_published_average(model, last_unet, images, true) -> None:
    found = predict(model.unet, true, images["x_t"])
    assert error(found, true["unet_ema_output"]) < HALF
    assert error(found[..., ::8, ::8], true["unet_ema_output_every_8th"]) < EXACT
    noise = error(true["unet_ema_output"][:, :3], true["unet_output"][:, :3])
    assert noise == pytest.approx(1.4334, abs=1e-3), "of the wrong weights"


def test_the_unet_of_a_file_of_its_own_is_the_published_one(last_unet, images, true) -> None:
    seen: dict[str, Tensor] = {}

    def keep(name: str) -> Callable[..., None]:
        return lambda module, args, output: seen.update({name: output})

    nine = last_unet.down[8]
    hooks = [
        last_unet.timesteps.register_forward_hook(keep("time_sinusoid")),
        last_unet.time.register_forward_hook(keep("time_embedding")),
        nine.resnet.register_forward_hook(keep("unet_input_block_9_before_attention")),
        nine.register_forward_hook(keep("unet_input_block_9")),
        last_unet.middle[1].register_forward_hook(keep("unet_middle")),
    ]
    found = predict(last_unet, true, images["x_t"])
    for hook in hooks:
        hook.remove()
    seen["time_embedding_with_identity"] = seen["time_embedding"] + true["identity_scaled"]
    seen["unet_output_every_8th"] = found[..., ::8, ::8]
    assert error(found, true["unet_output"]) < HALF
    assert {n: e for n, f in seen.items() if not (e := error(f, true[n])) < EXACT} == {}


def test_the_sampler_is_the_published_one(model, images, true) -> None:
    """DDIM in 50 steps with eta 1; the step's own noise is left out."""
    d = model.settings.diffusion
    assert (d.sampler, d.steps, d.eta, model.noise.config.clip_sample) == ("ddim", 50, 1.0, True)
    scheduler = sampling_scheduler(model.noise, d.sampler, d.steps)
    assert torch.equal(scheduler.timesteps, true["ddim_timesteps"])
    assert error(scheduler.alphas_cumprod, true["alphas_cumprod"]) < EXACT
    x_t = images["x_t"][..., ::8, ::8]
    noise = true["unet_output_every_8th"][:, :3]
    zero = torch.zeros_like(x_t)
    for t in (700, 0):
        step = partial(scheduler.step, noise, t, x_t, eta=d.eta)
        mean = step(variance_noise=zero).prev_sample
        sigma = (step(variance_noise=zero + 1).prev_sample - mean).double().mean()
        x0 = predict_x0(model.noise, x_t, noise, torch.tensor([t, t]))
        assert error(x0, true[f"ddim_{t}_clean"]) < EXACT
        assert error(mean, true[f"ddim_{t}_mean"]) < EXACT
        assert float(sigma) == pytest.approx(float(true[f"ddim_{t}_sigma"]), abs=1e-5)


def test_the_settings_of_a_conversion_name_what_the_published_network_does(model) -> None:
    config = dict(model.conditioner.config)
    assert config["encoders"] == "published"
    assert (config["identity_block"], config["landmark_signed"]) == (21, True)
    assert config["transposed"] is model.settings.condition.transposed is False
    default = dict(Conditioner().config)
    assert (default["identity_block"], default["landmark_signed"]) == (None, False)
