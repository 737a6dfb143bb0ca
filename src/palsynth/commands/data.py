"""``palsynth data check | import | stats``."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import tyro

from palsynth.commands.options import Force, PictureFile
from palsynth.errors import InputError
from palsynth.progress import late_progress_bar, progress_bar
from palsynth.terminal import console, literal, say

if TYPE_CHECKING:
    from palsynth.data.check import Fault


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
    """Import a clinical dataset. Exit code 2 if there are files that could not be imported or
    labels that could not be read, which are listed with the reason; all others are imported."""

    source: tyro.conf.Positional[str]
    """Layout of the source: meei, aflfp, yfp, or folder for one with a label file."""
    folder: tyro.conf.Positional[Path]
    """The source dataset as its owners distribute it."""
    target: tyro.conf.Positional[Path]
    """New folder for the images and the manifest."""
    mapping: Path | None = None
    """For the layout "folder": YAML file that names the columns of the label file."""
    frames: Literal["peak", "clips"] | tuple[float, ...] = ()
    """Frames of every video to import: peak for those at the peaks of movements, times in seconds,
    or clips for all of them as a clip without sound and metadata; default: none, videos are
    listed."""
    keep_metadata: bool = False
    """Copy pictures as they are; by default, places, names, dates, devices, previews and comments
    in them are removed. Their pixels are the same in either case."""
    faces: bool = False
    """Also list faces that are small, or not at rest where they should be, as data check does; it
    takes some 0.1 s an image."""


@dataclass(frozen=True)
class StatsOptions:
    """Count and plot a dataset's labels."""

    folder: tyro.conf.Positional[Path]
    """Dataset folder with metadata.jsonl."""
    out: PictureFile | None = None
    """Output plot (PNG); default: DATASET-stats.png beside the dataset."""
    force: Force = False


def data_check(options: CheckOptions) -> None:
    """Check a dataset for errors. Exit code 1 if any is found."""
    from palsynth.data.check import KINDS, NOTES, check, notes
    from palsynth.data.faces import describe_faces, find_faces
    from palsynth.data.manifest import read_manifest

    with late_progress_bar("images") as progress:
        found = check(options.folder, faces=options.faces, progress=progress)
    if options.faces:
        rows = read_manifest(options.folder, unique=False)
        faces = find_faces(options.folder, rows)
        if lines := describe_faces(faces.values()):
            print("how the faces lie (training and methods crop them level and to one size):")
            say("\n".join(f"  {line}" for line in lines))
        _print_faults(NOTES, notes(options.folder, rows))
    if not found:
        print(f"{options.folder}: no errors found")
        return
    _print_faults(KINDS, found)
    sys.exit(1)


def _print_faults(kinds: Mapping[str, str], found: list[Fault]) -> None:
    for kind, meaning in kinds.items():
        findings = [f for f in found if f.kind == kind]
        if findings:
            print(f"\n{kind}: {meaning} ({len(findings)})")
            for finding in findings[:20]:
                print(literal(f"  {finding.about}: {finding.text}"))
            if len(findings) > 20:
                print(f"  … and {len(findings) - 20} more")


def data_import(options: ImportOptions) -> None:
    """Import a clinical dataset; list the files that could not be imported, and why."""
    from palsynth.data.check import NOTES, notes
    from palsynth.data.importers import import_dataset
    from palsynth.data.writer import CLIP
    from palsynth.generation.video.write import write_clip

    if options.frames == "clips":
        _check_writes_clips()
    elif options.frames != "peak" and min(options.frames, default=0) < 0:
        raise InputError(f"--frames {min(options.frames):g}: times must not be negative")
    with progress_bar("files") as progress:
        rows, unplaced = import_dataset(
            options.source,
            options.folder,
            options.target,
            options.mapping,
            options.frames,
            progress,
            keep_metadata=options.keep_metadata,
            write_clip=write_clip,
        )
    subjects = len({row.subject_id for row in rows})
    clips = sum(row.file_name.endswith(CLIP) for row in rows)
    what = f"{len(rows) - clips} images" + (f" and {clips} clips" if clips else "")
    print(f"{options.target}: {what} of {subjects} subjects")
    if unknown := sum(row.movement is None for row in rows):
        print(f"{unknown} of them without a movement: neither their names nor a mapping tell it")
    if options.faces:
        with progress_bar("faces") as progress:
            found = notes(options.target, rows, progress)
        _print_faults(NOTES, found)
    for heading, imported in (("not placed", False), ("imported without labels", True)):
        listed = [item for item in unplaced if item.imported is imported]
        if listed:
            print(f"\n{heading}: {len(listed)}")
            for item in listed:
                print(literal(f"  {item.path}: {item.rule}"))
    if unplaced:
        sys.exit(2)


def _check_writes_clips() -> None:
    """Raises InputError where clips cannot be written."""
    from palsynth.generation.video.formats import INSTALL, load_av

    try:
        load_av(Path("clip"))
    except InputError:
        raise InputError(f"--frames clips {INSTALL}") from None


def data_stats(options: StatsOptions) -> None:
    """Count and plot a dataset's labels."""
    from rich.table import Table

    from palsynth.data.manifest import read_manifest
    from palsynth.data.stats import stats, stats_picture, stats_text
    from palsynth.face.images import write_png

    found = stats(read_manifest(options.folder))
    table = Table(
        title=f"{literal(options.folder)}: {found.images} images of {found.subjects} subjects"
    )
    table.add_column("label")
    table.add_column("value")
    table.add_column("images", justify="right")
    for name, counts in found.tables.items():
        for value, count in counts.items():
            table.add_row(name, literal(value), str(count))
    console().print(table)
    folder = options.folder.resolve()
    out = options.out or folder.with_name(folder.name + "-stats.png")
    write_png(out, stats_picture(options.folder), **stats_text(options.folder))
    print(out)
