"""The losses of our Stable Diffusion and its ControlNet, against their formulas."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from diffusers.models.controlnets.controlnet import ControlNetModel
from torch import Tensor

from palsynth.encoders.base import as_images
from palsynth.methods.controlnet.config import ControlNetSettings, InferenceSettings, Sampling
from palsynth.methods.controlnet.data.healthy import held_out
from palsynth.methods.controlnet.networks.base import Base
from palsynth.methods.controlnet.objective import ControlNetObjective
from palsynth.methods.controlnet.prompts import DESCRIPTIONS, prompt, shorter
from palsynth.methods.controlnet.small.autoencoder import AutoencoderObjective, AutoencoderRecipe
from palsynth.methods.controlnet.small.networks import AutoencoderSettings
from palsynth.methods.controlnet.small.text_to_image import TextToImageObjective
from palsynth.methods.controlnet.strategies import Strategy
from palsynth.methods.controlnet.weighting import Weighting
from tests.methods.controlnet.conftest import ALPHAS, latents_by_hand

QUICK = Sampling("ddim", 1, 1.0)
PARTIAL = InferenceSettings(
    model=ControlNetSettings(strategy=Strategy(first=500, last=701), sampling=QUICK)
)
SEED = 33
"""At a dropout of a half, some examples lack edges or captions and some have them."""


def shortened_prompts(batch: dict[str, Tensor], chances: Tensor) -> list[str]:
    return [
        prompt(shorter(DESCRIPTIONS[n], chance))
        for n, chance in zip(batch["sentence"].tolist(), chances.tolist(), strict=True)
    ]


def test_the_controlnets_error_and_its_weights(
    base: Base, controlnet: ControlNetModel, batch: dict[str, Tensor]
) -> None:
    """The paper's equation 5 at its timesteps; beyond it, latents on edges weigh five times, high
    noise weighs more, and some examples are without edges."""
    objective = ControlNetObjective(base, controlnet, PARTIAL, {}, Weighting(5.0, 20.0), 0.5, 5.0)
    losses = objective(batch, torch.Generator().manual_seed(SEED))
    rng = torch.Generator().manual_seed(SEED)
    t = torch.randint(500, 701, (3,), generator=rng)
    latents = latents_by_hand(base, as_images(batch["image"]), rng)
    embeddings = base.words(shortened_prompts(batch, torch.rand(3, generator=rng)))
    conditioned = (torch.rand(3, generator=rng) >= 0.5).float()
    assert 0 < conditioned.sum() < 3
    noise = torch.randn(latents.shape, generator=rng)
    alpha = ALPHAS[t][:, None, None, None]
    noisy = alpha.sqrt() * latents + (1 - alpha).sqrt() * noise
    control = batch["edges"][:, None].expand(-1, 3, -1, -1) / 255
    down, middle = controlnet(noisy, t, embeddings, control, return_dict=False)
    mask = conditioned[:, None, None, None]
    by_hand = base.unet(
        noisy,
        t,
        embeddings,
        down_block_additional_residuals=[mask * x for x in down],
        mid_block_additional_residual=mask * middle,
    ).sample
    errors = (by_hand - noise).square().mean(1)
    on = batch["edges"].reshape(3, 16, 2, 16, 2).amax((2, 4)) > 0
    weights = torch.where(on, 5.0, 1.0)
    weighted = (weights * errors).sum((1, 2)) / weights.sum((1, 2)) / ALPHAS[t]
    assert losses.timesteps.tolist() == t.tolist()
    assert torch.allclose(losses.per_image, errors.mean((1, 2)), rtol=1e-4)
    assert torch.allclose(losses.parts["noise"], errors.mean(), rtol=1e-4)
    assert torch.allclose(losses.total, weighted.mean(), rtol=1e-4)


def test_the_bases_error_with_captions_or_without(base: Base, batch: dict[str, Tensor]) -> None:
    objective = TextToImageObjective(base, 0.5, Weighting(5.0, 20.0), QUICK)
    losses = objective(batch, torch.Generator().manual_seed(SEED))
    rng = torch.Generator().manual_seed(SEED)
    latents = latents_by_hand(base, as_images(batch["image"]), rng)
    t = torch.randint(1000, (3,), generator=rng)
    dropped = (torch.rand(3, generator=rng) < 0.5).tolist()
    assert 0 < sum(dropped) < 3
    prompts = shortened_prompts(batch, torch.rand(3, generator=rng))
    embeddings = base.words(["" if d else p for d, p in zip(dropped, prompts, strict=True)])
    noise = torch.randn(latents.shape, generator=rng)
    alpha = ALPHAS[t][:, None, None, None]
    by_hand = base.unet(alpha.sqrt() * latents + (1 - alpha).sqrt() * noise, t, embeddings).sample
    errors = (by_hand - noise).square().mean((1, 2, 3))
    snr = ALPHAS[t] / (1 - ALPHAS[t])
    weights = (1 / ALPHAS[t]).clamp(max=20) * (5 / snr).clamp(max=1)
    assert losses.timesteps.tolist() == t.tolist()
    assert torch.allclose(losses.per_image, errors, rtol=1e-4)
    assert torch.allclose(losses.total, (weights * errors).mean(), rtol=1e-4)


def test_the_autoencoders_error_on_crops(batch: dict[str, Tensor]) -> None:
    """Roots of mean squares of pixels, of differences to neighbours and of colours."""
    objective = AutoencoderRecipe(model=AutoencoderSettings(32, (16, 32)), crop=16).objective()
    assert isinstance(objective, AutoencoderObjective)
    losses = objective(batch, torch.Generator().manual_seed(SEED))
    rng, crops = torch.Generator().manual_seed(SEED), []
    for image in as_images(batch["image"]):
        top, left = torch.randint(17, (2,), generator=rng).tolist()
        crops.append(image[:, top : top + 16, left : left + 16])
    targets, vae = torch.stack(crops), objective.vae
    mean, log_variance = vae.quant_conv(vae.encoder(2 * targets - 1)).chunk(2, 1)
    latents = mean + (log_variance / 2).exp() * torch.randn(mean.shape, generator=rng)
    decoded = (vae.decoder(vae.post_quant_conv(latents)) + 1) / 2
    errors = decoded - targets

    def root(x: Tensor) -> Tensor:
        return x.square().mean((1, 2, 3)).sqrt().mean()

    across = errors[..., 1:] - errors[..., :-1]
    along = errors[..., 1:, :] - errors[..., :-1, :]
    kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum((1, 2, 3))
    parts = {
        "pixels": root(errors),
        "edges": root(across) + root(along),
        "colours": root(errors - (errors[:, :1] + errors[:, 1:2] + errors[:, 2:]) / 3),
        "kl": kl.mean() / (3 * 16 * 16),
    }
    expected = {name: float(x.detach()) for name, x in parts.items()}
    found = {name: float(x.detach()) for name, x in losses.parts.items()}
    assert found == pytest.approx(expected, rel=1e-4)
    total = expected["pixels"] + expected["edges"] + expected["colours"] + 1e-6 * expected["kl"]
    assert float(losses.total.detach()) == pytest.approx(total, rel=1e-5)


def test_the_autoencoders_psnr_is_of_held_out_images() -> None:
    objective = AutoencoderRecipe(model=AutoencoderSettings(32, (16, 32)), crop=16).objective()
    images = as_images(held_out(32)["image"])
    with torch.no_grad():
        mode = objective.vae.encode(2 * images - 1).latent_dist.mode()
        decoded = ((objective.vae.decode(mode).sample + 1) / 2).clamp(0, 1)
        found = objective.validate()
    errors = (decoded - images).square().mean((1, 2, 3)).numpy()
    assert found == {"validation/psnr": pytest.approx(np.mean(-10 * np.log10(errors)), abs=1e-3)}
    picture = objective.picture()
    assert np.array_equal(picture[:32, :32], held_out(32)["image"][0].numpy()), "originals above"
    assert picture.shape == (64, 8 * 32, 3)


@torch.no_grad()
def test_validation_reports_thirds_of_the_timesteps_on_held_out_images(
    base: Base, controlnet: ControlNetModel
) -> None:
    """Whatever range is trained; the mean over all timesteps says little."""
    held = held_out(32)
    objective = ControlNetObjective(base, controlnet, PARTIAL, held).eval()
    calls: list[tuple[list[int], list[int]]] = []
    original = objective._squared_errors

    def recorded(latents, edges, captions, t, rng):  # type: ignore[no-untyped-def]
        calls.append((captions, t.tolist()))
        assert torch.equal(edges, held["edges"])
        return original(latents, edges, captions, t, rng)

    objective._squared_errors = recorded  # type: ignore[method-assign]
    found = objective.validate()
    assert list(found) == [f"validation/t{r}" for r in ("000-332", "333-666", "667-999")]
    assert [captions for captions, _ in calls] == [held["sentence"].tolist()] * 3
    thirds = [(0, 332, 12), (333, 666, 12), (667, 999, 12)]
    assert [(t[0], t[-1], len(t)) for _, t in calls] == thirds
    picture = objective.picture()
    assert picture.shape == (6 * 32, 3 * 32, 3)
    assert np.array_equal(picture[32:64, :32], held["image"][1].numpy())
    assert np.array_equal(picture[32:64, 32:64, 2], held["edges"][1].numpy())


@torch.no_grad()
def test_the_bases_validation_is_over_all_timesteps(base: Base) -> None:
    objective, held = TextToImageObjective(base, 0.5, Weighting(), QUICK), held_out(32)
    rng = torch.Generator().manual_seed(0)
    latents = latents_by_hand(base, as_images(held["image"]), rng)
    t = torch.linspace(0, 999, 12).long()
    embeddings = base.words([prompt(DESCRIPTIONS[n]) for n in held["sentence"].tolist()])
    noise = torch.randn(latents.shape, generator=rng)
    alpha = ALPHAS[t][:, None, None, None]
    by_hand = base.unet(alpha.sqrt() * latents + (1 - alpha).sqrt() * noise, t, embeddings).sample
    error = float((by_hand - noise).square().mean())
    assert objective.validate() == {"validation/loss": pytest.approx(error, rel=1e-4)}
