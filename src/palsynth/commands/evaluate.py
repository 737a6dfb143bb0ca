"""``palsynth evaluate`` and ``palsynth evaluate compare``."""

from __future__ import annotations

from dataclasses import dataclass
from inspect import getdoc
from pathlib import Path
from typing import Annotated

import tyro

from palsynth.errors import InputError
from palsynth.evaluation.metrics import help_text, titles
from palsynth.guards import forbid_inside
from palsynth.progress import stages_bar


@dataclass(frozen=True)
class EvaluateOptions:
    """Evaluate a method's pictures; write report.html, report.md and report.json.

    With pairs.csv, every picture is compared with its ground truth. Without it, the set is
    compared with the set of real pictures, and each picture with the labels in its own manifest.
    Run the command again to resume: features are cached by the content of the pictures.
    """

    real: Path
    """Folder of the benchmark set (identity images, expression images, ground truth),
    or any folder of real pictures."""
    fake: Path
    """Folder of the method's pictures, named as in pairs.csv if there is one."""
    out: Path
    """Output folder of the report."""
    pairs: Path | None = None
    """The pairs.csv to use; default: that of --real, if it has one."""
    unpaired: bool = False
    """Compare the sets as wholes, although there is a pairs.csv."""
    name: str | None = None
    """Name of the method in the tables; default: the name of the folder --fake."""
    inception: Annotated[
        Path | None,
        tyro.conf.arg(
            help=f"Inception weights for {titles('inception')}; default: palsynth's own features, "
            "which the column states."
        ),
    ] = None
    alexnet: Annotated[
        Path | None,
        tyro.conf.arg(help=f"AlexNet weights for {titles('alexnet')}; default: no such column."),
    ] = None
    recogniser: Annotated[
        Path | None,
        tyro.conf.arg(
            help=f"AdaFace or ArcFace weights for {titles('recogniser')}; default: palsynth's own "
            "recogniser."
        ),
    ] = None
    cache: Path | None = None
    """Cache file of the features, those of faces included; default: features.sqlite in --out."""


EvaluateOptions.__doc__ = f"{getdoc(EvaluateOptions)}\n\n{help_text()}"


@dataclass(frozen=True)
class CompareOptions:
    """Join several reports in one table."""

    reports: tyro.conf.Positional[tuple[Path, ...]]
    """Report folders written by palsynth evaluate."""
    out: Path
    """Output folder of the joint report."""


def evaluate(options: EvaluateOptions) -> None:
    """Evaluate a method's pictures of a benchmark set."""
    from palsynth.comparison.reporting import report_of
    from palsynth.comparison.unpaired import unpaired_report
    from palsynth.data.pairs import read_pairs
    from palsynth.evaluation.report import write_report
    from palsynth.scoring.features import FeatureCache
    from palsynth.scoring.panel import Panel, Weights

    forbid_inside(options.out, options.real, options.fake)
    table = options.pairs or options.real / "pairs.csv"
    if options.unpaired and options.pairs:
        raise InputError("--pairs and --unpaired: give one of the two")
    paired = options.pairs or (table.is_file() and not options.unpaired)
    pairs = read_pairs(table, options.real) if paired else None
    name = options.name or options.fake.resolve().name
    weights = Weights(options.inception, options.alexnet, options.recogniser)
    with (
        FeatureCache(options.cache or options.out / "features.sqlite") as cache,
        stages_bar() as progress,
    ):
        if pairs is None:
            if options.alexnet or options.recogniser:
                raise InputError(
                    "--alexnet and --recogniser compare pairs; the sets are compared without"
                )
            report, pictures = unpaired_report(
                options.real, options.fake, name, weights, cache, progress
            )
        else:
            panel = Panel(options.real, pairs, weights, cache, progress)
            report, pictures = report_of(panel, name, [options.fake / pair.name for pair in pairs])
        write_report(options.out, report, pictures)
    print(f"{options.out / 'report.html'}: {report.title}")


def evaluate_compare(options: CompareOptions) -> None:
    """Join several reports in one table."""
    from palsynth.evaluation.report import join, read_report, write_report

    if not options.reports:
        raise InputError("name the folders of at least one report")
    joint = join([read_report(folder / "report.json") for folder in options.reports])
    write_report(options.out, joint, {})
    print(f"{options.out / 'report.html'}: {len(joint.results)} rows")
