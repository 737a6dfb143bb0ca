"""Recipes of the models of certain people: trainings, where they start, and what they export."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from palsynth.data.pair_settings import PairsSettings
from palsynth.errors import InputError
from palsynth.methods import get_method
from palsynth.methods.gans.config.people import DiscriminatorSettings, PeopleSettings
from palsynth.methods.gans.config.restoration import RestorationSettings
from palsynth.methods.gans.io.people import load_model, load_restoration, save_restoration
from palsynth.methods.gans.recipe.cycle import CycleRecipe
from palsynth.methods.gans.recipe.people import describe
from palsynth.methods.gans.recipe.restoration import RestorationRecipe
from palsynth.methods.gans.recipe.swap import FaceSwapRecipe
from palsynth.subjects import subject_name
from palsynth.training.kinds import load_recipe
from palsynth.training.loop import train
from palsynth.training.recipe import LoopSettings
from palsynth.training.recipe_file import save
from tests.methods.cfcpalsy.conftest import clinical_set
from tests.methods.gans.tiny_people import (
    DISCRIMINATOR,
    NETWORK,
    RESTORATION,
    SIZE,
    people,
    restoration_network,
    save_tiny,
)

RECIPES = Path(__file__).parents[3] / "recipes"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the pictures that several trainings use."""
    return tmp_path_factory.mktemp("shared")


def loop(**fields: Any) -> LoopSettings:
    settings = {"steps": 2, "batch": 4, "learning_rate": 1e-3, "device": "cpu", "beta1": 0.5}
    return LoopSettings(**settings | fields)  # type: ignore[arg-type]


def swap(folder: Path, **fields: Any) -> FaceSwapRecipe:
    return FaceSwapRecipe(
        network=NETWORK, discriminator=DISCRIMINATOR, data=people(folder), loop=loop(**fields)
    )


def cycle(folder: Path, **fields: Any) -> CycleRecipe:
    if not (folder / "restoration").exists():
        save_restoration(restoration_network(), SIZE, folder / "restoration")
    return CycleRecipe(
        network=NETWORK,
        discriminator=DISCRIMINATOR,
        person=1,
        pool=6,
        restoration=folder / "restoration",
        data=people(folder),
        loop=loop(**fields),
    )


def restoration(folder: Path, **fields: Any) -> RestorationRecipe:
    data = PairsSettings(
        subjects=8, groups=1, mixed=0, cache_dir=folder / "groups", render_workers=1
    )
    return RestorationRecipe(
        network=RestorationSettings(SIZE, RESTORATION, 1), data=data, loop=loop(**fields)
    )


BUILDERS = {"face-swap": swap, "cyclegan": cycle, "face-restoration": restoration}


def contents(run: Path, step: int) -> dict[str, bytes]:
    files = [
        *(run / "checkpoints" / f"step-{step}").iterdir(),
        *run.glob("weights/*/*.safetensors"),
    ]
    return {f"{path.parent.name}/{path.name}": path.read_bytes() for path in files}


@pytest.mark.parametrize("kind", BUILDERS)
def test_a_resumed_training_equals_an_uninterrupted_one_bit_for_bit(
    kind: str, shared: Path, tmp_path: Path
) -> None:
    """The images that CycleGAN's discriminators look back at included."""
    whole, halves, build = tmp_path / "whole", tmp_path / "halves", BUILDERS[kind]
    assert train(build(shared, steps=4), whole)
    assert train(build(shared, steps=2), halves)
    (halves / "weights").rename(tmp_path / "first")
    assert train(build(shared, steps=4), halves, resume=True)
    expected = contents(whole, 4)
    assert len(expected) > 2
    assert contents(halves, 4) == expected


def test_face_swap_exports_the_public_people_and_no_patient(shared: Path, tmp_path: Path) -> None:
    recipe = swap(shared)
    assert train(recipe, tmp_path / "run")
    model = load_model("face-swap", tmp_path / "run" / "weights")
    album = recipe.source().people  # type: ignore[attr-defined]
    assert model.settings.people == album.names
    assert len(model.network.decoders) == 2
    assert model.restoration is None
    assert torch.allclose(model.network.vectors, describe(album), atol=1e-6)
    assert torch.allclose(model.network.vectors.norm(dim=1), torch.ones(2), atol=1e-5)
    files = "".join(path.name for path in (tmp_path / "run" / "weights").rglob("*"))
    assert "patient" not in files
    assert get_method("face-swap", tmp_path / "run" / "weights").settings == {
        "people": list(album.names),
        "restoration": False,
    }


def test_cyclegan_exports_one_person_and_the_restoration_network(
    shared: Path, tmp_path: Path
) -> None:
    recipe = cycle(shared)
    assert train(recipe, tmp_path / "run")
    model = load_model("cyclegan", tmp_path / "run" / "weights")
    album = recipe.source().people  # type: ignore[attr-defined]
    assert model.settings.people == album.names[1:]
    assert torch.allclose(model.network.vectors, describe(album)[1:], atol=1e-6)
    assert model.restoration is not None
    source, size = load_restoration(shared / "restoration")
    assert size == SIZE
    for name, tensor in source.state_dict().items():
        assert torch.equal(model.restoration.state_dict()[name], tensor)


