"""Every folder of weights that ships with a method: small, complete, in half precision."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from safetensors import safe_open

from palsynth.errors import InputError
from palsynth.methods.registry import METHODS as METHOD_PLACES
from palsynth.methods.shipped import METHODS, shipped
from palsynth.training.kinds import load_recipe

FOLDERS = sorted(path for path in METHODS.glob("*/assets/*") if path.is_dir())
RECIPES = Path(__file__).parents[2] / "recipes"

SMALL = {"gans": 8e6, "diffusion": 8e6}
"""Package -> most bytes of weights; default: 60 MB."""

ELSEWHERE = ("photographs", "cache_dir", "render_workers")
"""Fields of a recipe's data that do not change what is trained on."""


def test_folders_are_found() -> None:
    assert {"default", "small", "pf"} <= {folder.name for folder in FOLDERS}
    assert shipped("gans", "pix2pix") in FOLDERS


def test_a_method_without_weights_is_named_with_its_recipe() -> None:
    with pytest.raises(InputError, match=r"^method nothing: no weights ship; train recipes/noth"):
        shipped("gans", "nothing")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_weights_are_small_and_in_half_precision(folder: Path) -> None:
    files = list(folder.rglob("*.safetensors"))
    package = folder.parts[-3]
    assert 0 < sum(path.stat().st_size for path in files) <= SMALL.get(package, 60e6)
    for path in files:
        with safe_open(path, "pt") as file:
            kinds = {file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118
        assert kinds <= {"F16", "I64", "F32"}, path
        assert "F16" in kinds, path


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_folder_has_a_card_a_licence_and_no_path_of_a_machine(folder: Path) -> None:
    card = (folder / "README.md").read_text("utf-8")
    assert "license: apache-2.0" in card
    for word in ("**For**", "**Not for**", "**Trained on**", "**Limits**", "CC BY 4.0"):
        assert word in card, word
    assert (folder / "metrics.json").is_file()
    texts = [p.read_text("utf-8") for p in folder.rglob("*") if p.suffix in (".yaml", ".json")]
    assert not any(root in text for text in texts for root in ("/work", "/home", "/root"))


@pytest.mark.parametrize(
    "folder", [folder for folder in FOLDERS if folder.parts[-3] in SMALL], ids=lambda f: f.name
)
def test_weights_are_of_the_recipe_that_is_named_as_they_are(folder: Path) -> None:
    """The same but for where the photographs and the cache lay, and who rendered it."""
    made, ours = (
        load_recipe(folder / "recipe.yaml"),
        load_recipe(RECIPES / f"{folder.name}-small.yaml"),
    )
    elsewhere = {n: getattr(ours.data, n) for n in ELSEWHERE if hasattr(ours.data, n)}
    assert replace(made, data=replace(made.data, **elsewhere)) == ours


@pytest.mark.parametrize("package", SMALL)
def test_every_method_of_a_small_model_has_a_recipe_of_its_name(package: str) -> None:
    places = METHOD_PLACES.items()
    names = [name for name, where in places if where.startswith(f"palsynth.methods.{package}.")]
    assert names
    assert [name for name in names if not (RECIPES / f"{name}-small.yaml").is_file()] == []
