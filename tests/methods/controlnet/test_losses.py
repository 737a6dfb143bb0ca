"""The losses that train our Stable Diffusion and its ControlNet, by their formulas."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from diffusers.models.controlnets.controlnet import ControlNetModel
from torch import Tensor

from palsynth.encoders.base import as_images
from palsynth.methods.controlnet.base import Base
from palsynth.methods.controlnet.data.healthy import held_out
from palsynth.methods.controlnet.objective import ControlNetObjective
from palsynth.methods.controlnet.pipeline import Sampling
from palsynth.methods.controlnet.prompts import DESCRIPTIONS, prompt, shorter
from palsynth.methods.controlnet.small.autoencoder import AutoencoderObjective, AutoencoderRecipe
from palsynth.methods.controlnet.small.networks import AutoencoderSettings
from palsynth.methods.controlnet.small.text_to_image import TextToImageObjective
from palsynth.methods.controlnet.strategies import Strategy
from palsynth.methods.controlnet.weighting import Weighting
from tests.methods.controlnet.conftest import ALPHAS, latents_by_hand

QUICK = Sampling("ddim", 1, 1.0)
SEED = 33
"""With a share of a half, some examples are without edges or words and some are not."""


def heard(batch: dict[str, Tensor], draws: Tensor) -> list[str]:
    return [prompt(shorter(DESCRIPTIONS[n], d))
            for n, d in zip(batch["sentence"].tolist(), draws.tolist(), strict=True)]  # fmt: skip


def test_the_controlnets_error_and_what_of_it_counts(
    base: Base, controlnet: ControlNetModel, batch: dict[str, Tensor]
) -> None:
    """The paper's equation 5 at its timesteps; beyond it, edges count five times, much noise
    more, and some examples go without edges."""
    objective = ControlNetObjective(
        base, controlnet, Strategy(first=500, last=701), QUICK, {}, Weighting(5.0, 20.0), 0.5, 5.0
    )
    found = objective(batch, torch.Generator().manual_seed(SEED))
    rng = torch.Generator().manual_seed(SEED)
    t = torch.randint(500, 701, (3,), generator=rng)
    latents = latents_by_hand(base, as_images(batch["image"]), rng)
    said = base.words(heard(batch, torch.rand(3, generator=rng)))
    acts = (torch.rand(3, generator=rng) >= 0.5).float()
    assert 0 < acts.sum() < 3
    noise = torch.randn(latents.shape, generator=rng)
    alpha = ALPHAS[t][:, None, None, None]
    noisy = alpha.sqrt() * latents + (1 - alpha).sqrt() * noise
    shown = batch["edges"][:, None].expand(-1, 3, -1, -1) / 255
    down, middle = controlnet(noisy, t, said, shown, return_dict=False)
    by_hand = base.unet(
        noisy, t, said,
        down_block_additional_residuals=[acts[:, None, None, None] * x for x in down],
        mid_block_additional_residual=acts[:, None, None, None] * middle,
    ).sample  # fmt: skip
    off = (by_hand - noise).square().mean(1)
    on = batch["edges"].reshape(3, 16, 2, 16, 2).amax((2, 4)) > 0
    counts = torch.where(on, 5.0, 1.0)
    counted = (counts * off).sum((1, 2)) / counts.sum((1, 2)) / ALPHAS[t]
    assert found.timesteps.tolist() == t.tolist()
    assert torch.allclose(found.per_image, off.mean((1, 2)), rtol=1e-4)
    assert torch.allclose(found.parts["noise"], off.mean(), rtol=1e-4)
    assert torch.allclose(found.total, counted.mean(), rtol=1e-4)


def test_the_bases_error_with_words_or_without(base: Base, batch: dict[str, Tensor]) -> None:
    objective = TextToImageObjective(base, 0.5, Weighting(5.0, 20.0), QUICK)
    found = objective(batch, torch.Generator().manual_seed(SEED))
    rng = torch.Generator().manual_seed(SEED)
    latents = latents_by_hand(base, as_images(batch["image"]), rng)
    t = torch.randint(1000, (3,), generator=rng)
    silent = (torch.rand(3, generator=rng) < 0.5).tolist()
    assert 0 < sum(silent) < 3
    said = heard(batch, torch.rand(3, generator=rng))
    words = base.words(["" if s else w for s, w in zip(silent, said, strict=True)])
    noise = torch.randn(latents.shape, generator=rng)
    alpha = ALPHAS[t][:, None, None, None]
    by_hand = base.unet(alpha.sqrt() * latents + (1 - alpha).sqrt() * noise, t, words).sample
    off = (by_hand - noise).square().mean((1, 2, 3))
    snr = ALPHAS[t] / (1 - ALPHAS[t])
    weights = (1 / ALPHAS[t]).clamp(max=20) * (5 / snr).clamp(max=1)
    assert found.timesteps.tolist() == t.tolist()
    assert torch.allclose(found.per_image, off, rtol=1e-4)
    assert torch.allclose(found.total, (weights * off).mean(), rtol=1e-4)


def test_the_autoencoders_error_on_pieces(batch: dict[str, Tensor]) -> None:
    """Roots of mean squares of pixels, of differences to neighbours and of colours."""
    objective = AutoencoderRecipe(model=AutoencoderSettings(32, (16, 32)), crop=16).objective()
    assert isinstance(objective, AutoencoderObjective)
    found = objective(batch, torch.Generator().manual_seed(SEED))
    rng, whole, pieces = torch.Generator().manual_seed(SEED), as_images(batch["image"]), []
    for image in whole:
        top, left = torch.randint(17, (2,), generator=rng).tolist()
        pieces.append(image[:, top : top + 16, left : left + 16])
    true, vae = torch.stack(pieces), objective.vae
    mean, log_variance = vae.quant_conv(vae.encoder(2 * true - 1)).chunk(2, 1)
    latents = mean + (log_variance / 2).exp() * torch.randn(mean.shape, generator=rng)
    made = (vae.decoder(vae.post_quant_conv(latents)) + 1) / 2
    off = made - true

    def root(x: Tensor) -> Tensor:
        return x.square().mean((1, 2, 3)).sqrt().mean()

    across, along = off[..., 1:] - off[..., :-1], off[..., 1:, :] - off[..., :-1, :]
    kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum((1, 2, 3))
    parts = {
        "pixels": root(off), "edges": root(across) + root(along),
        "colours": root(off - (off[:, :1] + off[:, 1:2] + off[:, 2:]) / 3),
        "kl": kl.mean() / (3 * 16 * 16),
    }  # fmt: skip
    wanted = {name: float(x.detach()) for name, x in parts.items()}
    assert {n: float(x.detach()) for n, x in found.parts.items()} == pytest.approx(wanted, rel=1e-4)
    total = wanted["pixels"] + wanted["edges"] + wanted["colours"] + 1e-6 * wanted["kl"]
    assert float(found.total.detach()) == pytest.approx(total, rel=1e-5)


def test_the_autoencoders_figure_is_of_held_out_pictures() -> None:
    objective = AutoencoderRecipe(model=AutoencoderSettings(32, (16, 32)), crop=16).objective()
    true = as_images(held_out(32)["image"])
    with torch.no_grad():
        mode = objective.vae.encode(2 * true - 1).latent_dist.mode()
        made = ((objective.vae.decode(mode).sample + 1) / 2).clamp(0, 1)
        found = objective.validate()
    errors = (made - true).square().mean((1, 2, 3)).numpy()
    assert found == {"validation/psnr": pytest.approx(np.mean(-10 * np.log10(errors)), abs=1e-3)}
    shown = objective.picture()
    assert np.array_equal(shown[:32, :32], held_out(32)["image"][0].numpy()), "the truth above"
    assert shown.shape == (64, 8 * 32, 3)


@torch.no_grad()
def test_validation_tells_thirds_of_the_timesteps_on_held_out_pictures(
    base: Base, controlnet: ControlNetModel
) -> None:
    """Whatever range is trained; without it the mean says little."""
    held = held_out(32)
    objective = ControlNetObjective(
        base, controlnet, Strategy(first=500, last=701), QUICK, held
    ).eval()
    requested: list[tuple[list[int], list[int]]] = []
    true = objective._off

    def noted(latents, edges, said, t, rng):  # type: ignore[no-untyped-def]
        requested.append((said, t.tolist()))
        assert torch.equal(edges, held["edges"])
        return true(latents, edges, said, t, rng)

    objective._off = noted  # type: ignore[method-assign]
    found = objective.validate()
    assert list(found) == [f"validation/t{r}" for r in ("000-332", "333-666", "667-999")]
    assert [said for said, _ in requested] == [held["sentence"].tolist()] * 3
    assert [(t[0], t[-1], len(t)) for _, t in requested] == [(0, 332, 12), (333, 666, 12),
                                                         (667, 999, 12)]  # fmt: skip
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
    words = base.words([prompt(DESCRIPTIONS[n]) for n in held["sentence"].tolist()])
    noise = torch.randn(latents.shape, generator=rng)
    alpha = ALPHAS[t][:, None, None, None]
    by_hand = base.unet(alpha.sqrt() * latents + (1 - alpha).sqrt() * noise, t, words).sample
    off = float((by_hand - noise).square().mean())
    assert objective.validate() == {"validation/loss": pytest.approx(off, rel=1e-4)}
