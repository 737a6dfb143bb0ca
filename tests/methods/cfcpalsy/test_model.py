"""What a model takes as input and how it samples."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest
import torch
from torch import Tensor

from palsynth.errors import InputError
from palsynth.methods.cfcpalsy.config import CFCPalsySettings, DiffusionSettings
from palsynth.methods.cfcpalsy.networks.conditioner import Conditioning
from palsynth.methods.cfcpalsy.networks.model import CFCPalsyModel, ImageBatch
from tests.methods.cfcpalsy.conftest import ALPHAS, build, default, images_of, small


@pytest.mark.parametrize("settings", [small(), default()])
def test_the_same_request_alone_and_in_a_batch(settings: CFCPalsySettings, batch) -> None:
    model = build(settings).eval()
    seeds = [11, 12, 13, 14, 15, 16]
    together = model.sample(images_of(batch), seeds)
    alone = torch.cat(
        [model.sample(images_of(batch, slice(k, k + 1)), [seeds[k]]) for k in range(6)]
    )
    assert (together - alone).abs().max() < 1e-4, "less than a fortieth of a grey level"
    other = model.sample(images_of(batch), [s + 1 for s in seeds])
    assert (together - other).abs().max() > 1e-3, "another seed is another image"


@pytest.mark.parametrize("sampler", ["ddpm", "ddim", "dpm++"])
def test_every_sampler_is_determined_by_its_seeds(sampler: str, batch) -> None:
    model = build(small()).eval()
    d = replace(model.settings.diffusion, sampler=sampler)
    first, again = (model.sample(images_of(batch), range(6), d) for _ in range(2))
    assert torch.equal(first, again)
    assert 0 <= first.min() <= first.max() <= 1


def test_the_preview_is_called_at_every_step(batch) -> None:
    model = build(default()).eval()
    calls = []
    model.sample(
        images_of(batch), range(6), preview=lambda n, of, x: calls.append((n, of, x.shape))
    )
    assert calls == [(k, 3, (6, 3, 56, 56)) for k in (1, 2, 3)]


def test_several_samples_are_averaged_whatever_the_batch(batch) -> None:
    """Means of four samples differ less than single samples do."""
    settings = default()
    model = build(settings).eval()
    averaged = replace(settings.diffusion, num_samples_averaged=4)
    calls = []

    def preview(number: int, of: int, image: Tensor) -> None:
        calls.append((number, of))

    together = model.sample(images_of(batch), range(6), averaged, preview)
    assert calls == [(k, 12) for k in range(1, 13)]
    alone = model.sample(images_of({n: t[2:3] for n, t in batch.items()}), [2], averaged)
    assert torch.allclose(alone, together[2:3], atol=1e-4)

    def difference(diffusion) -> float:
        a, b = (
            model.sample(images_of(batch), [s + k for k in range(6)], diffusion) for s in (0, 50)
        )
        return float((a - b).abs().mean())

    assert difference(averaged) < 0.8 * difference(settings.diffusion)
    with pytest.raises(InputError, match="num_samples_averaged 0: must be at least 1"):
        small(diffusion={"num_samples_averaged": 0})


def constant(model: CFCPalsyModel, conditional: float, unconditional: float) -> CFCPalsyModel:
    """The model, but it predicts one number with conditions and another without."""

    def predict(noisy: Tensor, t: Tensor, conditioning: Conditioning, images: ImageBatch) -> Tensor:
        is_null = torch.equal(conditioning.tokens[0], model.conditioner.null_token[0])
        assert is_null == (not conditioning.vector.any())
        return torch.full_like(noisy, unconditional if is_null else conditional)

    model.predict = predict
    return model


def test_guidance_extrapolates_from_the_unconditional_prediction(batch: dict[str, Tensor]) -> None:
    """-0.2 without and 0.1 with conditions: three times as far from -0.2 is 0.7."""
    settings = small({"drop": 0.2})
    guided = replace(settings.diffusion, guidance=3.0)
    found = constant(build(settings), 0.1, -0.2).sample(images_of(batch), range(6), guided)
    expected = constant(build(settings), 0.7, 99.0).sample(images_of(batch), range(6))
    assert torch.allclose(found, expected, atol=1e-5)
    with pytest.raises(InputError, match="guidance must be 1"):
        build(small()).sample(images_of(batch), range(6), guided)
    with pytest.raises(InputError, match="guidance needs a model trained with"):
        small(diffusion={"guidance": 2.0})


@pytest.mark.parametrize("eta", [1.0, 0.5, 0.0])
def test_ddim_steps_follow_the_equations(eta: float, batch: dict[str, Tensor]) -> None:
    """Song et al. 2021, equations 12 and 16, at timesteps 500 and 0."""
    model = constant(build(small()), 0.3, 99.0)
    d = replace(model.settings.diffusion, steps=2, eta=eta)
    found = model.sample(images_of(batch, slice(2)), [7, 8], d)
    for image, seed in zip(found, (7, 8), strict=True):
        rng = torch.Generator().manual_seed(seed)
        noisy, noise = (torch.randn(3, 56, 56, generator=rng) for _ in range(2))
        late, early = ALPHAS[500], ALPHAS[0]
        x0 = ((noisy - (1 - late).sqrt() * 0.3) / late.sqrt()).clamp(-1, 1)
        sigma = eta * ((1 - early) / (1 - late)).sqrt() * (1 - late / early).sqrt()
        noisy = early.sqrt() * x0 + (1 - early - sigma**2).sqrt() * 0.3 + sigma * noise
        x0 = ((noisy - (1 - early).sqrt() * 0.3) / early.sqrt()).clamp(-1, 1)
        assert torch.allclose(image, (x0 + 1) / 2, atol=1e-4)


def test_what_is_diffused() -> None:
    """Pixels of 0 … 1 in -1 … 1, or a scaled difference to the draft."""
    pixel = torch.full((1, 3, 2, 2), 0.75)
    images = ImageBatch(draft=pixel - 0.25, identity=pixel - 0.5)
    plain, residual = build(small()), build(default())
    assert (plain.to_diffused(pixel, images) == 0.5).all()
    assert (plain.from_diffused(torch.full_like(pixel, -0.5), images) == 0.25).all()
    assert (residual.to_diffused(pixel, images) == 1.0).all(), "0.25 · 2 · 2"
    assert (residual.from_diffused(torch.full_like(pixel, -0.4), images) == 0.4).all()
    of_identity = build(
        replace(
            default(),
            diffusion=replace(default().diffusion, residual="identity", residual_scale=3.0),
        )
    )
    assert (of_identity.to_diffused(pixel, images) == 3.0).all(), "0.5 · 2 · 3"
    assert plain.noise.config.clip_sample
    assert not residual.noise.config.clip_sample, "a difference may be larger than 1"


def test_each_image_is_encoded_or_concatenated_in_its_place(batch: dict[str, Tensor]) -> None:
    """Identity and expression are not swapped; condition images come in the settings' order."""
    model = build(small({"images": ("expression", "draft", "identity")})).eval()
    images = images_of(batch, slice(2))
    conditioning, expected = (
        model.encode_conditions(images),
        model.conditioner(images["identity"], images["expression"]),
    )
    assert torch.equal(conditioning.tokens, expected.tokens)
    assert torch.equal(conditioning.vector, expected.vector)
    assert not torch.equal(conditioning.tokens, model.conditioner(*[images["identity"]] * 2).tokens)
    noisy, t = torch.randn(2, 3, 56, 56), torch.tensor([3, 700])
    conditions = torch.cat([2 * images[n] - 1 for n in ("expression", "draft", "identity")], 1)
    prediction = model.unet(noisy, t, conditioning.tokens, conditioning.vector, conditions)
    assert torch.equal(model.predict(noisy, t, conditioning, images), prediction)


