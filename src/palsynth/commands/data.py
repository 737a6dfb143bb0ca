"""``palsynth data check | import | stats``."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from palsynth.commands.options import Force
from palsynth.errors import InputError
from palsynth.progress import progress_bar


@dataclass(frozen=True)
class CheckOptions:
    """Check a dataset for errors, and describe how faces lie in its images. Exit code 1 if any
    error is found."""

    folder: tyro.conf.Positional[Path]
    """Dataset folder with metadata.jsonl."""
    faces: bool = True
    """Also find the one usable face of every image, as training does."""


@dataclass(frozen=True)
class ImportOptions:
    """Import a clinical dataset. Exit code 2 if there are files that could not be imported, which
    are listed with the reason; all others are imported."""

    source: tyro.conf.Positional[str]
    """Layout of the source: meei, aflfp, yfp, or folder for one with a label file."""
    folder: tyro.conf.Positional[Path]
    """The source dataset as its owners distribute it."""
    target: tyro.conf.Positional[Path]
    """New folder for the images and the manifest."""
    mapping: Path | None = None
    """For the layout "folder": YAML file that names the columns of the label file."""
    frames: Literal["peak"] | tuple[float, ...] = ()
    """Frames of every video to import: peak for those at the peaks of movements, or times in
    seconds; default: none, videos are listed."""


@dataclass(frozen=True)
class StatsOptions:
    """Count and plot a dataset's labels."""

    folder: tyro.conf.Positional[Path]
    """Dataset folder with metadata.jsonl."""
    out: Path | None = None
    """Output plot (PNG); default: DATASET-stats.png beside the dataset."""
    force: Force = False


def data_check(options: CheckOptions) -> None:
    """Check a dataset for errors. Exit code 1 if any is found."""
    from palsynth.data.check import KINDS, check
    from palsynth.data.faces import describe_faces, find_faces
    from palsynth.data.manifest import read_manifest

    with progress_bar("images") as progress:
        found = check(options.folder, faces=options.faces, progress=progress)
    if options.faces:
        faces = find_faces(options.folder, read_manifest(options.folder, unique=False))
        if lines := describe_faces(faces.values()):
            print("how the faces lie (training and methods crop them level and to one size):")
            print("\n".join(f"  {line}" for line in lines))
    if not found:
        print(f"{options.folder}: no errors found")
        return
    for kind, meaning in KINDS.items():
        findings = [f for f in found if f.kind == kind]
        if findings:
            print(f"\n{kind}: {meaning} ({len(findings)})")
            for finding in findings[:20]:
                print(f"  {finding.about}: {finding.text}")
            if len(findings) > 20:
                print(f"  … and {len(findings) - 20} more")
    sys.exit(1)


def data_import(options: ImportOptions) -> None:
    """Import a clinical dataset; list the files that could not be imported, and why."""
    from palsynth.data.importers import import_dataset

    if options.frames != "peak" and min(options.frames, default=0) < 0:
        raise InputError(f"--frames {min(options.frames):g}: times must not be negative")
    with progress_bar("files") as progress:
        rows, unplaced = import_dataset(
            options.source,
            options.folder,
            options.target,
            options.mapping,
            options.frames,
            progress,
        )
    subjects = len({row.subject_id for row in rows})
    print(f"{options.target}: {len(rows)} images of {subjects} subjects")
    if unplaced:
        print(f"\nnot placed: {len(unplaced)}")
        for item in unplaced:
            print(f"  {item.path}: {item.rule}")
        sys.exit(2)


def data_stats(options: StatsOptions) -> None:
    """Count and plot a dataset's labels."""
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
