"""What trains a CFCPalsy model: both passes of the cycle against a straight calculation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from palsynth.encoders.base import as_images
from palsynth.encoders.load import identity_encoder, landmark_encoder
from palsynth.methods.cfcpalsy import objective as module
from palsynth.methods.cfcpalsy import validation
from palsynth.methods.cfcpalsy.objective import CFCPalsyObjective
from palsynth.methods.cfcpalsy.settings import CFCPalsySettings
from tests.methods.cfcpalsy.conftest import ALPHAS, build, default, rows, shown, small

CYCLED = {"cycle": 0.7, "identity_weight": 0.4, "landmark_weight": 0.6}
"""Weights unlike the defaults and unlike one another."""

SEED = 1
"""Draws timesteps 845, 139 and 124; with ``drop`` 0.5 the first goes without conditions."""


def straight(objective: CFCPalsyObjective, batch: dict[str, Tensor]) -> dict[str, Any]:
    """The paper's sum from its formulas, with the networks of an objective."""
    model, rng = objective.model, torch.Generator().manual_seed(SEED)
    d, c = model.settings.diffusion, model.settings.condition
    true, who, expression, draft = (
        as_images(batch[n]) for n in ("target", "identity", "expression", "draft")
    )
    t = torch.randint(1000, (len(true),), generator=rng)
    noise = torch.randn(true.shape, generator=rng)
    dropped = torch.rand(len(true), generator=rng) < c.drop
    alpha, late = ALPHAS[t][:, None, None, None], t / 1000
    signal, spread = alpha.sqrt(), (1 - alpha).sqrt()
    judge, landmarks = identity_encoder(), landmark_encoder()

    def one_pass(expression: Tensor, drawn: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        residual = d.residual == "draft"
        x = (drawn - draft) * 2 * d.residual_scale if residual else 2 * drawn - 1
        noisy = signal * x + spread * noise
        tokens, vector = model.conditioner(who, expression)
        tokens = torch.where(dropped[:, None, None], model.conditioner.absent, tokens)
        vector = torch.where(dropped[:, None], 0.0, vector)
        seen = {"identity": who, "expression": expression, "draft": draft}
        further = torch.cat([2 * seen[n] - 1 for n in c.images], 1) if c.images else None
        said = model.unet(noisy, t, tokens, vector, further)[:, :3]
        if d.prediction == "epsilon":
            wanted, predict_x0 = noise, (noisy - spread * said) / signal
        else:
            wanted, predict_x0 = signal * noise - spread * x, signal * noisy - spread * said
        made = (
            draft + predict_x0 / (2 * d.residual_scale)
            if residual
            else (predict_x0.clamp(-1, 1) + 1) / 2
        )
        own, target, identity = (judge(image).vector for image in (made, true, who))
        near, far = (1 - torch.cosine_similarity(own, x) for x in (target, identity))
        apart = landmarks(made).points - landmarks(true).points
        losses = {
            "noise": (said - wanted).square().mean((1, 2, 3)),
            "identity": (1 - late) * near + late * far,
            "landmarks": 10 * apart.square().flatten(1).mean(1),
        }
        losses["loss"] = losses["noise"] + 0.4 * losses["identity"] + 0.6 * losses["landmarks"]
        return losses, made

    first, made = one_pass(expression, true)
    second, _ = one_pass(made.clamp(0, 1), made)
    parts = {**first, **{f"second_{name}": value for name, value in second.items()}}
    return {
        "total": (parts.pop("loss") + 0.7 * second["loss"]).mean(),
        "parts": {name: value.mean() for name, value in parts.items()},
        "timesteps": t, "per_image": first["noise"],
    }  # fmt: skip


@pytest.mark.parametrize(
    "settings",
    [
        small({}, CYCLED),
        replace(default(), diffusion=replace(default().diffusion, **CYCLED)),
        small({"drop": 0.5}, CYCLED),
    ],
    ids=["as published", "velocity of a residual", "conditions dropped"],
)
def test_both_passes_and_their_gradients_follow_the_formulas(
    settings: CFCPalsySettings, batch: dict[str, Tensor]
) -> None:
    """L(theta) + sigma L(theta'); gradients of the second pass flow through x̂0."""
    objective, by_hand = (CFCPalsyObjective(build(settings)).train() for _ in range(2))
    three = rows(batch, slice(3))
    found = objective(three, torch.Generator().manual_seed(SEED))
    expected = straight(by_hand, three)
    assert found.timesteps.tolist() == expected["timesteps"].tolist() == [845, 139, 124]
    assert torch.allclose(found.per_image, expected["per_image"], rtol=1e-4)
    assert {name: float(value.detach()) for name, value in found.parts.items()} == pytest.approx(
        {name: float(value.detach()) for name, value in expected["parts"].items()}, rel=1e-3
    )
    assert float(found.total) == pytest.approx(float(expected["total"]), rel=1e-4)
    found.total.backward()
    expected["total"].backward()
    for (name, mine), theirs in zip(
        objective.named_parameters(), by_hand.parameters(), strict=True
    ):
        if mine.grad is None:
            assert theirs.grad is None or not theirs.grad.any(), name
        else:
            assert (mine.grad - theirs.grad).norm() <= 2e-3 * theirs.grad.norm() + 1e-7, name


def test_the_identity_is_read_once_and_from_the_identity_image(batch: dict[str, Tensor]) -> None:
    """Neither pass reads it again, nor from x̂0."""
    objective = CFCPalsyObjective(build(small()))
    seen: list[Tensor] = []
    objective.model.conditioner.identity_net.register_forward_pre_hook(
        lambda _, given: seen.append(given[0])
    )
    objective(batch, torch.Generator().manual_seed(1))
    assert len(seen) == 1
    assert torch.equal(seen[0], as_images(batch["identity"]))


def trained(settings: CFCPalsySettings, batch: dict[str, Tensor]) -> set[str]:
    """Parts of an objective that a step changes."""
    objective = CFCPalsyObjective(build(settings)).train()
    objective(rows(batch, slice(2)), torch.Generator().manual_seed(2)).total.backward()
    return {
        name.removeprefix("model.conditioner.").removeprefix("model.").split(".")[0]
        for name, p in objective.named_parameters()
        if p.grad is not None and p.grad.any()
    }


def test_who_trains(batch: dict[str, Tensor]) -> None:
    """Neither the frozen encoders nor the judges; what is frozen on request stays so."""
    every = {"unet", "identity_net", "identity_tokens", "expression_tokens", "expression_fitted",
             "landmark_tokens", "position", "vector_position", "scale", "to_time",
             "fusion"}  # fmt: skip
    assert trained(small(), batch) == every
    faulty = small({"fusion_trainable": False})
    assert trained(faulty, batch) == every - {"fusion", "expression_tokens", "landmark_tokens"}
    assert trained(small({"identity_trainable": False}), batch) == every - {"identity_net"}


def test_frozen_networks_stay_in_evaluation_mode() -> None:
    """Statistics of their norms and their dropout would change what they say."""
    objective = CFCPalsyObjective(build(small({"landmarks": True}))).train()
    c = objective.model.conditioner
    still = (c.identity_net, c.expression_net, c.landmark_net, objective.recogniser,
             objective.points)  # fmt: skip
    assert not any(part.training for network in still for part in network.modules())
    assert objective.model.unet.training
    assert c.fusion.training


@pytest.mark.parametrize(
    ("condition", "diffusion", "absent"),
    [
        ({"landmarks": False}, {}, "landmark_tokens"),
        ({"cross": False}, {}, "fusion.identity"),
        ({}, {"cycle": 0.0}, "second_noise"),
    ],
    ids=["1 no landmarks", "3 no cross-fusion", "2 no cycle"],
)
def test_ablations_leave_out_what_they_say(
    condition: dict, diffusion: dict, absent: str, batch: dict[str, Tensor]
) -> None:
    two = rows(batch, slice(2))
    objective = CFCPalsyObjective(build(small(condition, diffusion))).train()
    losses = objective(two, torch.Generator().manual_seed(4))
    names = {n for n, _ in objective.named_parameters()} | set(losses.parts)
    assert not any(absent in name for name in names)
    full = CFCPalsyObjective(build(small()))
    full_parts = full(two, torch.Generator().manual_seed(4)).parts
    assert any(absent in n for n in {n for n, _ in full.named_parameters()} | set(full_parts))
    losses.total.backward()


def test_a_unet_alone_reads_no_condition(
    batch: dict[str, Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With drop 1: what a U-Net learns that others begin with."""
    alone = {"cycle": 0.0, "identity_weight": 0.0, "landmark_weight": 0.0}
    objective = CFCPalsyObjective(build(small({"drop": 1.0}, alone))).train()
    conditioner = objective.model.conditioner
    monkeypatch.setattr(conditioner.identity_net, "forward", None)  # never asked
    objective(batch, torch.Generator().manual_seed(5)).total.backward()
    assert conditioner.absent.grad.abs().sum() > 0
    trains = {n for n, p in conditioner.named_parameters() if p.requires_grad}
    assert trains == {"absent"}
    model = objective.model.eval()
    swapped = {n: t.flip(0) for n, t in batch.items()}
    assert torch.equal(model.sample(shown(batch), range(6)), model.sample(shown(swapped), range(6)))


def test_validation_and_its_picture(
    monkeypatch: pytest.MonkeyPatch, batch: dict[str, Tensor]
) -> None:
    monkeypatch.setattr(module, "validation_batch", lambda size: batch)
    objective = CFCPalsyObjective(build(default())).eval()
    made = objective.model.sample(shown(batch), range(6))
    named = {"made": made, **{n: as_images(batch[n]) for n in ("identity", "draft")}}
    true = as_images(batch["target"])
    by_hand = {
        f"validation/psnr_{name}": np.mean([
            -10 * np.log10(float((a - b).square().mean())) for a, b in zip(x, true, strict=True)
        ])
        for name, x in named.items()
    }  # fmt: skip
    assert objective.validate() == pytest.approx(by_hand, abs=1e-3)
    picture = objective.picture()
    assert picture.shape == (3 * 56, 10 * 56, 3), "two halves of five columns"
    for number, place in ((0, picture[:56]), (4, picture[56:112, 5 * 56 :])):
        for column, name in enumerate(("identity", "expression", "draft", "made", "target")):
            shows = place[:, 56 * column : 56 * column + 56]
            if name == "made":
                drawn = made[number].permute(1, 2, 0).numpy() * 255
                assert np.abs(shows - drawn).max() <= 0.51
            else:
                assert np.array_equal(shows, batch[name][number].numpy()), name


def test_validation_shows_people_nobody_trains_on_in_pairs_across_people(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    requested: list[tuple[int, ...]] = []

    class Pair:
        def arrays(self) -> dict[str, np.ndarray]:
            return {"target": np.zeros(1)}

    class Groups:
        def __init__(self, first: int, people: int, **more: float) -> None:
            requested.append((first, people))

        def __getitem__(self, number: int) -> int:
            return number

    def pair_of(group: int, who: int, script: int, other: int, size: int) -> Pair:
        requested.append((group, who, script, other))
        return Pair()

    monkeypatch.setattr(validation, "GroupsSource", Groups)
    monkeypatch.setattr(validation, "pair_of", pair_of)
    validation.validation_batch.__wrapped__(56)
    assert requested[0] == (992_000, 500)
    assert requested[1:] == [
        (group, who, script, other)
        for group in (0, 1)
        for who, other in ((0, 1), (1, 2), (2, 3), (3, 0))
        for script in (0, 1, 2)
    ]
