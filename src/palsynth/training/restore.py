"""Restores the averaged weights of a run, for evaluating it."""

from __future__ import annotations

from pathlib import Path

from palsynth.errors import InputError
from palsynth.training import checkpoints
from palsynth.training.loop import build
from palsynth.training.objective import Objective
from palsynth.training.recipe import Recipe


def restored(recipe: Recipe, run: Path) -> Objective:
    """Builds the objective of a run with the averaged weights of its newest checkpoint.

    Args:
        recipe: the recipe of the run.
        run: folder of the run.

    Returns:
        The objective in evaluation mode, on the CPU.

    Raises:
        InputError: the run has no checkpoint, or it does not fit the recipe.
    """
    steps = checkpoints.steps(run)
    if not steps:
        raise InputError(f"{run}: holds no checkpoint; give the folder of a training run")
    objective = build(recipe)
    folder = run / "checkpoints" / f"step-{steps[-1]}"
    checkpoints.fill(objective.trained_state(), checkpoints.read(folder, "ema"), folder)
    return objective.eval()
