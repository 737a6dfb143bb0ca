"""``palsynth table cfcpalsy``, ``controlnet``, ``timesteps`` and ``predecessors``."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import tyro

from palsynth.commands.naming import MethodName
from palsynth.commands.options import named_folders
from palsynth.errors import InputError
from palsynth.guards import forbid_inside
from palsynth.progress import stages_bar


@dataclass(frozen=True)
class TableOptions:
    """Compare CFCPalsy models with the simulator, the ground truth and copies of the inputs.

    Run the command again to resume: finished pictures are reused.
    """

    models: tyro.conf.Positional[tuple[str, ...]]
    """NAME=FOLDER of trained weights, such as full=runs/small/weights;
    default=ships selects the model that ships."""
    data: Path
    """Folder of the benchmark set that palsynth benchmark vp-transfer builds."""
    out: Path
    """Output folder of the pictures and report.html, .md and .json."""
    inception: Path | None = None
    """Inception weights for FID, KID and aFID; default: palsynth's own features."""


def table_cfcpalsy(options: TableOptions) -> None:
    """Compare CFCPalsy models with the simulator, the ground truth and copies of the inputs."""
    from palsynth.comparison.needs import check_needs
    from palsynth.comparison.tables import table
    from palsynth.data.pairs import read_pairs
    from palsynth.evaluation.report import write_report
    from palsynth.methods.registry import get_method
    from palsynth.scoring.features import FeatureCache
    from palsynth.scoring.panel import Panel, Weights

    pairs = read_pairs(options.data / "pairs.csv")
    check_needs(options.data, pairs, rest=True)
    methods = {name: get_method(name) for name in ("simulator", "draft")}
    for name, folder in named_folders(options.models).items():
        if name in methods:
            raise InputError(f"'{name}': is a row of every table; give another name")
        methods[name] = get_method("cfcpalsy", None if folder == Path("ships") else folder)
    with FeatureCache(options.out / "features.sqlite") as cache, stages_bar() as progress:
        panel = Panel(options.data, pairs, Weights(options.inception), cache, progress)
        report = table(panel, methods, options.out, progress)
    write_report(options.out, report, {})
    print(f"{options.out / 'report.html'}: {len(report.results)} rows")


@dataclass(frozen=True)
class ControlNetTableOptions:
    """Compare the fine-tuning strategies of the ControlNet paper; train those whose weights are
    missing.

    Run the command again to resume: finished weights and pictures are reused.
    """

    recipe: tyro.conf.Positional[Path]
    """Recipe of kind controlnet with patients; the rows change only its strategy."""
    data: Path
    """Folder of the benchmark set that palsynth benchmark vp-patients builds:
    its patients are trained on and evaluated, whatever dataset the recipe names."""
    out: Path
    """Output folder of the runs, the pictures and report.html, .md and .json."""
    alexnet: Path | None = None
    """AlexNet weights for LPIPS; default: palsynth's own features."""
    recogniser: Path | None = None
    """ArcFace or AdaFace weights; default: palsynth's own recogniser."""


def table_controlnet(options: ControlNetTableOptions) -> None:
    """Compare the fine-tuning strategies of the ControlNet paper."""
    from palsynth.comparison.controlnet_strategies import STRATEGIES

    _controlnet_table(options, STRATEGIES)


@dataclass(frozen=True)
class TimestepsTableOptions(ControlNetTableOptions):
    """Compare the timestep ranges of the ControlNet paper; train those whose weights are missing.

    Run the command again to resume: finished weights and pictures are reused.
    """

    recipe: tyro.conf.Positional[Path]
    """Recipe of kind controlnet with patients; the rows change only its timesteps."""


def table_timesteps(options: TimestepsTableOptions) -> None:
    """Compare the timestep ranges of the ControlNet paper."""
    from palsynth.comparison.controlnet_strategies import RANGES

    _controlnet_table(options, RANGES)


def _controlnet_table(options: ControlNetTableOptions, strategies) -> None:  # type: ignore[no-untyped-def]
    from palsynth.comparison.controlnet_strategies import (
        STRATEGIES,
        Tuning,
        compare,
        methods_of,
        side_by_side,
    )
    from palsynth.comparison.needs import check_needs
    from palsynth.data.pairs import read_pairs
    from palsynth.evaluation.report import write_report
    from palsynth.face.images import SHOWS_INPUT, png_bytes
    from palsynth.scoring.features import FeatureCache
    from palsynth.scoring.panel import Weights
    from palsynth.scoring.patients import PatientPanel
    from palsynth.training.kinds import load_recipe

    recipe = load_recipe(options.recipe)
    if recipe.kind != "controlnet" or recipe.patients.dataset is None:
        raise InputError(f"{options.recipe}: needs kind controlnet and patients")
    pairs = read_pairs(options.data / "pairs.csv")
    captured = strategies is STRATEGIES  # rows that compare the patient with the patient at rest
    check_needs(options.data, pairs, rest=captured)
    recipe = replace(recipe, patients=replace(recipe.patients, dataset=options.data))
    tuning = Tuning(recipe, options.out / "runs")
    tuned = set(recipe.source().subjects_used())
    weights = Weights(alexnet=options.alexnet, recogniser=options.recogniser)
    with FeatureCache(options.out / "features.sqlite") as cache, stages_bar() as progress:
        panel = PatientPanel(options.data, pairs, weights, cache, progress)
        methods = methods_of(tuning, strategies)
        report = compare(panel, methods, tuned, options.out, progress)
        names = [r.method for r in report.results if not r.reference]
        subject = pairs[0].subject
        picture = side_by_side(panel, names, subject, options.out)
    known = "tuned on" if subject in tuned else "not tuned on"
    caption = f"ten movements of {subject} ({known}): the patient as given, then every method"
    write_report(options.out, report, {caption: png_bytes(picture, **SHOWS_INPUT)})
    print(f"{options.out / 'report.html'}: {len(report.results)} rows")
    missing = [name for name in strategies if name not in names]
    if missing:
        print(f"interrupted: {', '.join(missing)} lacking; start the same command again to go on")
        sys.exit(130)


