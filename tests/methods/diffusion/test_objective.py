"""The objective, compared with the formula and with what it teaches."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from palsynth.methods.diffusion.config import DiffusionModelSettings, DiffusionSampling
from palsynth.methods.diffusion.io.files import build_model, load_model
from palsynth.methods.diffusion.objective import DiffusionObjective
from tests.methods.diffusion.conftest import MODELS, SIZE, build, tiny

LEVELS = {4: 40, 11: 210}
"""Label -> grey level of its pictures."""


def grey(labels: list[int]) -> dict[str, Tensor]:
    """A batch of grey pictures."""
    levels = torch.tensor([LEVELS[label] for label in labels], dtype=torch.uint8)
    return {
        "image": levels[:, None, None, None].expand(-1, SIZE, SIZE, 3).contiguous(),
        "label": torch.tensor(labels),
        "number": torch.arange(len(labels)),
    }


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
def test_the_loss_of_a_network_that_predicts_zero_is_that_of_the_target(prediction: str) -> None:
    """A new U-Net predicts zero: of the noise the error is its mean square; of the velocity, that
    of √ᾱ ε - √(1-ᾱ) X_0; of the image, its own, weighted by 1 / (1-ᾱ) up to 5."""
    torch.manual_seed(0)
    objective = DiffusionObjective(build_model(tiny(prediction=prediction)))
    losses = objective(grey([4, 11]), rng())
    replay = rng()
    t = torch.randint(1000, (2,), generator=replay)
    expected = torch.randn(2, 3, SIZE, SIZE, generator=replay)
    alpha = torch.cumprod(1 - torch.linspace(1e-4, 0.02, 1000), 0)[t][:, None, None, None]
    x0 = 2 * torch.tensor([40, 210]).view(2, 1, 1, 1) / 255 - 1
    if prediction == "v_prediction":
        expected = alpha.sqrt() * expected - (1 - alpha).sqrt() * x0
    elif prediction == "sample":
        expected = x0.expand(-1, 3, SIZE, SIZE)
    weights = (1 / (1 - alpha)).clamp(max=5).flatten() if prediction == "sample" else torch.ones(2)
    assert losses.timesteps is not None
    assert losses.per_image is not None
    assert torch.equal(losses.timesteps, t)
    assert torch.allclose(losses.per_image, expected.square().flatten(1).mean(1), atol=1e-5)
    assert torch.allclose(losses.total, (weights * losses.per_image).mean())


@pytest.mark.parametrize(("dropout", "share"), [(0.0, 0.0), (0.3, 0.3), (1.0, None)])
def test_a_share_of_the_labels_is_dropped(dropout: float, share: float | None) -> None:
    objective = DiffusionObjective(build(tiny(condition_dropout=dropout)))
    given: list[Tensor] = []
    objective.model.unet.forward = lambda x, t, labels: (  # type: ignore[method-assign]
        given.append(labels) or torch.nn.Identity()(type("Output", (), {"sample": x}))  # type: ignore[func-returns-value]
    )
    for seed in range(40):
        objective(grey([4] * 25), rng(seed))
    if share is None:
        assert all(labels is None for labels in given), "a network without classes"
        return
    labels = torch.cat(given)
    assert set(labels.tolist()) <= {4, objective.model.labels.null}
    assert (labels != 4).float().mean().item() == pytest.approx(share, abs=0.05)


def test_a_trained_model_shows_what_is_requested() -> None:
    """After 200 steps on two grey pictures, samples have about the grey of their label."""
    torch.manual_seed(0)
    settings = tiny(
        {"base": 16, "attention": ()},
        prediction="v_prediction",
        sampling=DiffusionSampling("dpm++", 10),
    )
    objective = DiffusionObjective(build_model(settings))
    optimizer = torch.optim.AdamW(objective.parameters(), 3e-3)
    for step in range(200):
        objective(grey([4, 11] * 4), rng(step)).total.backward()
        optimizer.step()
        optimizer.zero_grad()
    model = objective.model.eval()
    samples = model.sample(torch.tensor([4, 11, 4, 11]), [1, 1, 2, 2])
    means = (samples * 255).mean((1, 2, 3))
    assert means.tolist() == pytest.approx([40, 210, 40, 210], abs=30)


def test_validation_is_the_same_each_time_and_has_no_effect(
    settings: DiffusionModelSettings,
) -> None:
    objective = DiffusionObjective(build(settings))
    with torch.no_grad():
        first, second = objective.validate(), objective.validate()
        picture = objective.picture()
    assert first == second
    names = {"validation/loss"}
    if settings.conditioned:
        names.add("validation/loss_unconditional")
    assert set(first) == names
    assert all(value > 0 for value in first.values())
    assert picture is not None
    assert (picture.shape, picture.dtype) == ((4 * SIZE, 3 * SIZE, 3), np.uint8)


def test_a_picture_shows_the_movements_that_the_model_knows() -> None:
    model = build(replace(MODELS["ddpm"], movements=("rest", "grin")))
    picture = DiffusionObjective(model).picture()
    assert picture is not None
    assert picture.shape == (SIZE, 3 * SIZE, 3)


def test_latents_are_encoded_once_and_the_autoencoder_is_not_trained() -> None:
    objective = DiffusionObjective(build_model(MODELS["latent-diffusion"])).train()
    autoencoder = objective.autoencoder
    assert autoencoder is not None
    assert not autoencoder.training
    assert not any(p.requires_grad for p in autoencoder.parameters())
    assert not any("autoencoder" in name for name in objective.trained_state())
    encoded: list[int] = []
    encode = autoencoder.encode
    autoencoder.encode = lambda x: encoded.append(len(x)) or encode(x)  # type: ignore[method-assign,func-returns-value]
    first, second = (objective(grey([4, 11]), rng()) for _ in range(2))
    assert encoded == [1, 1]
    assert torch.equal(first.total, second.total)
    assert first.total.requires_grad


def test_what_is_exported_is_the_model(tmp_path, settings: DiffusionModelSettings) -> None:
    model = build(settings)
    DiffusionObjective(model).export(tmp_path)
    labels = torch.tensor([4, 11])
    assert torch.equal(load_model(tmp_path).sample(labels, [1, 2]), model.sample(labels, [1, 2]))
