"""``palsynth evaluate`` and ``palsynth evaluate compare``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro

from palsynth.errors import InputError
from palsynth.files import outside
from palsynth.progress import stages_bar


@dataclass(frozen=True)
class EvaluateOptions:
    """Judges a method's pictures; writes report.html, report.md, report.json.

    With pairs.csv every picture is held against its true answer; without, the set against the
    set of real pictures, and each picture against the labels of its own manifest. Start it again
    to go on: what the judges saw is kept by the pictures' content.
    """

    real: Path
    """Folder of the set: identity and expression images and the true answers; or any folder of
    real pictures."""
    fake: Path
    """Folder of the method's pictures, named as in pairs.csv where there is one."""
    out: Path
    """Folder of the report."""
    pairs: Path | None = None
    """pairs.csv; that of the set where nothing is said."""
    name: str | None = None
    """What the method is called in the tables; its folder's name where nothing is said."""
    inception: Path | None = None
    """Weights of Inception for FID and KID; our own features stand in, and the column says so."""
    alexnet: Path | None = None
    """Weights of AlexNet for LPIPS; without them there is no LPIPS column."""
    recogniser: Path | None = None
    """AdaFace or ArcFace weights for the cosine; our recogniser where nothing is said."""
    cache: Path | None = None
    """Where features are kept, those of the faces too; beside the report where nothing is said."""


@dataclass(frozen=True)
class CompareOptions:
    """Puts several reports into one table."""

    reports: tyro.conf.Positional[tuple[Path, ...]]
    """Folders written by palsynth evaluate."""
    out: Path
    """Folder of the joint report."""


def evaluate(options: EvaluateOptions) -> None:
    """Judges a method's pictures of a benchmark set."""
    from palsynth.comparison.reporting import report_of
    from palsynth.comparison.unpaired import unpaired_report
    from palsynth.data.pairs import read_pairs
    from palsynth.evaluation.report import write_report
    from palsynth.scoring.features import FeatureCache
    from palsynth.scoring.panel import Panel, Weights

    outside(options.out, options.real, options.fake)
    listed = options.pairs or options.real / "pairs.csv"
    pairs = read_pairs(listed) if options.pairs or listed.is_file() else None
    name = options.name or options.fake.resolve().name
    weights = Weights(options.inception, options.alexnet, options.recogniser)
    with (
        FeatureCache(options.cache or options.out / "features.sqlite") as cache,
        stages_bar() as progress,
    ):
        if pairs is None:
            if options.alexnet or options.recogniser:
                raise InputError("--alexnet and --recogniser compare pairs; there is no pairs.csv")
            report, pictures = unpaired_report(
                options.real, options.fake, name, weights, cache, progress
            )
        else:
            panel = Panel(options.real, pairs, weights, cache, progress)
            report, pictures = report_of(panel, name, [options.fake / pair.name for pair in pairs])
        write_report(options.out, report, pictures)
    print(f"{options.out / 'report.html'}: {report.title}")


def evaluate_compare(options: CompareOptions) -> None:
    """Puts several reports into one table."""
    from palsynth.evaluation.report import join, read_report, write_report

    if not options.reports:
        raise InputError("name the folders of at least one report")
    joint = join([read_report(folder / "report.json") for folder in options.reports])
    write_report(options.out, joint, {})
    print(f"{options.out / 'report.html'}: {len(joint.results)} rows")