def test_both_train_on_a_dataset(tmp_path: Path) -> None:
    data = PeopleSettings(dataset=clinical_set(tmp_path / "set"), public=("32",))
    plain = swap(tmp_path, steps=1)
    assert train(replace(plain, data=data), tmp_path / "swap")
    assert load_model("face-swap", tmp_path / "swap" / "weights").settings.people == ("32",)
    one = replace(cycle(tmp_path, steps=1), data=data, person=0, restoration="none")
    assert train(one, tmp_path / "cycle")
    assert load_model("cyclegan", tmp_path / "cycle" / "weights").settings.people == ("32",)


def test_training_starts_from_other_weights(tmp_path: Path) -> None:
    network = save_tiny("cyclegan", tmp_path / "weights").network
    recipe = replace(cycle(tmp_path), init_from=tmp_path / "weights", restoration="none")
    tested = recipe.objective()
    for name, tensor in network.state_dict().items():
        if name != "vectors":
            assert torch.equal(tested.to_person.state_dict()[name], tensor)
    assert all(p.requires_grad for p in tested.to_person.parameters())
    save_tiny("face-swap", tmp_path / "three")
    with pytest.raises(InputError, match="its FaceSwap has people 3, the recipe 2"):
        replace(swap(tmp_path), init_from=tmp_path / "three").objective()
    for recipe in (swap(tmp_path / "a"), restoration(tmp_path / "a")):
        with pytest.raises(InputError, match="nowhere: no such folder to initialise from"):
            replace(recipe, init_from=tmp_path / "nowhere").source()
    assert not (tmp_path / "a" / "people").exists(), "raised before anything is rendered"


def test_a_restoration_network_must_be_of_the_images_size(tmp_path: Path) -> None:
    save_restoration(restoration_network(), 32, tmp_path / "restoration")
    with pytest.raises(InputError) as error:
        cycle(tmp_path).source()
    assert str(error.value) == (
        f"restoration {tmp_path / 'restoration'}: was trained on images of 32 px, not {SIZE}; "
        "train one of that size, or give none"
    )
    assert not (tmp_path / "people").exists(), "raised before anything is rendered"
    with pytest.raises(InputError, match="nowhere"):
        replace(cycle(tmp_path), restoration=tmp_path / "nowhere").objective()


@pytest.mark.parametrize(
    ("build", "error"),
    [
        (lambda: FaceSwapRecipe(warp=-1), "warp -1: must not be negative"),
        (lambda: FaceSwapRecipe(tint=-0.5), "tint -0.5: must not be negative"),
        (lambda: CycleRecipe(pool=-1), "pool -1: must not be negative"),
        *(
            (
                lambda kind=kind: kind(discriminator=DiscriminatorSettings(levels=5)),
                "discriminator.levels 5: leave too little of 64 px to judge; give fewer, or larger "
                "images",
            )
            for kind in (FaceSwapRecipe, CycleRecipe)
        ),
        (lambda: CycleRecipe(person=8), "person 8: there are 8; the last is 7"),
        (
            lambda: CycleRecipe(person=1, data=PeopleSettings(Path("set"), ("a",))),
            "person 1: there are 1; the last is 0",
        ),
        (
            lambda: RestorationRecipe(edge_loss_weight=-1),
            "edge_loss_weight -1: must not be negative",
        ),
    ],
)
def test_impossible_recipes_are_refused_in_a_line(build: Any, error: str) -> None:
    with pytest.raises(InputError) as found:
        build()
    assert str(found.value) == error


@pytest.mark.parametrize("kind", BUILDERS)
@pytest.mark.parametrize("size", ["small", "paper"])
def test_small_and_published_recipes_are_of_the_kind(kind: str, size: str, tmp_path: Path) -> None:
    recipe = load_recipe(RECIPES / f"{kind}-{size}.yaml")
    assert recipe.kind == kind
    assert recipe.network.size == (64 if size == "small" else 128)
    save(recipe, tmp_path / "r.yaml")
    assert load_recipe(tmp_path / "r.yaml") == recipe


def test_the_published_cyclegan_is_the_papers() -> None:
    published: CycleRecipe = load_recipe(RECIPES / "cyclegan-paper.yaml")
    assert (published.cycle_weight, published.identity_weight, published.pool) == (10, 0.5, 50)
    assert published.adversarial == "least-squares"
    assert (published.loop.batch, published.loop.learning_rate) == (1, 2e-4)
    assert (published.loop.beta1, published.loop.clip, published.loop.weight_decay) == (0.5, 0, 0)
    assert (published.discriminator.width, published.discriminator.levels) == (64, 3)


def test_public_people_are_named_after_their_seeds(shared: Path) -> None:
    recipe = swap(shared)
    names = recipe.source().people.names  # type: ignore[attr-defined]
    tested = recipe.objective()
    assert names == tested.names == tuple(map(subject_name, tested.seeds))