def test_of_six_predicted_channels_the_first_three_are_the_noise(batch: dict[str, Tensor]) -> None:
    settings = small()
    model = build(replace(settings, unet=replace(settings.unet, predicted=6))).eval()
    images, noisy, t = images_of(batch, slice(1)), torch.randn(1, 3, 56, 56), torch.tensor([9])
    conditioning = model.encode_conditions(images)
    six = model.unet(noisy, t, *conditioning)
    assert six.shape[1] == 6
    assert torch.equal(model.predict(noisy, t, conditioning, images), six[:, :3])


def test_settings_reach_unet_and_conditioner() -> None:
    settings = small(
        {
            "dim": 32,
            "heads": 2,
            "landmarks": False,
            "cross": False,
            "transposed": False,
            "expression_vector": True,
            "images": ("identity",),
        }
    )
    model = build(replace(settings, unet=replace(settings.unet, dropout=0.25)))
    unet, c = dict(model.unet.config), dict(model.conditioner.config)
    assert {
        **unet,
        "size": 56,
        "base": 32,
        "multipliers": (1, 2),
        "blocks": 1,
        "attention": (1,),
        "head_channels": 32,
        "predicted": 3,
        "unshuffle": 2,
        "conditions": 1,
        "dropout": 0.25,
    } == unet
    assert {
        **c,
        "out": 128,
        "time_channels": 128,
        "dim": 32,
        "heads": 2,
        "landmarks": False,
        "cross": False,
        "transposed": False,
        "expression_vector": True,
    } == c


