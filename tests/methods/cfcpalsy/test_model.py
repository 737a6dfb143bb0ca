"""The objective and how a model draws."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from palsynth.encoders.base import as_images
from palsynth.errors import InputError
from palsynth.methods.cfcpalsy.model import Shown
from palsynth.methods.cfcpalsy.objective import CFCPalsyObjective
from palsynth.methods.cfcpalsy.settings import DiffusionSettings, ModelSettings
from tests.methods.cfcpalsy.conftest import build, default, small


def shown(batch: dict[str, Tensor], rows: slice = slice(None)) -> Shown:
    return Shown({n: as_images(batch[n][rows]) for n in ("identity", "expression", "draft")})


@pytest.mark.parametrize("settings", [small(), default()])
def test_the_same_request_alone_and_in_a_batch(settings: ModelSettings, batch) -> None:
    model = build(settings).eval()
    seeds = [11, 12, 13, 14, 15, 16]
    together = model.draw(shown(batch), seeds)
    alone = torch.cat([model.draw(shown(batch, slice(k, k + 1)), [seeds[k]]) for k in range(6)])
    assert (together - alone).abs().max() < 1e-4, "less than a fortieth of a grey level"
    other = model.draw(shown(batch), [s + 1 for s in seeds])
    assert (together - other).abs().max() > 1e-3, "another seed is another image"


@pytest.mark.parametrize("sampler", ["ddpm", "ddim", "dpm++"])
def test_every_sampler_draws_by_its_seeds(sampler: str, batch) -> None:
    model = build(small()).eval()
    d = replace(model.settings.diffusion, sampler=sampler)
    first, again = (model.draw(shown(batch), range(6), d) for _ in range(2))
    assert torch.equal(first, again)
    assert 0 <= first.min() <= first.max() <= 1


def test_hidden_and_visible_are_each_others_reverse(batch) -> None:
    true = as_images(batch["target"])
    for settings in (small(), default()):
        model = build(settings)
        hidden = model.hidden(true, shown(batch))
        assert torch.allclose(model.visible(hidden, shown(batch)), true, atol=1e-6)
    assert hidden.std() < model.hidden(true, Shown(draft=1 - true)).std(), "a draft is near"


def test_a_preview_sees_every_step(batch) -> None:
    model = build(default()).eval()
    seen = []
    model.draw(shown(batch), range(6), preview=lambda n, of, x: seen.append((n, of, x.shape)))
    assert seen == [(k, 3, (6, 3, 56, 56)) for k in (1, 2, 3)]


def test_several_draws_are_averaged_and_still_no_batch_decides(batch) -> None:
    """The mean of two draws is nearer to another mean of two than single draws are."""
    settings = default()
    model = build(settings).eval()
    twice = replace(settings.diffusion, draws=4)
    seen = []

    def preview(number: int, of: int, image: Tensor) -> None:
        seen.append((number, of))

    together = model.draw(shown(batch), range(6), twice, preview)
    assert seen == [(k, 12) for k in range(1, 13)]
    alone = model.draw(shown({n: t[2:3] for n, t in batch.items()}), [2], twice)
    assert torch.allclose(alone, together[2:3], atol=1e-4)

    def apart(diffusion) -> float:
        a, b = (model.draw(shown(batch), [s + k for k in range(6)], diffusion) for s in (0, 50))
        return float((a - b).abs().mean())

    assert apart(twice) < 0.8 * apart(settings.diffusion)
    with pytest.raises(InputError, match="draws 0: must be at least 1"):
        small(diffusion={"draws": 0})


def test_guidance_leans_away_from_no_conditions(batch) -> None:
    settings = small({"drop": 0.2})
    model = build(settings).eval()
    plain = model.draw(shown(batch), range(6))
    leaning = model.draw(shown(batch), range(6), replace(settings.diffusion, guidance=3.0))
    assert (plain - leaning).abs().max() > 1e-3
    with pytest.raises(InputError, match="guidance must be 1"):
        build(small()).draw(shown(batch), range(6), replace(settings.diffusion, guidance=3.0))
    with pytest.raises(InputError, match="guidance needs a model trained with"):
        small(diffusion={"guidance": 2.0})


def test_the_objective_is_the_papers_sum(batch) -> None:
    """L(theta) + sigma L(theta'), from its logged parts."""
    objective = CFCPalsyObjective(build(small())).eval()
    losses = objective(batch, torch.Generator().manual_seed(1))
    p, d = losses.parts, objective.model.settings.diffusion
    weights = {"noise": 1.0, "identity": d.identity_weight, "landmarks": d.landmark_weight}
    passes = [
        sum(weight * p[which + name] for name, weight in weights.items())
        for which in ("", "second_")
    ]
    assert torch.allclose(losses.total, passes[0] + d.cycle * passes[1], rtol=1e-5)
    assert losses.per_image.shape == losses.timesteps.shape == (6,)


def gradient(settings: ModelSettings, batch) -> dict[str, float]:
    objective = CFCPalsyObjective(build(settings)).train()
    objective(batch, torch.Generator().manual_seed(2)).total.backward()
    found: dict[str, float] = {}
    for name, p in objective.named_parameters():
        part = name.removeprefix("model.conditioner.").removeprefix("model.").split(".")[0]
        if p.grad is not None:
            found[part] = found.get(part, 0.0) + float(p.grad.abs().sum())
    return {name for name, size in found.items() if size > 0}


def test_who_trains(batch) -> None:
    every = gradient(small(), batch)
    assert {"unet", "identity_net", "fusion", "expression_tokens", "landmark_tokens", "position",
            "scale"} <= every  # fmt: skip
    assert not {"expression_net", "landmark_net", "recogniser", "points"} & every
    faulty = gradient(small({"fusion_trainable": False}), batch)
    assert every - faulty == {"fusion", "expression_tokens", "landmark_tokens"}, "as published"
    assert "identity_net" not in gradient(small({"identity_trainable": False}), batch)


def test_gradients_flow_through_the_first_passs_picture(batch) -> None:
    """The second pass trains the first: without it some gradients are others."""

    def of(cycle: float) -> Tensor:
        objective = CFCPalsyObjective(build(small(diffusion={"cycle": cycle}))).train()
        objective(batch, torch.Generator().manual_seed(3)).total.backward()
        return objective.model.unet.stem.weight.grad

    assert (of(0.3) - of(0.0)).abs().max() > 1e-6


@pytest.mark.parametrize(
    ("condition", "diffusion", "absent"),
    [
        ({"landmarks": False}, {}, "landmark_tokens"),
        ({"cross": False}, {}, "fusion.identity"),
        ({}, {"cycle": 0.0}, "second_noise"),
    ],
    ids=["1 no landmarks", "2 no cycle", "3 no cross-fusion"],
)
def test_ablations_leave_out_what_they_say(condition, diffusion, absent, batch) -> None:
    objective = CFCPalsyObjective(build(small(condition, diffusion))).train()
    losses = objective(batch, torch.Generator().manual_seed(4))
    names = {n for n, _ in objective.named_parameters()} | set(losses.parts)
    assert not any(absent in name for name in names)
    full = CFCPalsyObjective(build(small()))
    full_parts = full(batch, torch.Generator().manual_seed(4)).parts
    assert any(absent in n for n in {n for n, _ in full.named_parameters()} | set(full_parts))
    losses.total.backward()


def test_a_unet_alone_reads_no_condition(batch, monkeypatch) -> None:
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
    assert torch.equal(model.draw(shown(batch), range(6)), model.draw(shown(swapped), range(6)))


def test_what_is_dropped_counts_for_nothing(batch) -> None:
    """The same as a U-Net that reads no condition, image by image."""
    model = build(small({"drop": 0.5})).eval()
    told, dropped = model.tell(shown(batch)), torch.arange(6) % 2 == 0
    some, none = model.conditioner.nothing(told, dropped), model.conditioner.blank(6)
    for found, kept, blank in zip(some, told, none, strict=True):
        assert torch.equal(found[dropped], blank[dropped])
        assert torch.equal(found[~dropped], kept[~dropped])


def test_validation_and_its_picture(monkeypatch, batch) -> None:
    from palsynth.methods.cfcpalsy import objective as module

    monkeypatch.setattr(module, "validation_batch", lambda size: batch)
    objective = CFCPalsyObjective(build(default())).eval()
    found = objective.validate()
    assert found["validation/psnr_draft"] > 10
    true, drawn = as_images(batch["target"]), as_images(batch["draft"])
    errors = (true - drawn).square().mean((1, 2, 3)).numpy()
    by_hand = -10 * np.log10(errors)
    assert found["validation/psnr_draft"] == pytest.approx(np.mean(by_hand), abs=1e-3)
    assert objective.picture().shape == (3 * 56, 10 * 56, 3)


def test_bad_settings() -> None:
    for change, text in (
        ({"cycle": -1.0}, "cycle -1: must not be negative"),
        ({"residual_scale": 0.0}, "residual_scale must be above 0"),
    ):
        with pytest.raises(InputError, match=text):
            DiffusionSettings(**change)
    for wrong in (-0.1, 1.1):
        with pytest.raises(InputError, match="must lie in 0 … 1"):
            small({"drop": wrong})
    with pytest.raises(InputError, match="has no cycle and sees no images"):
        small({"drop": 1.0})
    with pytest.raises(InputError, match="a residual model predicts 3 channels"):
        ModelSettings(diffusion=DiffusionSettings(residual="draft"))
