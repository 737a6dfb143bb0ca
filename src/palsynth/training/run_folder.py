"""The folder of a run: whether it may be used, and its first files."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError, safe_open

from palsynth.documents import DocumentError, read_json
from palsynth.errors import InputError
from palsynth.training import checkpoints, recipe_file
from palsynth.training.recipe import Recipe, check_resumable


def check_folder(recipe: Recipe, run: Path, resume: bool) -> None:
    """Checks that a run may be started or continued in a folder.

    Args:
        recipe: the recipe.
        run: folder of the run.
        resume: whether a run is to be continued.

    Raises:
        InputError: the folder holds a run that this one may not overwrite or continue, or an older
            checkpoint, which resuming does not read, is damaged.
    """
    if checkpoints.steps(run):
        if not resume:
            raise InputError(
                f"{run}: holds a run; say --resume to continue it, or give another --out"
            )
        kinds: dict[str, type] = {recipe.kind: type(recipe)}
        try:
            before = recipe_file.load(run / "recipe.yaml", kinds)
        except InputError as error:
            raise InputError(
                f"{error}; put the recipe of the run there, or give another --out"
            ) from None
        check_resumable(before, recipe, run)
        _check_older(run)
    elif resume:
        raise InputError(f"{run}: holds no checkpoint to resume from")
    elif (run / "weights").exists():
        raise InputError(f"{run}: holds a finished run; give another --out")


def _check_older(run: Path) -> None:
    """Raises InputError if a file of an older checkpoint is missing, empty or cut short."""
    folders = [run / "checkpoints" / f"step-{step}" for step in checkpoints.steps(run)]
    for folder in folders[:-1]:
        for path in sorted(folders[-1].iterdir()):
            fault = _fault(folder / path.name)
            if fault is not None:
                raise InputError(
                    f"{folder / path.name}: {fault}; the checkpoint is damaged: delete {folder}, "
                    "and the run resumes from the newest one"
                )


def _fault(path: Path) -> str | None:
    """Why a file of a checkpoint is not complete; its tensors are not read."""
    if not path.is_file():
        return "has been deleted"
    try:
        if path.suffix == ".safetensors":
            with safe_open(path, "pt"):  # compares the file's size with what its header says
                pass
        else:
            read_json(path)
    except DocumentError as error:
        return error.fault
    except (OSError, SafetensorError) as error:
        return f"cannot be read ({error})"
    return None


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
    if path.read_text("utf-8") != recipe_file.to_yaml(recipe):
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
    recipe_file.save(recipe, run / "recipe.yaml")
