"""The kinds of recipe, each imported when it is used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from palsynth.plugins import load_class, with_others
from palsynth.training.recipe_file import load

KINDS = {
    "identity": "palsynth.encoders.identity:IdentityRecipe",
    "expression": "palsynth.encoders.expression:ExpressionRecipe",
    "judge": "palsynth.encoders.judge:JudgeRecipe",
    "reader": "palsynth.encoders.reader:ReaderRecipe",
    "landmarks": "palsynth.encoders.landmarks:LandmarksRecipe",
    "grader": "palsynth.encoders.grader:GraderRecipe",
    "cfcpalsy": "palsynth.methods.cfcpalsy.recipe:CFCPalsyRecipe",
    "diffusion": "palsynth.methods.diffusion.recipe:DiffusionRecipe",
    "autoencoder": "palsynth.methods.controlnet.small.autoencoder:AutoencoderRecipe",
    "text-to-image": "palsynth.methods.controlnet.small.text_to_image:TextToImageRecipe",
    "controlnet": "palsynth.methods.controlnet.recipe:ControlNetRecipe",
    "conditional-gan": "palsynth.methods.gans.recipe.conditional:ConditionalGANRecipe",
    "face-swap": "palsynth.methods.gans.recipe.swap:FaceSwapRecipe",
    "cyclegan": "palsynth.methods.gans.recipe.cycle:CycleRecipe",
    "face-restoration": "palsynth.methods.gans.recipe.restoration:RestorationRecipe",
}
"""Kind of recipe -> where its dataclass is."""

ENTRY_POINTS = "palsynth.recipes"
"""Group of the entry points under which other packages offer kinds of recipe."""


def kind_places() -> dict[str, str]:
    """Kind -> ``module:class`` of every recipe, those of other installed packages too."""
    return with_others(KINDS, ENTRY_POINTS)


def load_recipe(path: Path, note: Callable[[str], None] | None = None) -> Any:
    """Reads a recipe of any kind from a YAML file.

    Args:
        path: the file.
        note: called with one line when the file uses old field names; default: no message.

    Returns:
        The dataclass of the recipe's kind.

    Raises:
        InputError: the file cannot be read or a field is invalid; names the first fault.
    """
    return load(path, _Kinds(), note)


class _Kinds(dict[str, type]):
    """Kind -> dataclass; imports only the one that is looked up."""

    def __init__(self) -> None:
        self._places = kind_places()
        super().__init__(dict.fromkeys(self._places, object))

    def __getitem__(self, kind: str) -> type:
        recipe: type = load_class(kind, self._places[kind], KINDS, "recipe of kind")
        return recipe
