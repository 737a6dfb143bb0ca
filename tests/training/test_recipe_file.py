from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from palsynth.encoders.identity import IdentityRecipe
from palsynth.encoders.landmarks import LandmarksRecipe
from palsynth.errors import InputError
from palsynth.training.kinds import KINDS, load_recipe
from palsynth.training.recipe_file import from_dict, load, save, to_yaml

KIND = {"landmarks": LandmarksRecipe, "identity": IdentityRecipe}
RECIPES = Path(__file__).parents[2] / "recipes"


def test_a_saved_recipe_reads_back(tmp_path: Path) -> None:
    recipe = from_dict(
        LandmarksRecipe,
        {"data": {"cache_dir": "cache", "subjects": 7}, "loop": {"steps": 3}},
        "here",
    )
    save(recipe, tmp_path / "recipe.yaml")
    again = load(tmp_path / "recipe.yaml", KIND)
    assert again == recipe
    assert again.data.cache_dir == Path("cache")
    assert again.model.widths == (16, 32, 64, 128)


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.yaml")), ids=lambda p: p.stem)
def test_every_shipped_recipe_is_valid(path: Path) -> None:
    recipe = load_recipe(path)
    assert recipe.kind in KINDS
    assert from_dict(type(recipe), yaml.safe_load(to_yaml(recipe)), "") == recipe


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("kind: sorcery", "no kind 'sorcery'; kinds are landmarks, identity"),
        ("steps: 3", "has no 'kind'; kinds are landmarks, identity"),
        ("- a", "has no 'kind'"),
        (
            "{kind: identity, loop: {steps: yes}}",
            "steps: Input should be a valid integer, not 'yes'",
        ),
        (
            "{kind: identity, loop: {seed: 1:30}}",
            "seed: Input should be a valid integer, not '1:30'; write a plain number, such as 90",
        ),
        ("{kind: identity, loop: {steps: 1_000}}", "not '1_000'; write a plain number"),
        ("{kind: identity, loop: {seed: 01}}", "not '01'; write a plain number"),
        ("{kind: identity, loop: {seed: 2020-01-01}}", "not '2020-01-01'; write a plain number"),
        ("{kind: identity, loop: {seed: true}}", "Input should be a valid integer, not true"),
        ("{kind: identity, loop: {seed: }}", "Input should be a valid integer, not nothing"),
        ("{kind: identity, loop: {seed: [1]}}", "Input should be a valid integer, not a list"),
        (
            "{kind: identity, loop: {clip: nan}}",
            "loop.clip: Input should be a valid number, not 'nan'",
        ),
        ("{kind: identity, loop: {clip: .nan}}", "bad.yaml:1: .nan is not a finite number"),
        (
            "{kind: identity, loop: {clip: '1'}}",
            "loop.clip: Input should be a valid number, not '1'",
        ),
        ("{kind: identity, data: {dataset: {a: b}}}", "data.dataset: "),
        ("{kind: [identity]}", "no kind"),
        ("kind: identity\nloop: {steps: 1}\nloop: {seed: 1}", "bad.yaml:3: the key 'loop' stands"),
        ("kind: [", "bad.yaml:1: not a YAML file"),
        ("{kind: identity, loop: {stepps: 3}}", "loop.stepps: no such field"),
        ("{kind: identity, colour: red}", "colour: no such field"),
        ("{kind: identity, loop: {steps: many}}", "loop.steps: Input should be a valid integer"),
        ("{kind: identity, loop: {steps: 0}}", "loop: steps 0: must be at least 1"),
        ("{kind: identity, loop: {ema: 1.0}}", "ema 1: must lie in 0"),
        ("{kind: identity, loop: {warmup: -1}}", "warmup -1: must not be negative"),
        ("{kind: identity, loop: {learning_rate: 0}}", "learning_rate 0: must be above 0"),
        ("{kind: identity, loop: {precision: fp8}}", "loop.precision: Input should be 'no', 'b"),
        ("{kind: identity, data: {subjects: 0}}", "name subjects, photographs or a dataset"),
        ("{kind: identity, data: {augmentation: {spin: 1}}}", "augmentation.spin: no such field"),
    ],
)
def test_faults_are_named(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        load(path, KIND)
    assert str(error.value).startswith(f"{path}:")
    assert fault in str(error.value)
    assert "\n" not in str(error.value)


def test_words_of_yaml_1_1_are_words(tmp_path: Path) -> None:
    """``no`` is a precision, numbers with exponents are numbers, and JSON is a recipe too."""
    path = tmp_path / "good.yaml"
    path.write_text("kind: identity\nloop: {precision: no, learning_rate: 1e-4, clip: 1}\n")
    assert load(path, KIND).loop == replace(
        IdentityRecipe().loop, precision="no", learning_rate=1e-4, clip=1.0
    )
    path = tmp_path / "good.json"
    path.write_text('\ufeff{"kind": "identity", "model": {"widths": [8, 8, 16, 16]}}')
    assert load(path, KIND).model.widths == (8, 8, 16, 16)


def test_a_boolean_is_true_or_false(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("kind: cfcpalsy\ndata: {crossed: yes}\n")
    with pytest.raises(InputError, match=r"not 'yes'; write true or false$"):
        load_recipe(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere.yaml: cannot be read"):
        load(tmp_path / "nowhere.yaml", KIND)


def test_an_empty_path_is_not_the_current_folder() -> None:
    with pytest.raises(InputError, match=r"r\.yaml: photographs is empty; give a path"):
        from_dict(IdentityRecipe, {"data": {"photographs": ""}}, "r.yaml")
