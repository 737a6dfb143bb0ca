"""The rows of the ControlNet paper's comparison: tuned unless weights exist, then evaluated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from palsynth.clinical import Movement
from palsynth.comparison.reporting import headed, reference_rows, result_of
from palsynth.comparison.transfer import transfer
from palsynth.errors import InputError
from palsynth.evaluation.report import Report
from palsynth.face.images import read_image
from palsynth.generation.layout import labelled_grid
from palsynth.methods.base import Method
from palsynth.methods.controlnet.config import Sampling
from palsynth.methods.controlnet.method import (
    Partial,
    PartialCaptured,
    PartialEyesAndMouth,
    PartialInOtherFace,
    ZeroShot,
)
from palsynth.methods.controlnet.pipeline import ControlNetPalsyPipeline
from palsynth.methods.controlnet.recipe import ControlNetRecipe
from palsynth.methods.controlnet.strategies import Strategy
from palsynth.methods.registry import get_method
from palsynth.progress import StageProgress
from palsynth.scoring.patients import PatientPanel, tuned_and_others
from palsynth.training import checkpoints, recipe_file
from palsynth.training.init import init_path
from palsynth.training.loop import train
from palsynth.training.recipe import check_resumable

STRATEGIES = {
    "layer-freezing": Strategy("inner"),
    "layer-freezing-controlnet": Strategy("inner-controlnet"),
    "lora": Strategy("lora"),
    "conventional": Strategy(),
    "pf": Strategy(first=500, last=701),
}
"""Rows of the paper's table that are tuned. Zero-shot is not tuned; PF + CODC, and our variants
with the non-patient's nose or with the captured expression, use the weights of ``pf`` with other
conditioning."""

CAPTURED = ("captured", "pf-captured")
"""Rows whose method gets the patient at rest too, to capture the expression relative to it."""

RANGES = {
    "t000-199": Strategy(first=0, last=200),
    "t800-999": Strategy(first=800, last=1000),
    "t000-999": Strategy(),
    "t500-700": Strategy(first=500, last=701),
}
"""Ranges of timesteps that the paper compares."""


@dataclass(frozen=True)
class Tuning:
    """Recipe and run folders of all rows."""

    recipe: ControlNetRecipe
    """The recipe of every row, but for the strategy."""
    runs: Path
    """Folder of the training runs."""

    def recipe_of(self, strategy: Strategy) -> ControlNetRecipe:
        """The recipe of a row.

        Args:
            strategy: what the row tunes, and at which timesteps.

        Returns:
            The common recipe with that strategy.
        """
        model = replace(self.recipe.model, strategy=strategy, sampling=self.sampling_of(strategy))
        return replace(self.recipe, model=model)

    def sampling_of(self, strategy: Strategy) -> Sampling:
        """How a row is sampled.

        Args:
            strategy: what the row tunes, and at which timesteps.

        Returns:
            The recipe's sampling; where the base is tuned too, it acts at all timesteps.
        """
        sampling = self.recipe.model.sampling
        return replace(sampling, outside="tuned") if strategy.tunes_base else sampling

    def weights(self, name: str, strategy: Strategy) -> Path | None:
        """The weights of a row, tuned first unless they exist.

        Args:
            name: name of the row and of its run folder.
            strategy: what the row tunes, and at which timesteps.

        Returns:
            The folder of the weights; None if the training was interrupted.

        Raises:
            InputError: the run folder holds weights tuned by another recipe or for another number
                of steps.
        """
        run = self.runs / name
        if (run / "weights").is_dir():  # must have been tuned by the same recipe
            done = recipe_file.load(run / "recipe.yaml", {"controlnet": ControlNetRecipe})
            model = replace(done.model, sampling=self.sampling_of(strategy))
            check_resumable(replace(done, model=model), self.recipe_of(strategy), run)
            if done.loop.steps != self.recipe.loop.steps:
                raise InputError(
                    f"{run}: was tuned for {done.loop.steps} steps, not {self.recipe.loop.steps}; "
                    "give another --out, or rows would not compare"
                )
        elif not train(self.recipe_of(strategy), run, resume=bool(checkpoints.steps(run))):
            return None
        return run / "weights"


def methods_of(tuning: Tuning, strategies: dict[str, Strategy]) -> Iterator[tuple[str, Method]]:
    """Loads the methods of a table, tuning those without weights.

    Args:
        tuning: recipe and run folders.
        strategies: row -> strategy: ``STRATEGIES``, with the untuned rows and the variants of
            ``pf``, or ``RANGES``.

    Yields:
        Name and method of every row, up to the first whose training was interrupted.

    Raises:
        InputError: A run folder holds weights tuned by another recipe or number of steps.
    """
    recipe = tuning.recipe
    yield "simulator", get_method("simulator")
    if strategies is STRATEGIES:
        yield "captured", get_method("captured")
        yield (
            "zero-shot",
            ZeroShot(ControlNetPalsyPipeline.untuned(recipe.model, init_path(recipe.init_from))),
        )
    for name, strategy in strategies.items():
        weights = tuning.weights(name, strategy)
        if weights is None:
            return
        pipeline = ControlNetPalsyPipeline.from_pretrained(
            weights, sampling=tuning.sampling_of(strategy)
        )
        yield name, Partial(pipeline)
        if name == "pf" and strategies is STRATEGIES:
            yield "pf-codc", PartialInOtherFace(pipeline)
            yield "pf-eyes-mouth", PartialEyesAndMouth(pipeline)
            yield "pf-captured", PartialCaptured(pipeline)


def compare(
    panel: PatientPanel,
    methods: Iterator[tuple[str, Method]],
    tuned: set[str],
    out: Path,
    progress: StageProgress,
) -> Report:
    """Runs and evaluates methods over a panel's pairs.

    Args:
        panel: the panel of the benchmark set.
        methods: name and method of every row.
        tuned: names of the patients that the methods were tuned on.
        out: images go to ``out/<name>``; those that exist are not made again.
        progress: called with the stage, the images done and their total.

    Returns:
        The copies, then every method; groups separate the patients tuned on from the others.

    Raises:
        InputError: ``out/<name>`` holds images of another method, weights or set.
    """
    results = [result_of(judged, reference=True) for judged in reference_rows(panel)]
    groups = []
    for name, method in methods:
        rest = name in CAPTURED
        pictures = partial(progress, f"{name}, pictures")
        transfer(method, panel.folder, panel.pairs, out / name, rest=rest, progress=pictures)
        judged = panel.judge(name, [out / name / pair.name for pair in panel.pairs])
        results.append(result_of(judged, reference=False))
        groups += tuned_and_others(judged, tuned)
    return headed(panel, results, groups)


def side_by_side(panel: PatientPanel, names: list[str], subject: str, out: Path) -> np.ndarray:
    """A grid of one patient's movements, as in the paper's Figures 6 and 7.

    Args:
        panel: the panel of the benchmark set.
        names: methods, one row each below the patient.
        subject: name of the patient.
        out: the folder given to :func:`compare`.

    Returns:
        (H, W, 3) uint8, one column per movement.
    """
    pairs = [pair for pair in panel.pairs if pair.subject == subject]
    files = {"patient": [panel.folder / pair.expression for pair in pairs]}
    files |= {name: [out / name / pair.name for pair in pairs] for name in names}
    heads = [Movement(pair.movement).label for pair in pairs]
    return labelled_grid({k: [read_image(p) for p in v] for k, v in files.items()}, heads)
