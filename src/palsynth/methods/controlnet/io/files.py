"""A trained ControlNet on disk: recipe.yaml, controlnet/, and base/ if that was tuned too."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from palsynth.errors import InputError
from palsynth.methods.controlnet.config import ControlNetSettings, Sampling
from palsynth.methods.controlnet.io.layout import ASSETS, BASE_FOLDER, SMALL, save_base
from palsynth.methods.controlnet.io.loading import read_base, read_controlnet
from palsynth.methods.controlnet.pipeline import ControlNetPalsyPipeline
from palsynth.methods.controlnet.recipe import ControlNetRecipe
from palsynth.methods.networks import default_device
from palsynth.training import recipe as recipes

_PRETRAINED = "pretrained"
"""Subfolder of a saved pipeline with the ControlNet that tuning started from."""


def read_recipe(folder: Path) -> ControlNetRecipe:
    """Reads the recipe beside trained weights.

    Args:
        folder: the weights of a training.

    Returns:
        The recipe of that training.

    Raises:
        InputError: the folder has no recipe, or the recipe is faulty.
    """
    if not (folder / "recipe.yaml").is_file():
        raise InputError(
            f"{folder}: holds no such weights; give --weights, a training's folder, or --base and "
            "--controlnet (docs/controlnet.md)"
        )
    recipe: ControlNetRecipe = recipes.load(
        folder / "recipe.yaml", {"controlnet": ControlNetRecipe}
    )
    return recipe


def load_pipeline(
    folder: Path | None = None,
    base: str | None = None,
    tokenizer: Path | None = None,
    sampling: Sampling | None = None,
) -> ControlNetPalsyPipeline:
    """Loads the pipeline of trained weights, on the default device.

    Args:
        folder: the weights of a training; default: the partially fine-tuned ones that ship.
        base: the Stable Diffusion, in place of the one that the recipe names.
        tokenizer: folder of its tokenizer, if ``base`` is a single file.
        sampling: in place of the recipe's.

    Returns:
        The pipeline, with the strategy and the patients of the recipe.

    Raises:
        InputError: the folder holds no trained ControlNet, lacks the base that was tuned with it,
            or has one while ``base`` is given too.
    """
    folder = folder or ASSETS / "pf"
    recipe = read_recipe(folder)
    model = _with_saved_paths(recipe.model, folder)
    has_base = (folder / BASE_FOLDER).is_dir()
    if model.strategy.tunes_base and not has_base:
        raise InputError(
            f"{folder}: the base that was tuned with it is missing ({BASE_FOLDER}/); bring "
            "it or train "
            "from scratch"
        )
    if base is not None:
        if has_base:
            raise InputError(f"{folder}: holds the base that it was tuned with; leave out --base")
        model = replace(model, base=base, tokenizer=tokenizer)
    if sampling is not None:
        model = replace(model, sampling=sampling)
    components = read_base(model.base, model.tokenizer)
    controlnet = read_controlnet(str(folder / "controlnet"), components)
    pretrained = None
    if model.sampling.outside == "pretrained":
        pretrained = read_controlnet(model.controlnet, components)
    pipeline = ControlNetPalsyPipeline(
        components, controlnet, model.sampling, model.strategy, pretrained, recipe.patients
    )
    return pipeline.to(default_device())


def _with_saved_paths(model: ControlNetSettings, folder: Path) -> ControlNetSettings:
    """Points to the networks saved with the weights, wherever the folder has been moved."""
    if (folder / BASE_FOLDER).is_dir():
        model = replace(model, base=str(folder / BASE_FOLDER), tokenizer=None)
    if model.controlnet == _PRETRAINED and (folder / _PRETRAINED).is_dir():
        model = replace(model, controlnet=str(folder / _PRETRAINED))
    return model


def untuned_pipeline(model: ControlNetSettings | None = None) -> ControlNetPalsyPipeline:
    """Loads the pipeline of a base and a ControlNet that was not tuned on patients.

    Args:
        model: which base and ControlNet, and how to sample; default: those that ship, which
            sample as in their training.

    Returns:
        The pipeline, on the default device.

    Raises:
        InputError: the ControlNet was tuned on patients, or cannot be loaded.
    """
    if model is None:
        return load_pipeline(SMALL)
    _check_untuned(model.controlnet)
    base = read_base(model.base, model.tokenizer)
    everywhere = replace(model.sampling, outside="tuned")
    controlnet = read_controlnet(model.controlnet, base)
    return ControlNetPalsyPipeline(base, controlnet, everywhere).to(default_device())


def _check_untuned(controlnet: str | None) -> None:
    """Refuses a ControlNet whose recipe, beside its weights, names patients."""
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
    """Saves a pipeline with its whole base, as :func:`load_pipeline` reads it.

    Args:
        pipeline: what is saved.
        folder: where it is written; made if missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    save_base(pipeline.base, folder / BASE_FOLDER)
    pipeline.controlnet.save_pretrained(folder / "controlnet")
    if pipeline.pretrained is not None:
        pipeline.pretrained.save_pretrained(folder / _PRETRAINED)
    model = ControlNetSettings(
        base=BASE_FOLDER,
        controlnet=None if pipeline.pretrained is None else _PRETRAINED,
        strategy=pipeline.strategy,
        sampling=pipeline.sampling,
    )
    recipe = ControlNetRecipe(model=model, patients=pipeline.patients)
    recipes.save(recipe, folder / "recipe.yaml")