@dataclass(frozen=True)
class PredecessorsTableOptions:
    """Compare CFCPalsy, the ControlNets and what needs no training with the methods before them and
    with plain diffusion models; one report for each set.

    Run the command again to resume: finished pictures are reused.
    """

    sets: tyro.conf.Positional[tuple[Path, ...]]
    """Folders of benchmark sets, as palsynth benchmark builds them: vp-transfer, vp-patients,
    half-smiles/self or one of your own."""
    out: Path
    """Output folder; report.html, .md and .json of each set lie in OUT/SET."""
    methods: tuple[MethodName, ...] = ()
    """Names of the methods; default: simulator, captured, the predecessors, plain diffusion,
    CFCPalsy and the ControlNets tuned to patients; those without weights are listed and left
    out."""
    weights: tuple[str, ...] = ()
    """NAME=FOLDER of weights of a method, in place of those that ship."""
    split: Literal["train", "validation", "test"] | None = None
    """Use only pairs whose identity belongs to this split, such as test where methods were trained
    on other people of the same set; default: all pairs."""
    people: int | None = None
    """Number of people of each set, evenly spaced; default: all."""
    inception: Path | None = None
    """Inception weights for FID and KID; default: palsynth's own features."""
    alexnet: Path | None = None
    """AlexNet weights for LPIPS; default: palsynth's own features for patients, no LPIPS
    against a truth."""
    recogniser: Path | None = None
    """ArcFace or AdaFace weights; default: palsynth's own recogniser."""

    def __post_init__(self) -> None:
        if self.people is not None and self.people < 2:
            raise InputError(f"--people {self.people}: must be at least 2")
        if not self.sets:
            raise InputError("no set; give at least one folder of palsynth benchmark")
        names = [folder.resolve().name for folder in self.sets]
        double = next((name for name in names if names.count(name) > 1), None)
        if double is not None:
            raise InputError(f"two sets are called {double}; rename the folder of one")
        copy = next((name for name in self.methods if name.startswith("copy-")), None)
        if copy is not None:
            raise InputError(f"--methods {copy}: is a row of every table; leave it out")


def table_predecessors(options: PredecessorsTableOptions) -> None:
    """Compare the methods before CFCPalsy and the ControlNets with these, set by set."""
    from palsynth.comparison.needs import check_needs
    from palsynth.comparison.predecessors import (
        CAPTURED,
        ROWS,
        compare,
        of_split,
        panel_of,
        some_people,
    )
    from palsynth.data.pairs import read_pairs
    from palsynth.evaluation.report import write_report
    from palsynth.face.images import SHOWS_INPUT, png_bytes
    from palsynth.methods.registry import get_method
    from palsynth.scoring.features import FeatureCache
    from palsynth.scoring.panel import Weights

    for folder in options.sets:
        forbid_inside(options.out / folder.resolve().name, *options.sets)
    folders = named_folders(options.weights) if options.weights else {}
    names = options.methods or ROWS
    unknown = next((name for name in folders if name not in names), None)
    if unknown is not None:
        raise InputError(f"--weights {unknown}: is no row of this table; add it to --methods")
    pairs = {}
    for folder in options.sets:
        found = read_pairs(folder / "pairs.csv")
        if options.split is not None:
            found = of_split(folder, found, options.split)
        pairs[folder] = some_people(found, options.people)
        check_needs(folder, pairs[folder], rest=bool(CAPTURED & set(names)))
    methods = {}
    for name in names:
        try:
            methods[name] = get_method(name, folders.get(name))
        except InputError as error:
            if name in options.methods or name in folders:
                raise
            print(f"left out: {error}")
    weights = Weights(options.inception, options.alexnet, options.recogniser)
    for folder, chosen in pairs.items():
        out = options.out / folder.resolve().name
        with FeatureCache(options.out / "features.sqlite") as cache, stages_bar() as progress:
            panel = panel_of(folder, chosen, weights, cache, progress)
            report, picture = compare(panel, methods, out, progress)
        caption = "one movement of each of some people: the inputs, then every method"
        write_report(out, report, {caption: png_bytes(picture, **SHOWS_INPUT)})
        print(f"{out / 'report.html'}: {len(report.results)} rows")
