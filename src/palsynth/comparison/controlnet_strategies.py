"""The rows of the ControlNet paper's comparison: trained where they are missing, then judged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from palsynth.clinical import Movement
from palsynth.comparison.reporting import headed, reference_rows, result_of
from palsynth.comparison.transfer import transfer
from palsynth.errors import InputError
from palsynth.evaluation.report import Report
from palsynth.face.images import read_image
from palsynth.generation.sheet import labelled_grid
from palsynth.methods.base import Method, get_method
from palsynth.methods.controlnet.io.files import load_pipeline, untuned_pipeline
from palsynth.methods.controlnet.method import (
    Partial,
    PartialCaptured,
    PartialEyesAndMouth,
    PartialInOtherFace,
    ZeroShot,
)
from palsynth.methods.controlnet.pipeline import Sampling
from palsynth.methods.controlnet.recipe import ControlNetRecipe
from palsynth.methods.controlnet.strategies import Strategy
from palsynth.scoring.patients import PatientPanel, tuned_and_others
from palsynth.training import checkpoints
from palsynth.training import recipe as recipes
from palsynth.training.loop import train

StageProgress = Callable[[str, int, int], None]

STRATEGIES = {
    "layer-freezing": Strategy("inner"),
    "layer-freezing-controlnet": Strategy("inner-controlnet"),
    "lora": Strategy("lora"),
    "conventional": Strategy(),
    "pf": Strategy(first=500, last=701),
}
"""Rows of the paper's table that are tuned; zero-shot is not, and PF + CODC (and ours, with the
non-patient's nose or with the captured expression) are told otherwise."""

CAPTURED = ("captured", "pf-captured")
"""Rows that read the patient against the patient's rest."""

RANGES = {
    "t000-199": Strategy(first=0, last=200),
    "t800-999": Strategy(first=800, last=1000),
    "t000-999": Strategy(),
    "t500-700": Strategy(first=500, last=701),
}
"""The ranges of timesteps that the paper compares."""


@dataclass(frozen=True)
class Tuning:
    """What every row is tuned with: ``recipe`` in which only the strategy changes."""

    recipe: ControlNetRecipe
    runs: Path

    def recipe_of(self, strategy: Strategy) -> ControlNetRecipe:
        """The recipe of a row."""
        model = replace(self.recipe.model, strategy=strategy, sampling=self.sampling_of(strategy))
        return replace(self.recipe, model=model)

    def sampling_of(self, strategy: Strategy) -> Sampling:
        """How a row is drawn: as the recipe says, but for a base that was tuned too, which acts at
        all timesteps."""
        sampling = self.recipe.model.sampling
        return replace(sampling, outside="tuned") if strategy.tunes_base else sampling

    def weights(self, name: str, strategy: Strategy) -> Path | None:
        """The folder of a row's weights, trained first where it is missing; None where it was
        interrupted."""
        run = self.runs / name
        if (run / "weights").is_dir():  # tuned alike, or the row would say another's
            done = recipes.load(run / "recipe.yaml", {"controlnet": ControlNetRecipe})
            model = replace(done.model, sampling=self.sampling_of(strategy))
            recipes.check_resumable(replace(done, model=model), self.recipe_of(strategy), run)
            if done.loop.steps != self.recipe.loop.steps:
                raise InputError(
                    f"{run}: was tuned for {done.loop.steps} steps, not {self.recipe.loop.steps}; "
                    "give another --out, or rows would not compare"
                )
        elif not train(self.recipe_of(strategy), run, resume=bool(checkpoints.steps(run))):
            return None
        return run / "weights"


def methods_of(tuning: Tuning, strategies: dict[str, Strategy]) -> Iterator[tuple[str, Method]]:
    """Name and method of every row whose weights are there or can be trained."""
    yield "simulator", get_method("simulator")
    if strategies is STRATEGIES:
        yield "captured", get_method("captured")
    if strategies is STRATEGIES:
        yield "zero-shot", ZeroShot(untuned_pipeline(tuning.recipe.model))
    for name, strategy in strategies.items():
        weights = tuning.weights(name, strategy)
        if weights is None:
            return
        pipeline = load_pipeline(weights, sampling=tuning.sampling_of(strategy))
        yield name, Partial(pipeline)
        if name == "pf" and strategies is STRATEGIES:
            yield "pf-codc", PartialInOtherFace(pipeline)
            yield "pf-eyes-mouth", PartialEyesAndMouth(pipeline)
            yield "pf-captured", PartialCaptured(pipeline)


def compare(
    panel: PatientPanel, methods: Iterator[tuple[str, Method]], tuned: set[str], out: Path,
    progress: StageProgress,
) -> Report:  # fmt: skip
    """Every method over the panel's pairs, below the copies; apart for the patients that it was
    ``tuned`` on. Pictures lie in ``out/<name>``; what is there is not made again."""
    results = [result_of(judged, reference=True) for judged in reference_rows(panel)]
    groups = []
    for name, method in methods:
        rest = name in CAPTURED
        for done in transfer(method, panel.folder, panel.pairs, out / name, rest=rest):
            progress(f"{name}, pictures", done, len(panel.pairs))
        judged = panel.judge(name, [out / name / pair.name for pair in panel.pairs])
        results.append(result_of(judged, reference=False))
        groups += tuned_and_others(judged, tuned)
    return headed(panel, results, groups)


def side_by_side(panel: PatientPanel, names: list[str], subject: str, out: Path) -> np.ndarray:
    """The ten movements of one patient across, the patient above every method (the paper's
    Figures 6 and 7), (H, W, 3) uint8."""
    rows = [pair for pair in panel.pairs if pair.subject == subject]
    lines = {"patient": [panel.folder / pair.expression for pair in rows]}
    lines |= {name: [out / name / pair.name for pair in rows] for name in names}
    heads = [Movement(pair.movement).label for pair in rows]
    return labelled_grid({k: [read_image(p) for p in v] for k, v in lines.items()}, heads)