def test_the_defaults_are_the_papers() -> None:
    """arXiv 2409.07271 and its training script."""
    assert asdict(CFCPalsySettings()) == {
        "unet": {
            "size": 112,
            "base": 128,
            "multipliers": (1, 1, 2, 2, 4, 4),
            "blocks": 1,
            "attention": (4,),
            "head_channels": 64,
            "predicted": 6,
            "unshuffle": 1,
            "dropout": 0.0,
        },
        "condition": {
            "dim": 512,
            "heads": 4,
            "landmarks": True,
            "cross": True,
            "fusion_trainable": True,
            "identity_trainable": True,
            "identity_train_mode": False,
            "transposed": True,
            "expression_vector": False,
            "images": (),
            "drop": 0.0,
        },
        "diffusion": {
            "prediction": "epsilon",
            "residual": "none",
            "residual_scale": 2.0,
            "change_weight": 0.0,
            "timestep_power": 1.0,
            "cycle": 0.3,
            "identity_weight": 0.05,
            "landmark_weight": 1.0,
            "sampler": "ddim",
            "steps": 50,
            "eta": 1.0,
            "num_samples_averaged": 1,
            "guidance": 1.0,
        },
    }


def test_dropped_conditions_have_no_influence(batch) -> None:
    """The same as the unconditional conditioning, image by image."""
    model = build(small({"drop": 0.5})).eval()
    conditioning, dropped = model.encode_conditions(images_of(batch)), torch.arange(6) % 2 == 0
    partly_dropped, unconditional = (
        model.conditioner.drop_conditions(conditioning, dropped),
        model.conditioner.unconditional(6),
    )
    for found, original, null in zip(partly_dropped, conditioning, unconditional, strict=True):
        assert torch.equal(found[dropped], null[dropped])
        assert torch.equal(found[~dropped], original[~dropped])


def test_bad_settings() -> None:
    for change, text in (
        ({"cycle": -1.0}, "cycle -1: must not be negative"),
        ({"residual_scale": 0.0}, "residual_scale must be above 0"),
        ({"timestep_power": 0.0}, "timestep_power 0: must be above 0"),
        ({"sampler": "ddim", "steps": 1}, "^1 sampling steps of ddim: would not begin with the"),
    ):
        with pytest.raises(InputError, match=text):
            DiffusionSettings(**change)
    for wrong in (-0.1, 1.1):
        with pytest.raises(InputError, match="must lie in 0 … 1"):
            small({"drop": wrong})
    with pytest.raises(InputError, match="can have neither a cycle nor condition images"):
        small({"drop": 1.0})
    with pytest.raises(InputError, match="a residual model predicts 3 channels"):
        CFCPalsySettings(diffusion=DiffusionSettings(residual="draft"))


def test_a_draft_is_needed_only_where_it_is_used() -> None:
    assert not small().uses_draft
    assert not small({"images": ("identity", "expression")}).uses_draft
    assert small({"images": ("draft",)}).uses_draft
    assert small({}, {"residual": "draft"}).uses_draft
    assert not small({}, {"residual": "identity"}).uses_draft
