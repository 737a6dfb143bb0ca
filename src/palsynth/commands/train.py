"""``palsynth train`` and ``palsynth release``: train a recipe and export its weights."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, make_dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from palsynth import renamed
from palsynth.commands.parsing import parse_options
from palsynth.errors import InputError
from palsynth.limits import check_limits
from palsynth.terminal import say


@dataclass(frozen=True)
class TrainOptions:
    """Train a recipe. Every field of the recipe is an option too, as in --loop.steps 500."""

    out: Path | None = None
    """Output folder of the run; default: runs/ and the name of the recipe file."""
    resume: bool = False
    """Resume from the newest checkpoint in the output folder."""
    dry_run: bool = False
    """Do not train; estimate parameters, FLOPs, memory, images per second, time and disk space."""


def train(words: Sequence[str]) -> None:
    """Train a recipe.

    Args:
        words: the path of the recipe, then options and fields of the recipe.

    Raises:
        InputError: no recipe is named, the recipe or a field is not valid, or the run would
            overwrite the recipe file.
    """
    if not words or words[0].startswith("-"):
        if "--help" not in words and "-h" not in words:
            raise InputError("name a recipe first, as in palsynth train recipes/identity.yaml")
        from palsynth.training.kinds import kind_places

        print(
            "usage: palsynth train RECIPE.yaml [--out RUN] [--resume] [--dry-run] [--FIELD VALUE]\n"
            "\nEvery field of the recipe is an option: palsynth train RECIPE.yaml --help\n"
            f"Kinds of recipe: {', '.join(kind_places())}"
        )
        return
    path = Path(words[0])
    options, recipe = _parse(path, words[1:])
    run = options.out or Path("runs") / path.stem
    if options.dry_run:
        from palsynth.training.forecast import forecast

        print(forecast(recipe))
        return
    from palsynth.training.loop import train as run_recipe
    from palsynth.training.run_folder import check_recipe_file

    if not options.resume:
        check_recipe_file(recipe, path, run)
    finished = run_recipe(recipe, run, resume=options.resume)
    if os.environ.get("RANK", "0") == "0":  # only one of several processes prints
        done = f"trained; the weights are in {run / 'weights'}"
        hint = f"resume with: palsynth train {run / 'recipe.yaml'} --out {run} --resume"
        print(f"{run}: {done if finished else f'interrupted and saved; {hint}'}")
    if not finished:
        sys.exit(130)


@dataclass(frozen=True)
class ReleaseOptions:
    """Export a finished run's weights in half precision, with its recipe and metrics."""

    run: tyro.conf.Positional[Path]
    """Folder of the finished run."""
    out: Path
    """Output folder of the weights; an existing model card is preserved."""


def release(options: ReleaseOptions) -> None:
    """Export a finished run's weights in half precision, with its recipe and metrics."""
    from palsynth.files import atomic_folder
    from palsynth.training.kinds import load_recipe
    from palsynth.training.release import check_run
    from palsynth.training.release import release as write

    check_run(options.run, options.out)
    kind = load_recipe(options.run / "weights" / "recipe.yaml").kind
    if kind == "identity":
        from palsynth.encoders.shipped import load_ours

        load_ours("identity", options.run / "weights")  # a fault is named where it is
    with atomic_folder(options.out) as folder:  # never new weights with a former ONNX file
        size = write(options.run, folder)
        if kind == "identity":
            from palsynth.encoders.export import export_onnx
            from palsynth.encoders.recogniser import ONNX

            export_onnx(load_ours("identity", folder), folder / ONNX)
    print(f"{options.out}: {size / 2**20:.1f} MiB of weights")


def _parse(path: Path, words: Sequence[str]) -> tuple[TrainOptions, Any]:
    from palsynth.training.kinds import load_recipe

    recipe = load_recipe(path, lambda line: say(line, sys.stderr))
    words = renamed.recipe_options(type(recipe), words)
    kind: Any = Annotated[type(recipe), tyro.conf.arg(name="")]
    both = make_dataclass("train", [("recipe", kind, recipe)], bases=(TrainOptions,), frozen=True)
    both.__doc__ = TrainOptions.__doc__
    parsed: Any = parse_options(both, words, f"palsynth train {path}", prefixes=True)
    check_limits(parsed.recipe)
    return parsed, parsed.recipe


train.parses_itself = True  # type: ignore[attr-defined]
