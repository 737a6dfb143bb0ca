"""The three trainings of our small Stable Diffusion, tiny, one after another."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from palsynth.encoders.base import as_images
from palsynth.errors import InputError
from palsynth.methods.controlnet.config import (
    ControlNetSettings,
    HealthySettings,
    PatientsSettings,
    Sampling,
)
from palsynth.methods.controlnet.data.healthy import HealthySource, healthy_source, held_out
from palsynth.methods.controlnet.io.loading import read_autoencoder, read_base
from palsynth.methods.controlnet.pipeline import ControlNetPalsyPipeline
from palsynth.methods.controlnet.prompts import SENTENCES
from palsynth.methods.controlnet.recipe import ControlNetRecipe
from palsynth.methods.controlnet.small.autoencoder import AutoencoderRecipe
from palsynth.methods.controlnet.small.networks import AutoencoderSettings, SmallUNetSettings
from palsynth.methods.controlnet.small.text_to_image import TextToImageRecipe
from palsynth.methods.controlnet.strategies import Strategy
from palsynth.methods.controlnet.weighting import FROM_SCRATCH, Weighting
from palsynth.subjects import sample
from palsynth.subjects.description import describe
from palsynth.training.kinds import load_recipe
from palsynth.training.loop import train
from palsynth.training.recipe import LoopSettings
from palsynth.training.recipe_file import save

RECIPES = Path(__file__).parents[3] / "recipes"
QUICK = LoopSettings(steps=2, batch=2, validate_every=2, device="cpu")


def test_each_training_starts_from_the_previous_one(tmp_path: Path) -> None:
    data = HealthySettings(6, cache_dir=tmp_path / "cache", render_workers=1)
    first = AutoencoderRecipe(
        model=AutoencoderSettings(32, (16, 32)), crop=16, data=data, loop=QUICK
    )
    assert train(first, tmp_path / "vae")
    vae = read_autoencoder(tmp_path / "vae" / "weights")
    with torch.no_grad():
        latents = vae.encode(as_images(held_out(32)["image"]) * 2 - 1).latent_dist.mode()
    assert torch.allclose(latents.mean((0, 2, 3)), torch.zeros(4), atol=1e-3)
    assert torch.allclose(latents.std((0, 2, 3)), torch.ones(4), atol=1e-3)
    assert (tmp_path / "vae" / "samples" / "step-2.png").is_file()

    second = TextToImageRecipe(
        init_from=tmp_path / "vae" / "weights",
        model=SmallUNetSettings((16, 32), text=16, text_layers=1),
        sampling=Sampling("ddim", 1, 1.5),
        data=data,
        loop=QUICK,
    )
    assert train(second, tmp_path / "base")
    base = read_base(tmp_path / "base" / "weights")
    assert base.size == 32
    assert base.vae.config.scaling_factor == vae.config.scaling_factor == 1.0

    sampling = Sampling("ddim", 1, 1.0)
    model = ControlNetSettings(str(tmp_path / "base" / "weights"), sampling=sampling)
    third = ControlNetRecipe(init_from="scratch", model=model, healthy=data, loop=QUICK)
    assert train(third, tmp_path / "control")
    control = tmp_path / "control" / "weights"
    untuned = ControlNetPalsyPipeline.untuned
    edges = held_out(32)["edges"][:1].numpy()
    assert untuned(model, control)(list(edges), ["man"], [0])[0].shape == (32, 32, 3)

    ungated = replace(model, sampling=replace(sampling, outside="none"))
    assert untuned(ungated, control).sampling.outside == "tuned", "no range of timesteps was tuned"
    together = replace(third, model=replace(model, strategy=Strategy("both")), control_dropout=0.5)
    assert train(together, tmp_path / "both")
    trained = tmp_path / "both" / "weights"
    load = ControlNetPalsyPipeline.from_pretrained
    before, after = base.unet.state_dict(), load(trained).base.unet.state_dict()
    assert any(not torch.equal(before[name], after[name]) for name in before)
    with pytest.raises(InputError, match="holds a base that was trained with it"):
        untuned(model, trained)
    with pytest.raises(InputError, match="holds the base that it was tuned with; leave out --base"):
        load(trained, model.base)
    for recipe in (first, second, third, together):
        save(recipe, tmp_path / "r.yaml")
        assert load_recipe(tmp_path / "r.yaml") == recipe


def test_an_autoencoder_may_start_from_a_trained_one(tmp_path: Path) -> None:
    """Whose latents were standardised: its scaling factor is not that of a new one."""
    recipe = AutoencoderRecipe(model=AutoencoderSettings(32, (16, 32)), crop=16)
    with torch.no_grad():
        recipe.objective().export(tmp_path)
    trained = read_autoencoder(tmp_path).state_dict()
    vae = replace(recipe, init_from=tmp_path).objective().vae
    assert all(torch.equal(tensor, trained[name]) for name, tensor in vae.state_dict().items())
    assert all(p.requires_grad for p in vae.parameters())
    with pytest.raises(InputError, match="its AutoencoderKL has down_block_types"):
        AutoencoderRecipe(init_from=tmp_path).objective()


def test_text_to_image_trains_around_the_shipped_autoencoder() -> None:
    model = SmallUNetSettings((16, 32), text=16, text_layers=1)
    vae = TextToImageRecipe(model=model).objective().vae.state_dict()
    shipped = read_autoencoder().state_dict()
    assert all(torch.equal(tensor, shipped[name]) for name, tensor in vae.items())
    with pytest.raises(InputError, match="kind text-to-image starts from trained weights"):
        TextToImageRecipe(init_from="scratch")


def test_an_autoencoder_trains_on_crops_within_the_image() -> None:
    objective = AutoencoderRecipe(model=AutoencoderSettings(32, (16, 32)), crop=16).objective()
    batch = {"image": held_out(32)["image"][:2]}
    losses = objective(batch, torch.Generator().manual_seed(0))
    assert losses.total.isfinite()
    repeated = objective(batch, torch.Generator().manual_seed(0))
    assert losses.total == repeated.total
    for crop, fault in ((8, "must lie between 16 and 32"), (64, "must lie"), (17, "multiple of 2")):
        with pytest.raises(InputError, match=f"crop {crop}: .*{fault}"):
            AutoencoderRecipe(model=AutoencoderSettings(32, (16, 32)), crop=crop)
    with pytest.raises(InputError, match="channels must be at least 8 and latent 3"):
        AutoencoderSettings(32, (4, 8))


def test_standardised_latents_decode_to_the_same_images(tmp_path: Path) -> None:
    objective = AutoencoderRecipe(model=AutoencoderSettings(32, (16, 32)), crop=16).objective()
    image = as_images(held_out(32)["image"]) * 2 - 1
    with torch.no_grad():
        before = objective.vae.encode(image).latent_dist
        decoded = objective.vae.decode(before.mode()).sample
        objective.export(tmp_path)
    vae = read_autoencoder(tmp_path)
    after = vae.encode(image).latent_dist
    assert torch.allclose(vae.decode(after.mode()).sample, decoded, atol=1e-4)
    deviation = before.mode().std((0, 2, 3), keepdim=True)
    assert torch.allclose(after.std, before.std / deviation, rtol=1e-3)


def test_healthy_subjects_are_rendered_with_their_captions() -> None:
    source = HealthySource(500_000, 64)
    record = source[3]
    assert np.array_equal(record, source[3])
    assert record.shape == (64 * 64 * 3 + 1,)
    assert describe(sample(500_003)) in SENTENCES[int(record[-1])]
    settings = HealthySettings(4, cache_dir=Path("nowhere"))
    uncached = healthy_source(settings, 64, build_cache=False)
    assert {uncached[n].number for n in range(4)} == {0, 1, 2, 3}
    assert not Path("nowhere").exists()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"subjects": 0}, "must be at least 1"),
        ({"first_subject": 989_999, "subjects": 9000}, "are for validation and evaluation"),
    ],
)
def test_too_few_subjects_and_evaluation_subjects_are_refused(wrong: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        HealthySettings(**wrong)


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.yaml")), ids=lambda p: p.stem)
def test_every_recipe_of_the_repository_can_be_read(path: Path) -> None:
    assert load_recipe(path).loop.steps > 0


@pytest.mark.parametrize(("name", "first", "last"), [("pf", 500, 701), ("conventional", 0, 1000)])
def test_the_published_recipes_tune_as_the_paper_says(name: str, first: int, last: int) -> None:
    """Three patients, two epochs of 1800 images in batches of four, AdamW at 1e-5; only the
    ControlNet trains, and all timesteps of its range weigh alike."""
    recipe = load_recipe(RECIPES / f"controlnet-paper-{name}.yaml")
    assert recipe.model == ControlNetSettings(
        "models/stable-diffusion-v1-5",
        strategy=Strategy("controlnet", first, last),
        sampling=Sampling("dpm++", 20, 7.5),
    )
    assert recipe.init_from == Path("models/sd-controlnet-canny")
    assert recipe.patients == PatientsSettings(Path("patients-set"), 3)
    assert (recipe.loop.steps, recipe.loop.batch, recipe.loop.learning_rate) == (900, 4, 1e-5)
    assert recipe.weighting == Weighting(0.0, 1.0)
    assert (recipe.control_dropout, recipe.edge_loss_weight) == (0.0, 1.0)


def test_default_healthy_subjects_are_training_subjects() -> None:
    default = HealthySettings()
    assert (default.first_subject, default.subjects, default.seed) == (500_000, 6000, 0)
    settings = HealthySettings(7, 510_000, Path("nowhere"), seed=5)
    source = healthy_source(settings, 64, build_cache=False)
    assert source.source == HealthySource(510_000, 64, 5)
    assert (source.count, source.seed, source.num_subjects) == (7, 5, 7)
    assert asdict(FROM_SCRATCH) == {"snr_gamma": 5.0, "max_weight": 20.0}
    assert TextToImageRecipe().caption_dropout == 0.1
