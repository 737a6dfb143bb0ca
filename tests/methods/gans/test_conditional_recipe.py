"""The recipe of the conditional GANs: settings, trainings, and where they start."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from palsynth.data.groups import GroupsSource
from palsynth.data.pair_settings import PairsSettings, pairs_source
from palsynth.errors import InputError
from palsynth.methods import get_method
from palsynth.methods.gans.config.conditional import ConditionalLosses, ConditionalSettings
from palsynth.methods.gans.io.conditional import load_generator
from palsynth.methods.gans.recipe.conditional import ConditionalGANRecipe
from palsynth.training.kinds import load_recipe
from palsynth.training.loop import train
from palsynth.training.recipe import LoopSettings
from palsynth.training.recipe_file import save
from tests.methods.cfcpalsy.conftest import clinical_set
from tests.methods.gans.paired import LOSSES, TINY, save_tiny

RECIPES = Path(__file__).parents[3] / "recipes"


def recipe(name: str, folder: Path, **loop: object) -> ConditionalGANRecipe:
    settings = {"steps": 2, "batch": 2, "learning_rate": 1e-3, "device": "cpu", "beta1": 0.5}
    return ConditionalGANRecipe(
        model=TINY[name],
        losses=replace(LOSSES, mismatched=name != "pix2pix", discriminator_rate=0.5),
        data=PairsSettings(
            subjects=8, groups=1, mixed=0, cache_dir=folder / "groups", render_workers=1
        ),
        loop=LoopSettings(**settings | loop),  # type: ignore[arg-type]
    )


def contents(run: Path, step: int) -> dict[str, bytes]:
    files = [
        *(run / "checkpoints" / f"step-{step}").iterdir(),
        *run.glob("weights/*/*.safetensors"),
    ]
    return {path.name: path.read_bytes() for path in files}


@pytest.mark.parametrize("name", ["pix2pix", "mc-gan-normalised"])
def test_a_resumed_training_equals_an_uninterrupted_one_bit_for_bit(
    name: str, tmp_path: Path
) -> None:
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    long = recipe(name, tmp_path, steps=4)
    assert train(long, whole)
    assert train(recipe(name, tmp_path, steps=2), halves)
    (halves / "weights").rename(tmp_path / "first")
    assert train(long, halves, resume=True)
    expected = contents(whole, 4)
    assert {
        "optimizer-discriminator.safetensors",
        "optimizer-generator.safetensors",
        "model.safetensors",
    } <= set(expected)
    assert contents(halves, 4) == expected
    assert get_method(name, whole / "weights").weights_sha256
    with pytest.raises(InputError, match="method "):
        get_method("mc-gan", whole / "weights")


def test_the_discriminator_learns_at_its_own_rate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates: list[tuple[float, ...]] = []
    step = torch.optim.AdamW.step

    def seen(self: torch.optim.AdamW, *args: object) -> object:
        rates.append((self.param_groups[0]["lr"], len(self.param_groups[0]["params"])))
        return step(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(torch.optim.AdamW, "step", seen)
    train(recipe("pix2pix", tmp_path, steps=1), tmp_path / "run")
    groups = recipe("pix2pix", tmp_path).objective().parameter_groups()
    assert rates == [
        (pytest.approx(5e-4), len(groups["discriminator"])),
        (pytest.approx(1e-3), len(groups["generator"])),
    ]


def test_mc_gan_trains_on_a_clinical_dataset(tmp_path: Path) -> None:
    plain = recipe("mc-gan", tmp_path, steps=1)
    data = PairsSettings(dataset=clinical_set(tmp_path / "set"))
    assert train(replace(plain, data=data), tmp_path / "run")
    assert get_method("mc-gan", tmp_path / "run" / "weights").name == "mc-gan"


@pytest.mark.parametrize("data", [PairsSettings(dataset=Path("set")), PairsSettings(crossed=False)])
def test_pix2pix_is_not_taught_to_copy_the_expression_image(data: PairsSettings) -> None:
    with pytest.raises(InputError, match=r"^condition image: .* copying it would be learnt; use"):
        ConditionalGANRecipe(data=data)


def test_training_starts_from_other_weights(tmp_path: Path) -> None:
    save_tiny("mc-gan", tmp_path / "weights")
    tuned = replace(recipe("mc-gan", tmp_path), init_from=tmp_path / "weights")
    generator = tuned.objective().generator
    trained, settings = load_generator(tmp_path / "weights")
    assert settings == TINY["mc-gan"]
    for name, tensor in generator.state_dict().items():
        assert torch.equal(tensor, trained.state_dict()[name])
    assert all(parameter.requires_grad for parameter in generator.parameters())
    other = replace(tuned, model=replace(TINY["mc-gan"], width=16))
    with pytest.raises(InputError, match="its SynthesisGenerator has width 8, the recipe 16"):
        other.objective()
    with pytest.raises(InputError, match="nowhere: no such folder to initialise from"):
        replace(tuned, init_from=tmp_path / "nowhere").source()
    assert not (tmp_path / "groups").exists(), "raised before anything is rendered"


def test_what_does_not_ship_is_said_before_anything_is_rendered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("palsynth.methods.shipped.METHODS", tmp_path)
    shipped = replace(recipe("mc-gan", tmp_path), init_from="shipped")
    with pytest.raises(InputError, match=r"^method mc-gan: no weights ship; train recipes/"):
        shipped.source()
    assert not (tmp_path / "groups").exists()


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"size": 100}, "size 100: cannot be halved 8 times; give a multiple of 2"),
        ({"width": 0}, "width 0: must be at least 1"),
        ({"levels": 0}, "levels 0: must be at least 1"),
        ({"levels": 1}, "levels 1: a U-Net needs at least 2"),
        ({"generator": "synthesis"}, "levels 8: leave a single pixel of 256, which has no norm"),
        ({"dropout": 1.0}, "dropout 1: must lie in 0 … 1, 1 excluded"),
        ({"size": 2048}, "size 2048: is too large to train"),
    ],
)
def test_impossible_models_are_refused_in_a_line(fields: dict, error: str) -> None:
    with pytest.raises(InputError, match=error) as found:
        ConditionalSettings(**fields)
    assert "\n" not in str(found.value)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"distance_weight": -1.0}, "distance_weight -1: must not be negative"),
        ({"change_weight": -1.0}, "change_weight -1: must not be negative"),
        ({"discriminator_rate": 0.0}, "discriminator_rate 0: must lie in 0 … 1, 0 excluded"),
        ({"levels": 0}, "levels 0: must be at least 1"),
    ],
)
def test_impossible_losses_are_refused_in_a_line(fields: dict, error: str) -> None:
    with pytest.raises(InputError, match=error):
        ConditionalLosses(**fields)


@pytest.mark.parametrize(("size", "levels"), [(12, 2), (24, 3), (64, 4)])
def test_a_discriminator_has_something_left_to_judge(size: int, levels: int) -> None:
    model = ConditionalSettings(size=size, levels=2)
    deepest = ConditionalGANRecipe(model=model, losses=ConditionalLosses(width=8, levels=levels))
    image = torch.rand(1, 3, size, size)
    assert deepest.objective().discriminator(image, image, image).isfinite().all()
    fault = rf"^losses\.levels {levels + 1}: leave too little of {size} px to judge; give fewer"
    with pytest.raises(InputError, match=fault):
        replace(deepest, losses=replace(deepest.losses, levels=levels + 1))


@pytest.mark.parametrize(("name", "generator"), [("pix2pix", "synthesis"), ("mc-gan", "unet")])
def test_a_model_that_no_method_runs_is_not_trained(
    name: str, generator: str, tmp_path: Path
) -> None:
    plain = recipe(name, tmp_path)
    with pytest.raises(InputError, match=f"^model: no method runs {generator} with .*; give unet"):
        replace(plain, model=replace(plain.model, generator=generator))


def test_mismatched_pairs_need_two(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="mismatched: needs another condition"):
        recipe("mc-gan", tmp_path, batch=1)


@pytest.mark.parametrize("name", TINY)
def test_small_and_published_recipes_are_of_the_method(name: str, tmp_path: Path) -> None:
    for kind in ("small", "paper"):
        loaded: ConditionalGANRecipe = load_recipe(RECIPES / f"{name}-{kind}.yaml")
        assert (loaded.model.condition, loaded.model.generator) == (
            TINY[name].condition,
            TINY[name].generator,
        )
        assert loaded.losses.mismatched == (name != "pix2pix")
        weights = (loaded.losses.distance_weight, loaded.losses.change_weight)
        small = (100 if name == "pix2pix" else 25, 100)
        assert weights == {"small": small, "paper": (100, 0)}[kind]
        assert (loaded.loop.beta1, loaded.loop.weight_decay) == (0.5, 0)
        save(loaded, tmp_path / "r.yaml")
        assert load_recipe(tmp_path / "r.yaml") == loaded


@pytest.mark.parametrize("kind", ["small", "paper"])
def test_the_mc_gans_differ_by_their_condition_alone(kind: str) -> None:
    plain, normalised = (
        load_recipe(RECIPES / f"{name}-{kind}.yaml") for name in ("mc-gan", "mc-gan-normalised")
    )
    model = replace(plain.model, condition="normalised-landmarks")
    assert replace(plain, model=model) == normalised


def test_the_published_pix2pix_is_the_papers() -> None:
    published: ConditionalGANRecipe = load_recipe(RECIPES / "pix2pix-paper.yaml")
    assert published.model == ConditionalSettings("image", "unet", 256, 64, 8, 0.5)
    assert published.losses == ConditionalLosses("logistic", 100.0, 0.0, False, 1.0, 64, 3)
    assert (published.loop.batch, published.loop.learning_rate, published.loop.clip) == (1, 2e-4, 0)


@pytest.mark.parametrize(("size", "rendered"), [(64, 112), (112, 112), (256, 256)])
def test_groups_are_rendered_as_large_as_they_are_needed(
    size: int, rendered: int, tmp_path: Path
) -> None:
    settings = PairsSettings(groups=1, cache_dir=tmp_path)
    source = pairs_source(settings, size, build_cache=False)
    groups = source.groups.source  # type: ignore[attr-defined]
    assert isinstance(groups, GroupsSource)
    assert groups.size == rendered
