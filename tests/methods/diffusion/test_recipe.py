"""Recipes of kind diffusion, from their file to trained weights."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers.models.unets.unet_2d import UNet2DModel

from palsynth.audit.membership import open_run, picture_losses
from palsynth.data.pair_settings import PairsSettings
from palsynth.errors import InputError
from palsynth.methods import get_method
from palsynth.methods.diffusion.config import DiffusionModelSettings
from palsynth.methods.diffusion.data import GroupPictures
from palsynth.methods.diffusion.io.files import load_model, save_model
from palsynth.methods.diffusion.networks.unet import build_unet
from palsynth.methods.diffusion.recipe import DiffusionRecipe
from palsynth.training import checkpoints
from palsynth.training.kinds import load_recipe
from palsynth.training.loop import train
from palsynth.training.recipe import LoopSettings
from palsynth.training.recipe_file import save
from tests.methods.diffusion.conftest import MODELS, build, tiny
from tests.methods.diffusion.test_data import Groups, clinic

__all__ = ["clinic"]

RECIPES = Path(__file__).parents[3] / "recipes"

LOOP = LoopSettings(
    steps=6, batch=2, learning_rate=1e-3, ema=0.9, log_every=2, checkpoint_every=2, device="cpu"
)


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> None:
    """Groups that need not be rendered."""

    def pictures(data, labels, size, build_cache=True):
        return GroupPictures(Groups(), labels, size, data.mirror, data.seed)

    monkeypatch.setattr("palsynth.methods.diffusion.recipe.pictures_source", pictures)


def test_a_resumed_run_is_bit_identical(
    settings: DiffusionModelSettings, source: None, tmp_path: Path
) -> None:
    settings = replace(settings, unet=replace(settings.unet, dropout=0.2))
    recipe = DiffusionRecipe(model=settings, loop=LOOP)
    assert train(recipe, tmp_path / "whole")
    assert train(replace(recipe, loop=replace(LOOP, steps=4)), tmp_path / "parts")
    assert train(recipe, tmp_path / "parts", resume=True)
    for name in ("model", "ema"):
        whole, parts = (
            checkpoints.read(tmp_path / run / "checkpoints" / "step-6", name)
            for run in ("whole", "parts")
        )
        assert all(tensor.equal(parts[key]) for key, tensor in whole.items())
        assert not any(key.startswith("autoencoder") for key in whole)
    trained, again = (load_model(tmp_path / run / "weights") for run in ("whole", "parts"))
    new = recipe.objective().model.unet.state_dict()
    for name, tensor in trained.unet.state_dict().items():
        assert tensor.equal(again.unet.state_dict()[name])
    assert any(not t.equal(new[name]) for name, t in trained.unet.state_dict().items())


def test_a_trained_model_is_a_method(source: None, tmp_path: Path) -> None:
    loop = replace(LOOP, steps=2, validate_every=2)
    assert train(DiffusionRecipe(model=MODELS["ddpm"], loop=loop), tmp_path / "run")
    method = get_method("ddpm", tmp_path / "run" / "weights")
    assert method.settings == {"sampler": "dpm++", "steps": 3, "guidance": 2.0}
    assert (tmp_path / "run" / "samples" / "step-2.png").is_file()


def test_a_training_is_initialised_from_other_weights(tmp_path: Path) -> None:
    pretrained = build(MODELS["ddpm"])
    save_model(pretrained, tmp_path)
    recipe = DiffusionRecipe(model=MODELS["ddpm"], init_from=tmp_path)
    unet = recipe.objective().model.unet
    assert all(p.requires_grad for p in unet.parameters())
    for name, tensor in unet.state_dict().items():
        assert tensor.equal(pretrained.unet.state_dict()[name])
    with pytest.raises(InputError, match="its UNet2DModel has num_class_embeds 31, the recipe Non"):
        replace(recipe, model=MODELS["ddpm-unconditional"]).objective()
    with pytest.raises(InputError, match="nowhere: no such folder to initialise from"):
        replace(recipe, init_from=tmp_path / "nowhere").source()


@pytest.mark.parametrize(
    ("name", "fields", "fault"),
    [
        ("ddpm", {"init_from": "shipped"}, "^method ddpm: no weights ship; train"),
        ("latent-diffusion", {"size": 18}, "^size 18: must be a multiple of 4, by which the auto"),
        ("latent-diffusion", {"size": 12}, "^side 3 of what is diffused: must be a multiple of 2"),
    ],
)
def test_a_fault_is_named_before_anything_is_rendered(
    name: str, fields: dict, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("palsynth.methods.shipped.METHODS", tmp_path)
    data = PairsSettings(groups=1, cache_dir=tmp_path / "groups")
    start = {key: fields[key] for key in fields if key == "init_from"}
    model = replace(MODELS[name], **{key: fields[key] for key in fields if key not in start})
    with pytest.raises(InputError, match=fault):
        DiffusionRecipe(model=model, data=data, **start).source()
    assert not data.cache_dir.exists()


@pytest.mark.parametrize("data", [PairsSettings(crossed=False), PairsSettings(fixed_identity=True)])
def test_settings_of_pairs_are_refused(data: PairsSettings) -> None:
    with pytest.raises(InputError, match=r"^data.crossed, data.fixed_identity: .* leave them out$"):
        DiffusionRecipe(data=data)


def test_groups_are_rendered_as_large_as_the_model_needs() -> None:
    data = PairsSettings(groups=1)
    source = DiffusionRecipe(model=replace(tiny(), size=128), data=data).source(build_cache=False)
    assert source[0].arrays()["image"].shape == (128, 128, 3)


def test_an_audit_needs_a_dataset(tmp_path: Path) -> None:
    recipe = DiffusionRecipe(model=tiny())
    with pytest.raises(InputError, match=r"data.dataset: the model was trained on synthetic"):
        recipe.examples_of(tmp_path, ("train",), True)
    recipe = replace(recipe, data=PairsSettings(dataset=tmp_path))
    examples = recipe.examples_of(tmp_path, ("test",), False)
    assert examples.folder == tmp_path


@pytest.mark.parametrize("name", MODELS)
def test_an_audit_computes_the_loss_of_every_picture_of_a_dataset(
    name: str, clinic: Path, tmp_path: Path
) -> None:
    """Trained on a dataset, with pictures that have no label among them."""
    data = PairsSettings(dataset=clinic)
    recipe = DiffusionRecipe(model=MODELS[name], data=data, loop=replace(LOOP, steps=2))
    assert train(recipe, tmp_path / "run")
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(clinic, elsewhere)
    attack = open_run(tmp_path / "run", clinic, ("train",), elsewhere, None)
    members, others = (
        picture_losses(attack.objective, examples) for examples in (attack.training, attack.holdout)
    )
    assert members.shape == (4,)
    assert members[0] != members[1]
    assert (members > 0).all()
    assert np.allclose(members, others), "the same pictures"


def test_a_recipe_survives_a_round_trip_to_disk(tmp_path: Path) -> None:
    recipe = DiffusionRecipe(model=MODELS["latent-diffusion"], loop=LOOP)
    save(recipe, tmp_path / "r.yaml")
    assert load_recipe(tmp_path / "r.yaml") == recipe


def _unet(name: str, channels: int, side: int) -> tuple[DiffusionRecipe, UNet2DModel]:
    recipe = load_recipe(RECIPES / f"{name}.yaml")
    with torch.device("meta"):  # its size alone matters
        return recipe, build_unet(recipe.model, channels, side)


def _millions(unet: UNet2DModel) -> float:
    return round(sum(p.numel() for p in unet.parameters()) / 1e6, 1)


def test_the_published_ddpm_is_the_papers() -> None:
    """128 channels, (1, 1, 2, 2, 4, 4), two blocks, attention at 16 x 16; batch 64, EMA 0.9999."""
    recipe, unet = _unet("ddpm-paper", 3, 128)
    u, loop = recipe.model.unet, recipe.loop
    assert (u.base, u.multipliers, u.blocks, u.attention) == (128, (1, 1, 2, 2, 4, 4), 2, (3,))
    assert 128 // 2 ** u.attention[0] == 16
    assert (recipe.model.prediction, recipe.model.conditioned) == ("epsilon", False)
    assert (loop.batch, loop.steps, loop.learning_rate, loop.ema) == (64, 500_000, 2e-4, 0.9999)
    assert (recipe.model.sampling.sampler, recipe.model.sampling.steps) == ("ddpm", 1000)
    assert unet.config["norm_num_groups"] == 32


def test_the_published_latent_diffusion_is_the_papers() -> None:
    """LDM-4 on CelebA-HQ (Rombach et al. 2022, table 12): 274 M parameters, batch 48, 9.6e-5."""
    recipe, unet = _unet("latent-diffusion-paper", 4, 64)
    assert _millions(unet) == pytest.approx(274, abs=0.2)
    loop = recipe.loop
    assert (loop.batch, loop.steps, loop.learning_rate) == (48, 410_000, 9.6e-5)
    assert (recipe.model.prediction, recipe.model.conditioned) == ("epsilon", False)


def test_the_small_ddpms_differ_by_their_conditions_alone() -> None:
    conditional, unconditional = (
        load_recipe(RECIPES / f"{name}-small.yaml") for name in ("ddpm", "ddpm-unconditional")
    )
    sampling = replace(conditional.model.sampling, guidance=1.0)
    model = replace(conditional.model, condition_dropout=1.0, sampling=sampling)
    assert replace(conditional, model=model) == unconditional


@pytest.mark.parametrize(
    ("name", "channels", "side"),
    [
        ("ddpm-small", 3, 64),
        ("ddpm-unconditional-small", 3, 64),
        ("latent-diffusion-small", 4, 28),
    ],
)
def test_the_small_models_are_small_enough_to_ship(name: str, channels: int, side: int) -> None:
    """At most 8 MB in half precision."""
    recipe, unet = _unet(name, channels, side)
    assert 2 * _millions(unet) <= 8
    assert recipe.model.conditioned != ("unconditional" in name)
    assert np.isclose(recipe.loop.ema, 0.999)
