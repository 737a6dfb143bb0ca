"""Sampling: compared with a network that knows the truth."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from palsynth.errors import InputError
from palsynth.methods.diffusion.config import DiffusionModelSettings, DiffusionSampling
from palsynth.methods.diffusion.networks.model import DiffusionModel
from palsynth.methods.diffusion_process import target
from tests.methods.diffusion.conftest import MODELS, SIZE, build, tiny

IMAGES = torch.rand(31, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(5)) * 0.4 + 0.3
"""The image of each label, 0.3 … 0.7."""


class Oracle(DiffusionModel):
    """Predicts what gives the image of the label exactly."""

    def predict(self, noisy: Tensor, t: Tensor, labels: Tensor) -> Tensor:
        alpha = self.noise.alphas_cumprod[t][:, None, None, None]
        x0 = 2 * IMAGES[labels] - 1
        noise = (noisy - alpha.sqrt() * x0) / (1 - alpha).sqrt()
        return target(self.noise, x0, noise, t)


def oracle(sampling: DiffusionSampling, **fields: object) -> Oracle:
    model = build(tiny(sampling=sampling, **fields))
    return Oracle(model.settings, model.unet)


@pytest.mark.parametrize("sampler", ["ddpm", "ddim", "dpm++"])
@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
def test_every_sampler_finds_the_image_that_the_network_knows(
    sampler: str, prediction: str
) -> None:
    model = oracle(DiffusionSampling(sampler, 12), prediction=prediction)
    labels = torch.tensor([0, 7, 30])
    assert (model.sample(labels, [1, 2, 3]) - IMAGES[labels]).abs().max() < 2e-3


def test_guidance_extrapolates_from_the_null_label() -> None:
    """With a scale of s, x̂0 is that of the null label plus s times the difference."""
    model = oracle(DiffusionSampling("dpm++", 12, 2.0))
    null, shown = IMAGES[30], IMAGES[7]
    expected = (null + 2 * (shown - null)).clamp(0, 1)
    assert (model.sample(torch.tensor([7]), [1])[0] - expected).abs().max() < 4e-3
    assert (model.sample(torch.tensor([30]), [1])[0] - null).abs().max() < 2e-3


def test_guidance_of_one_is_the_conditional_model() -> None:
    model = build(MODELS["ddpm"])
    calls: list[Tensor] = []
    predict = model.predict
    model.predict = lambda x, t, labels: calls.append(labels) or predict(x, t, labels)  # type: ignore[method-assign,func-returns-value]
    labels = torch.tensor([4])
    plain = model.sample(labels, [1], DiffusionSampling("dpm++", 3, 1.0))
    assert [c.tolist() for c in calls] == [[4]] * 3, "the null label is not evaluated"
    almost = model.sample(labels, [1], DiffusionSampling("dpm++", 3, 1.000001))
    assert [c.tolist() for c in calls[3:]] == [[4], [30]] * 3
    assert (plain - almost).abs().max() < 1e-4
    assert not torch.allclose(plain, model.sample(labels, [1]), atol=1e-3)


def test_conditions_reach_the_network(settings: DiffusionModelSettings) -> None:
    """And the null label is a condition of its own."""
    model = build(settings)
    model.settings = replace(model.settings, sampling=DiffusionSampling("ddim", 3))
    images = model.sample(torch.tensor([0, 1, 30]), [5, 5, 5])
    differ = [not torch.allclose(images[a], images[b], atol=1e-4) for a, b in ((0, 1), (0, 2))]
    assert differ == [settings.conditioned] * 2


@pytest.mark.parametrize("sampler", ["ddpm", "ddim", "dpm++"])
def test_an_image_depends_on_its_seed_and_label_alone(
    settings: DiffusionModelSettings, sampler: str
) -> None:
    model = build(settings)
    sampling = DiffusionSampling(sampler, 3)
    together = model.sample(torch.tensor([3, 9, 3]), [1, 2, 5], sampling)
    alone = model.sample(torch.tensor([9]), [2], sampling)
    assert torch.allclose(together[1], alone[0], atol=1e-3), "a quarter of a grey level"
    assert not torch.allclose(together[0], together[2], atol=1e-2)
    assert together.shape == (3, 3, SIZE, SIZE)
    assert together.min() >= 0
    assert together.max() <= 1


def test_unshuffling_gives_the_network_blocks_of_pixels() -> None:
    model = build(tiny({"unshuffle": 2}))
    assert (model.unet.config["in_channels"], model.unet.config["sample_size"]) == (12, SIZE // 2)
    noisy, t, labels = torch.randn(2, 3, SIZE, SIZE), torch.tensor([5, 900]), torch.tensor([0, 4])
    blocks = functional.pixel_unshuffle(noisy, 2)
    expected = functional.pixel_shuffle(model.unet(blocks, t, labels).sample, 2)
    assert torch.equal(model.predict(noisy, t, labels), expected)


def test_latents_are_those_of_the_autoencoder() -> None:
    model = build(MODELS["latent-diffusion"])
    assert (model.shape.channels, model.shape.side) == (4, SIZE // 4)
    assert model.autoencoder is not None
    latents = torch.randn(2, 4, 4, 4, generator=torch.Generator().manual_seed(0))
    decoded = model.autoencoder.decode(latents / model.autoencoder.config["scaling_factor"]).sample
    assert torch.equal(model.decode(latents), (decoded / 2 + 0.5).clamp(0, 1))


def test_the_noise_schedules_are_the_published_ones() -> None:
    """β from 1e-4 to 0.02, linear (Ho et al. 2020); √β linear from √0.00085 to √0.012 (Rombach)."""
    pixels, latents = (build(MODELS[name]).noise for name in ("ddpm", "latent-diffusion"))
    assert torch.allclose(pixels.betas, torch.linspace(1e-4, 0.02, 1000))
    assert torch.allclose(latents.betas, torch.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2)
    assert pixels.config["clip_sample"]
    assert not latents.config["clip_sample"]


def test_guidance_needs_a_model_that_was_trained_for_it() -> None:
    model = build(MODELS["ddpm-unconditional"])
    with pytest.raises(InputError, match="was trained without condition_dropout; guidance must be"):
        model.sample(torch.tensor([0]), [1], DiffusionSampling(guidance=2.0))


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        (tiny(space="latents", size=18), "size 18: must be a multiple of 4, as the latents'"),
        (tiny(space="latents", size=12), "side 3: must be a multiple of 2 for 2 levels"),
    ],
)
def test_latents_that_do_not_fit_are_refused(settings: DiffusionModelSettings, fault: str) -> None:
    with pytest.raises(InputError, match=f"^{fault}"):
        build(settings)
