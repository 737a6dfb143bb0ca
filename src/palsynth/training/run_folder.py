"""The folder of a run: whether it may be used, and its first files."""

from __future__ import annotations

from pathlib import Path

from palsynth.errors import InputError
from palsynth.training import checkpoints
from palsynth.training import recipe as recipes
from palsynth.training.recipe import Recipe


def check_folder(recipe: Recipe, run: Path, resume: bool) -> None:
    """Checks that a run may be started or continued in a folder.

    Args:
        recipe: the recipe.
        run: folder of the run.
        resume: whether a run is to be continued.

    Raises:
        InputError: the folder holds a run that this one may not overwrite or continue.
    """
    if checkpoints.steps(run):
        if not resume:
            raise InputError(
                f"{run}: holds a run; say --resume to continue it, or give another --out"
            )
        kinds: dict[str, type] = {recipe.kind: type(recipe)}
        try:
            before = recipes.load(run / "recipe.yaml", kinds)
        except InputError as error:
            raise InputError(
                f"{error}; put the recipe of the run there, or give another --out"
            ) from None
        recipes.check_resumable(before, recipe, run)
    elif resume:
        raise InputError(f"{run}: holds no checkpoint to resume from")
    elif (run / "weights").exists():
        raise InputError(f"{run}: holds a finished run; give another --out")


def check_recipe_file(recipe: Recipe, path: Path, run: Path) -> None:
    """Checks that a new run does not overwrite the recipe file that it starts from.

    Args:
        recipe: the recipe as it was read, with the options of the command.
        path: the file that it was read from.
        run: folder of the run.

    Raises:
        InputError: the file is the one to which the run saves the recipe, and would change.
    """
    saved = run / "recipe.yaml"
    if checkpoints.steps(run) or not (saved.exists() and saved.samefile(path)):
        return
    if path.read_text("utf-8") != recipes.to_yaml(recipe):
        raise InputError(f"{path}: the run would overwrite this recipe; give another --out")


def prepare_folder(recipe: Recipe, run: Path) -> None:
    """Creates the folder with the recipe; removes what a killed run left half done.

    A run without a checkpoint starts again, so its logs and samples are removed too.

    Args:
        recipe: the recipe.
        run: folder of the run.

    Raises:
        InputError: the folder cannot be created.
    """
    try:
        run.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{run}: cannot be created ({error.strerror or error})") from None
    checkpoints.tidy(run, recipe.loop.max_checkpoints)
    if not checkpoints.steps(run):
        logs = (run / "metrics.jsonl", run / "speed.jsonl")
        for stale in (*logs, *run.glob("samples/step-*.png")):
            stale.unlink(missing_ok=True)
    recipes.save(recipe, run / "recipe.yaml")
