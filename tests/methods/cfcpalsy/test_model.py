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


def test_what_is_dropped_counts_for_nothing(batch) -> None:
    """The same as a U-Net that reads no condition, image by image."""
    model = build(small({"drop": 0.5})).eval()
    told, dropped = model.tell(shown(batch)), torch.arange(6) % 2 == 0
    some, none = model.conditioner.nothing(told, dropped), model.conditioner.blank(6)
    for found, kept, blank in zip(some, told, none, strict=True):
        assert torch.equal(found[dropped], blank[dropped])
        assert torch.equal(found[~dropped], kept[~dropped])


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
