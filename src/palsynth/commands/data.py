"""``palsynth data check | import | stats``."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from palsynth.commands.options import Force
from palsynth.progress import progress_bar


@dataclass(frozen=True)
class CheckOptions:
    """Finds what is wrong with a dataset. Exit code 1 where something is."""

    folder: tyro.conf.Positional[Path]
    """A dataset with metadata.jsonl."""
    faces: bool = True
    """Also look for exactly one face in every image."""


@dataclass(frozen=True)
class ImportOptions:
    """Imports a clinical dataset; lists what it cannot place and the rule that would place it."""

    source: tyro.conf.Positional[Literal["meei", "aflfp", "yfp", "folder"]]
    """Whose layout it is."""
    folder: tyro.conf.Positional[Path]
    """The dataset as its owners hand it out."""
    target: tyro.conf.Positional[Path]
    """A new folder for images and manifest."""
    mapping: Path | None = None
    """For "folder": YAML that names the columns of a label file."""


@dataclass(frozen=True)
class StatsOptions:
    """Counts a dataset's labels, and draws them."""

    folder: tyro.conf.Positional[Path]
    """A dataset with metadata.jsonl."""
    out: Path | None = None
    """Where the picture goes (PNG); beside the dataset where nothing is said."""
    force: Force = False


def data_check(options: CheckOptions) -> None:
    """Finds what is wrong with a dataset. Exit code 1 where something is."""
    from palsynth.data.check import KINDS, check

    with progress_bar("images") as progress:
        found = check(options.folder, faces=options.faces, progress=progress)
    if not found:
        print(f"{options.folder}: nothing wrong")
        return
    for kind, meaning in KINDS.items():
        some = [f for f in found if f.kind == kind]
        if some:
            print(f"\n{kind}: {meaning} ({len(some)})")
            for finding in some[:20]:
                print(f"  {finding.about}: {finding.text}")
            if len(some) > 20:
                print(f"  … and {len(some) - 20} more")
    sys.exit(1)


def data_import(options: ImportOptions) -> None:
    """Imports a clinical dataset; lists what it cannot place and the rule that would place it."""
    from palsynth.data.importers import import_dataset

    rows, unplaced = import_dataset(
        options.source, options.folder, options.target, mapping=options.mapping
    )
    subjects = len({row.subject_id for row in rows})
    print(f"{options.target}: {len(rows)} images of {subjects} subjects")
    if unplaced:
        print(f"\nnot placed: {len(unplaced)}")
        for item in unplaced[:30]:
            print(f"  {item.path}: {item.rule}")
        if len(unplaced) > 30:
            print(f"  … and {len(unplaced) - 30} more")


def data_stats(options: StatsOptions) -> None:
    """Counts a dataset's labels, and draws them."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from palsynth.data.manifest import read_manifest
    from palsynth.data.stats import stats, stats_picture
    from palsynth.face.images import write_png

    found = stats(read_manifest(options.folder))
    table = Table(title=f"{options.folder}: {found.images} images of {found.subjects} subjects")
    table.add_column("label")
    table.add_column("value")
    table.add_column("images", justify="right")
    for name, counts in found.tables.items():
        for value, count in counts.items():
            table.add_row(name, escape(value), str(count))
    Console().print(table)
    folder = options.folder.resolve()
    out = options.out or folder.with_name(folder.name + "-stats.png")
    write_png(out, stats_picture(options.folder))
    print(out)
