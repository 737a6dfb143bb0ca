"""``palsynth table cfcpalsy``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro

from palsynth.commands.options import named_folders
from palsynth.errors import InputError
from palsynth.progress import stages_bar


@dataclass(frozen=True)
class TableOptions:
    """The comparison of CFCPalsy: trained models beside the simulator, the truth and the copies.

    Start it again to go on: pictures that are there are not made again.
    """

    models: tyro.conf.Positional[tuple[str, ...]]
    """NAME=FOLDER of trained weights, such as full=runs/small/weights; default=ships is the model
    that ships."""
    data: Path
    """Folder of the set, as palsynth benchmark vp-transfer makes it."""
    out: Path
    """Folder of the pictures and of report.html, .md and .json."""
    inception: Path | None = None
    """Weights of Inception for FID, KID and aFID; our own features stand in."""


def table_cfcpalsy(options: TableOptions) -> None:
    """The comparison of CFCPalsy: trained models beside the simulator, the truth and the copies."""
    from palsynth.evaluation.report import write_report
    from palsynth.experiments.benchmark_sets import read_pairs
    from palsynth.experiments.evaluation import Panel, Weights
    from palsynth.experiments.features import FeatureCache
    from palsynth.experiments.tables import table
    from palsynth.methods.base import get_method

    methods = {name: get_method(name) for name in ("simulator", "draft")}
    for name, folder in named_folders(options.models).items():
        if name in methods:
            raise InputError(f"'{name}': is a row of every table; give another name")
        methods[name] = get_method("cfcpalsy", None if folder == Path("ships") else folder)
    pairs = read_pairs(options.data / "pairs.csv")
    with FeatureCache(options.out / "features.sqlite") as cache, stages_bar() as tell:
        panel = Panel(options.data, pairs, Weights(options.inception), cache, tell)
        report = table(panel, methods, options.out, tell)
    write_report(options.out, report, {})
    print(f"{options.out / 'report.html'}: {len(report.results)} rows")
