"""A run's objective with its averaged weights, to look at what it has learnt."""

from __future__ import annotations

from pathlib import Path

from palsynth.errors import InputError
from palsynth.training import checkpoints
from palsynth.training.loop import build
from palsynth.training.objective import Objective
from palsynth.training.recipe import Recipe


def restored(recipe: Recipe, run: Path) -> Objective:
    """The objective of a run in evaluation mode, with the averaged weights of its newest
    checkpoint. Raises InputError where the run has none."""
    found = checkpoints.steps(run)
    if not found:
        raise InputError(f"{run}: holds no checkpoint; give the folder of a training run")
    objective = build(recipe)
    folder = run / "checkpoints" / f"step-{found[-1]}"
    checkpoints.fill(objective.trained_state(), checkpoints.read(folder, "ema"), folder)
    return objective.eval()
