"""The cycle objective: both passes against a direct calculation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from palsynth.data import pair_settings
from palsynth.encoders.base import as_images
from palsynth.encoders.load import identity_encoder, landmark_encoder
from palsynth.methods.cfcpalsy import objective as module
from palsynth.methods.cfcpalsy.config import CFCPalsySettings
from palsynth.methods.cfcpalsy.objective import CFCPalsyObjective, _sample_corruption
from tests.methods.cfcpalsy.conftest import ALPHAS, build, default, images_of, rows, small

CYCLED = {"cycle": 0.7, "identity_weight": 0.4, "landmark_weight": 0.6}
"""Weights that differ from the defaults and from one another."""

SEED = 1
"""Samples timesteps 845, 139 and 124; with ``drop`` 0.5 the first loses its conditions."""


def reference(objective: CFCPalsyObjective, batch: dict[str, Tensor]) -> dict[str, Any]:
    """The paper's total L(θ) + σ L(θ') from its formulas, with the networks of an objective."""
    model, rng = objective.model, torch.Generator().manual_seed(SEED)
    d, c = model.settings.diffusion, model.settings.condition
    true, identity_image, expression, draft = (
        as_images(batch[n]) for n in ("target", "identity", "expression", "draft")
    )
    t = torch.randint(1000, (len(true),), generator=rng)
    noise = torch.randn(true.shape, generator=rng)
    dropped = torch.rand(len(true), generator=rng) < c.drop
    alpha, late = ALPHAS[t][:, None, None, None], t / 1000
    signal, sigma = alpha.sqrt(), (1 - alpha).sqrt()
    recogniser, landmarks = identity_encoder(), landmark_encoder()
    weight = 1 + d.change_weight * (true - identity_image).abs().mean(1, keepdim=True)

    def one_pass(expression: Tensor, diffused: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        residual = d.residual == "draft"
        x = (diffused - draft) * 2 * d.residual_scale if residual else 2 * diffused - 1
        noisy = signal * x + sigma * noise
        tokens, vector = model.conditioner(identity_image, expression)
        tokens = torch.where(dropped[:, None, None], model.conditioner.null_token, tokens)
        vector = torch.where(dropped[:, None], 0.0, vector)
        images = {"identity": identity_image, "expression": expression, "draft": draft}
        conditions = torch.cat([2 * images[n] - 1 for n in c.images], 1) if c.images else None
        predicted = model.unet(noisy, t, tokens, vector, conditions)[:, :3]
        if d.prediction == "epsilon":
            wanted, x0 = noise, (noisy - sigma * predicted) / signal
        elif d.prediction == "sample":
            wanted, x0 = x, predicted
        else:
            wanted, x0 = signal * noise - sigma * x, signal * noisy - sigma * predicted
        made = draft + x0 / (2 * d.residual_scale) if residual else (x0.clamp(-1, 1) + 1) / 2
        features, target, identity = (
            recogniser(image).vector for image in (made, true, identity_image)
        )
        to_target, to_identity = (
            1 - torch.cosine_similarity(features, x) for x in (target, identity)
        )
        error = landmarks(made).points - landmarks(true).points
        losses = {
            "noise": (weight * (predicted - wanted).square()).mean((1, 2, 3)),
            "identity": (1 - late) * to_target + late * to_identity,
            "landmarks": 10 * error.square().flatten(1).mean(1),
        }
        losses["loss"] = losses["noise"] + 0.4 * losses["identity"] + 0.6 * losses["landmarks"]
        return losses, made

    first, made = one_pass(expression, true)
    second, _ = one_pass(made.clamp(0, 1), made)
    parts = {**first, **{f"second_{name}": value for name, value in second.items()}}
    return {
        "total": (parts.pop("loss") + 0.7 * second["loss"]).mean(),
        "parts": {name: value.mean() for name, value in parts.items()},
        "timesteps": t,
        "per_image": first["noise"],
    }


@pytest.mark.parametrize(
    "settings",
    [
        small({}, CYCLED),
        replace(default(), diffusion=replace(default().diffusion, **CYCLED)),
        small({"drop": 0.5}, CYCLED),
        small({}, {**CYCLED, "prediction": "sample", "change_weight": 30.0}),
    ],
    ids=["as published", "velocity of a residual", "conditions dropped", "the weighted image"],
)
def test_both_passes_and_their_gradients_follow_the_formulas(
    settings: CFCPalsySettings, batch: dict[str, Tensor]
) -> None:
    """L(theta) + sigma L(theta'); gradients of the second pass flow through x̂0."""
    objective, by_hand = (CFCPalsyObjective(build(settings)).train() for _ in range(2))
    three = rows(batch, slice(3))
    losses = objective(three, torch.Generator().manual_seed(SEED))
    expected = reference(by_hand, three)
    assert losses.timesteps.tolist() == expected["timesteps"].tolist() == [845, 139, 124]
    assert torch.allclose(losses.per_image, expected["per_image"], rtol=1e-4)
    assert {name: float(value.detach()) for name, value in losses.parts.items()} == pytest.approx(
        {name: float(value.detach()) for name, value in expected["parts"].items()}, rel=1e-3
    )
    assert float(losses.total) == pytest.approx(float(expected["total"]), rel=1e-4)
    losses.total.backward()
    expected["total"].backward()
    for (name, found), wanted in zip(
        objective.named_parameters(), by_hand.parameters(), strict=True
    ):
        if found.grad is None:
            assert wanted.grad is None or not wanted.grad.any(), name
        else:
            assert (found.grad - wanted.grad).norm() <= 2e-3 * wanted.grad.norm() + 1e-7, name


@pytest.mark.parametrize(("power", "noisier_half"), [(1.0, 0.5), (0.4, 0.823), (2.0, 0.293)])
def test_the_power_says_how_often_noisy_timesteps_come(power: float, noisier_half: float) -> None:
    """The share of 1000 u^p from 500 on is 1 - 0.5^(1 / p)."""
    hidden = torch.zeros(100_000, 1, 1, 1)
    t = _sample_corruption(hidden, 0.0, power, torch.Generator().manual_seed(SEED)).t
    assert float((t >= 500).float().mean()) == pytest.approx(noisier_half, abs=0.01)
    often = torch.bincount(t, minlength=1000).double()
    assert len(often) == 1000
    edges = (torch.arange(1001).double() / 1000) ** (1 / power)
    expected = len(t) * edges.diff()
    assert ((often - expected).abs() <= 5 * expected.sqrt() + 3).all(), "every timestep"
    drawn = torch.randint(1000, (len(t),), generator=torch.Generator().manual_seed(SEED))
    assert power != 1 or torch.equal(t, drawn), "trainings without a power stay as they were"


def test_the_identity_is_encoded_once_and_from_the_identity_image(batch: dict[str, Tensor]) -> None:
    """Neither pass encodes it again, nor from x̂0."""
    objective = CFCPalsyObjective(build(small()))
    inputs: list[Tensor] = []
    objective.model.conditioner.identity_net.register_forward_pre_hook(
        lambda _, args: inputs.append(args[0])
    )
    objective(batch, torch.Generator().manual_seed(1))
    assert len(inputs) == 1
    assert torch.equal(inputs[0], as_images(batch["identity"]))


def trained(settings: CFCPalsySettings, batch: dict[str, Tensor]) -> set[str]:
    """Parts of an objective that a step changes."""
    objective = CFCPalsyObjective(build(settings)).train()
    objective(rows(batch, slice(2)), torch.Generator().manual_seed(2)).total.backward()
    return {
        name.removeprefix("model.conditioner.").removeprefix("model.").split(".")[0]
        for name, p in objective.named_parameters()
        if p.grad is not None and p.grad.any()
    }


def test_which_parts_train(batch: dict[str, Tensor]) -> None:
    """Not the frozen encoders and not the networks of the losses; settings freeze further parts."""
    every = {
        "unet",
        "identity_net",
        "identity_tokens",
        "expression_tokens",
        "expression_fitted",
        "landmark_tokens",
        "position",
        "vector_position",
        "scale",
        "to_time",
        "fusion",
    }
    assert trained(small(), batch) == every
    faulty = small({"fusion_trainable": False})
    assert trained(faulty, batch) == every - {"fusion", "expression_tokens", "landmark_tokens"}
    assert trained(small({"identity_trainable": False}), batch) == every - {"identity_net"}


def test_frozen_networks_stay_in_evaluation_mode() -> None:
    """Their normalisation statistics and their dropout would change their output."""
    objective = CFCPalsyObjective(build(small({"landmarks": True}))).train()
    c = objective.model.conditioner
    frozen = (
        c.identity_net,
        c.expression_net,
        c.landmark_net,
        objective.recogniser,
        objective.points,
    )
    assert not any(part.training for network in frozen for part in network.modules())
    assert objective.model.unet.training
    assert c.fusion.training


@pytest.mark.parametrize(
    ("condition", "diffusion", "removed"),
    [
        ({"landmarks": False}, {}, "landmark_tokens"),
        ({"cross": False}, {}, "fusion.identity"),
        ({}, {"cycle": 0.0}, "second_noise"),
    ],
    ids=["1 no landmarks", "3 no cross-fusion", "2 no cycle"],
)
def test_ablations_remove_their_part(
    condition: dict, diffusion: dict, removed: str, batch: dict[str, Tensor]
) -> None:
    two = rows(batch, slice(2))
    objective = CFCPalsyObjective(build(small(condition, diffusion))).train()
    losses = objective(two, torch.Generator().manual_seed(4))
    names = {n for n, _ in objective.named_parameters()} | set(losses.parts)
    assert not any(removed in name for name in names)
    full = CFCPalsyObjective(build(small()))
    full_parts = full(two, torch.Generator().manual_seed(4)).parts
    assert any(removed in n for n in {n for n, _ in full.named_parameters()} | set(full_parts))
    losses.total.backward()


def test_a_unet_can_train_without_any_condition(
    batch: dict[str, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With drop 1: how a U-Net is trained that others are initialised from."""
    alone = {"cycle": 0.0, "identity_weight": 0.0, "landmark_weight": 0.0}
    objective = CFCPalsyObjective(build(small({"drop": 1.0}, alone))).train()
    conditioner = objective.model.conditioner
    monkeypatch.setattr(conditioner.identity_net, "forward", None)  # must not be called
    objective(batch, torch.Generator().manual_seed(5)).total.backward()
    assert conditioner.null_token.grad.abs().sum() > 0
    trainable = {n for n, p in conditioner.named_parameters() if p.requires_grad}
    assert trainable == {"absent"}, "the null token's name in state dicts"
    model = objective.model.eval()
    swapped = {n: t.flip(0) for n, t in batch.items()}
    assert torch.equal(
        model.sample(images_of(batch), range(6)), model.sample(images_of(swapped), range(6))
    )


def test_validation_and_its_picture(
    monkeypatch: pytest.MonkeyPatch, batch: dict[str, Tensor]
) -> None:
    monkeypatch.setattr(module, "validation_pairs", lambda size: batch)
    objective = CFCPalsyObjective(build(default())).eval()
    samples = objective.model.sample(images_of(batch), range(6))
    compared = {"made": samples, **{n: as_images(batch[n]) for n in ("identity", "draft")}}
    true = as_images(batch["target"])
    by_hand = {
        f"validation/psnr_{name}": np.mean(
            [-10 * np.log10(float((a - b).square().mean())) for a, b in zip(x, true, strict=True)]
        )
        for name, x in compared.items()
    }
    assert objective.validate() == pytest.approx(by_hand, abs=1e-3)
    picture = objective.picture()
    assert picture.shape == (3 * 56, 10 * 56, 3), "two halves of five columns"
    for number, row in ((0, picture[:56]), (4, picture[56:112, 5 * 56 :])):
        for column, name in enumerate(("identity", "expression", "draft", "made", "target")):
            cell = row[:, 56 * column : 56 * column + 56]
            if name == "made":
                sample = samples[number].permute(1, 2, 0).numpy() * 255
                assert np.abs(cell - sample).max() <= 0.51
            else:
                assert np.array_equal(cell, batch[name][number].numpy()), name


def test_validation_pairs_different_subjects_that_no_training_uses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[tuple[int, ...]] = []
    sizes: list[int] = []

    class Pair:
        def arrays(self) -> dict[str, np.ndarray]:
            return {"target": np.zeros(1)}

    class Groups:
        size = 112

        def __init__(self, first: int, subjects: int, size: int, **options: float) -> None:
            calls.append((first, subjects))
            sizes.append(size)

        def __getitem__(self, number: int) -> int:
            return number

    def make_pair(group: int, member: int, script: int, other: int, size: int) -> Pair:
        calls.append((group, member, script, other))
        return Pair()

    monkeypatch.setattr(pair_settings, "GroupsSource", Groups)
    monkeypatch.setattr(pair_settings, "make_pair", make_pair)
    pair_settings.validation_pairs.__wrapped__(56)
    assert calls[0] == (992_000, 500)
    assert calls[1:] == [
        (group, member, script, other)
        for group in (0, 1)
        for member, other in ((0, 1), (1, 2), (2, 3), (3, 0))
        for script in (0, 1, 2)
    ]
    pair_settings.validation_pairs.__wrapped__(128)
    assert sizes == [112, 128], "larger ones are not enlarged"
