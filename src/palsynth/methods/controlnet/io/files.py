"""A tuned ControlNet on disk: recipe.yaml, controlnet/, and base/ where that was tuned too."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from palsynth.errors import InputError
from palsynth.methods.controlnet.base import ASSETS, BESIDE, SMALL, save_base
from palsynth.methods.controlnet.io.loading import read_base, read_controlnet
from palsynth.methods.controlnet.pipeline import ControlNetPalsyPipeline, Sampling
from palsynth.methods.controlnet.recipe import ControlNetRecipe, ControlNetSettings
from palsynth.methods.networks import default_device
from palsynth.training import recipe as recipes

_BEGAN = "pretrained"
"""Folder beside the weights of a pipeline that was saved whole."""


def read_recipe(folder: Path) -> ControlNetRecipe:
    """The recipe of a training's weights."""
    if not (folder / "recipe.yaml").is_file():
        raise InputError(
            f"{folder}: holds no such weights; give --weights, a training's folder, or --base and "
            "--controlnet (docs/controlnet.md)"
        )
    found: ControlNetRecipe = recipes.load(folder / "recipe.yaml", {"controlnet": ControlNetRecipe})
    return found


def load_pipeline(
    folder: Path | None = None, base: str | None = None, tokenizer: Path | None = None,
    sampling: Sampling | None = None,
) -> ControlNetPalsyPipeline:  # fmt: skip
    """The pipeline of a training's weights; the partially tuned one that ships where nothing is
    said. ``base`` (with its ``tokenizer``, where it is a single file) is the Stable Diffusion,
    where it is not where the recipe says; ``sampling`` is in place of the recipe's.

    Raises InputError where the folder holds no tuned ControlNet, or a base of its own beside one
    that is given.
    """
    folder = folder or ASSETS / "pf"
    recipe = read_recipe(folder)
    model = _found_beside(recipe.model, folder)
    beside = (folder / BESIDE).is_dir()
    if model.strategy.tunes_base and not beside:
        raise InputError(
            f"{folder}: the base that was tuned with it is missing ({BESIDE}/); bring it or train "
            "from scratch"
        )
    if base is not None:
        if beside:
            raise InputError(f"{folder}: holds the base that it was tuned with; leave out --base")
        model = replace(model, base=base, tokenizer=tokenizer)
    if sampling is not None:
        model = replace(model, sampling=sampling)
    found = read_base(model.base, model.tokenizer)
    controlnet = read_controlnet(str(folder / "controlnet"), found)
    began = None
    if model.sampling.outside == "pretrained":
        began = read_controlnet(model.controlnet, found)
    made = ControlNetPalsyPipeline(
        found, controlnet, model.sampling, model.strategy, began, recipe.patients
    )
    return made.to(default_device())


def _found_beside(model: ControlNetSettings, folder: Path) -> ControlNetSettings:
    """What was written beside the weights is found wherever they lie."""
    if (folder / BESIDE).is_dir():
        model = replace(model, base=str(folder / BESIDE), tokenizer=None)
    if model.controlnet == _BEGAN and (folder / _BEGAN).is_dir():
        model = replace(model, controlnet=str(folder / _BEGAN))
    return model


def untuned_pipeline(model: ControlNetSettings | None = None) -> ControlNetPalsyPipeline:
    """The pipeline of a base and a ControlNet as they are; of those that ship by default, which
    sample as in their training."""
    if model is None:
        return load_pipeline(SMALL)
    _check_untuned(model.controlnet)
    base = read_base(model.base, model.tokenizer)
    everywhere = replace(model.sampling, outside="tuned")
    controlnet = read_controlnet(model.controlnet, base)
    return ControlNetPalsyPipeline(base, controlnet, everywhere).to(default_device())


def _check_untuned(controlnet: str | None) -> None:
    """A training's weights say beside them whether patients were shown."""
    path = Path(controlnet or SMALL)
    for folder in (path, path.parent):
        if (folder / "controlnet").is_dir() and (folder / "recipe.yaml").is_file():
            patients = read_recipe(folder).patients
            if patients is not None:
                raise InputError(
                    f"{controlnet}: was tuned on patients (of {patients.dataset}), which is not "
                    "zero-shot; give it as --weights"
                )


def save_pipeline(pipeline: ControlNetPalsyPipeline, folder: Path) -> None:
    """Writes what :func:`load_pipeline` reads; the base is written beside, whole."""
    folder.mkdir(parents=True, exist_ok=True)
    save_base(pipeline.base, folder / BESIDE)
    pipeline.controlnet.save_pretrained(folder / "controlnet")
    if pipeline.pretrained is not None:
        pipeline.pretrained.save_pretrained(folder / _BEGAN)
    began = None if pipeline.pretrained is None else _BEGAN
    model = ControlNetSettings(
        base=BESIDE, controlnet=began, strategy=pipeline.strategy,
        sampling=pipeline.sampling,
    )  # fmt: skip
    recipe = ControlNetRecipe(model=model, patients=pipeline.patients)
    recipes.save(recipe, folder / "recipe.yaml")
