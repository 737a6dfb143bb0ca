"""Importers of clinical datasets, from the layouts in which their owners distribute them.

An importer never guesses silently: it lists every file that it cannot place, with the rule that
it breaks, and imports the others. Videos are listed but not imported: cut them into frames first.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from palsynth.data.labelled import folder_with_labels
from palsynth.data.manifest import Row, inside, write_manifest
from palsynth.data.meei import meei
from palsynth.data.placing import Importer, Placed, Unplaced, by_subject
from palsynth.data.split import split_of
from palsynth.errors import InputError
from palsynth.files import atomic_folder


def import_dataset(
    source: str, folder: Path, target: Path, mapping: Path | None = None
) -> tuple[list[Row], list[Unplaced]]:
    """Imports a dataset into a folder with a manifest, split by subject.

    Args:
        source: name of the importer, a key of IMPORTERS.
        folder: the dataset as distributed.
        target: folder to create; it appears complete or not at all.
        mapping: for "folder", a YAML or JSON file that names the columns of a label file.

    Returns:
        The rows, and the files that could not be placed.

    Raises:
        InputError: if no file can be imported, or the target is not a new folder.
    """
    if source not in IMPORTERS:
        raise InputError(f"no importer '{source}'; choose one of {', '.join(IMPORTERS)}")
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    if target.exists() and not target.is_dir():
        raise InputError(f"{target}: is a file; give a new folder")
    if target.exists() and any(target.iterdir()):
        raise InputError(f"{target}: is not empty; give a new folder")
    placed: list[Placed] = []
    unplaced: list[Unplaced] = []
    taken: dict[str, Path] = {}
    for item in IMPORTERS[source](folder, mapping):
        if isinstance(item, Unplaced):
            unplaced.append(item)
            continue
        path, row = item
        if not inside(row.file_name):
            unplaced.append(Unplaced(path, "its name leads out of the dataset; move it below"))
        elif row.file_name in taken:
            unplaced.append(
                Unplaced(path, f"{taken[row.file_name]} is imported under the same name")
            )
        else:
            taken[row.file_name] = path
            placed.append(item)
    if not placed:
        rule = f"; {unplaced[0].path.name}: {unplaced[0].rule}" if unplaced else ""
        raise InputError(f"{folder}: nothing in it can be placed as '{source}'{rule}")
    rows = []
    with atomic_folder(target) as partial:
        for path, row in placed:
            row = replace(row, split=row.split or split_of(row.subject_id))
            copy = partial / row.file_name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
            rows.append(row)
        write_manifest(partial, rows)
    return sorted(rows, key=lambda r: r.file_name), unplaced


def aflfp(folder: Path, mapping: Path | None) -> Iterator[Placed | Unplaced]:
    """Imports AFLFP from ``<subject>/*.{png,jpg}``; the release's own layout is not published.

    Args:
        folder: the dataset.
        mapping: not used.

    Yields:
        Each placed picture with its row, or an unplaced file.
    """
    yield from by_subject(folder, "aflfp")


_YFP_INTENSITY = re.compile(
    r"(?P<region>eye|mouth)[_-]?(?P<intensity>0\.5|1\.0|1|05|10)(?!\.?[0-9])", re.I
)


def yfp(folder: Path, mapping: Path | None) -> Iterator[Placed | Unplaced]:
    """Imports YFP from frames in ``<patient>/…``.

    A path may contain an intensity, such as ``eye_0.5`` or ``mouth_1.0``.

    Args:
        folder: the dataset.
        mapping: not used.

    Yields:
        Each placed picture with its row, or an unplaced file.
    """
    for item in by_subject(folder, "yfp"):
        if isinstance(item, Unplaced):
            yield item
            continue
        path, row = item
        found = _YFP_INTENSITY.findall("/".join(path.relative_to(folder).parts))
        values = {region.lower(): {"05": 0.5, "10": 1.0}.get(v) or float(v) for region, v in found}
        yield path, replace(row, attributes={f"{k}_intensity": v for k, v in values.items()})


IMPORTERS: dict[str, Importer] = {
    "meei": meei,
    "aflfp": aflfp,
    "yfp": yfp,
    "folder": folder_with_labels,
}
"""Name of a dataset or layout -> importer."""
