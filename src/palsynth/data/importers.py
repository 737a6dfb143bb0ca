"""Importers of clinical datasets, from the layouts in which their owners distribute them.

An importer never guesses silently: it lists every file that it cannot place, with the rule that
it breaks, and imports the others. Pictures are copied without their metadata. Of videos, chosen
frames are imported as pictures, or all as a clip.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

from palsynth.data.labelled import folder_with_labels
from palsynth.data.manifest import Row, write_manifest
from palsynth.data.meei import meei
from palsynth.data.placing import Importer, Placed, Unplaced, by_subject
from palsynth.data.split import splits_of
from palsynth.data.video_clips import WriteClip, clip_name, import_clip
from palsynth.data.videos import VIDEOS, Frames, Imported, read_frames
from palsynth.errors import InputError
from palsynth.face.images import NOT_MADE, write_png
from palsynth.face.metadata import copy_picture
from palsynth.files import atomic_folder
from palsynth.folders import check_folder, is_system_file, portable
from palsynth.notes import note
from palsynth.paths import FileNames
from palsynth.progress import Progress


def import_dataset(
    source: str,
    folder: Path,
    target: Path,
    mapping: Path | None = None,
    frames: Imported = (),
    progress: Progress | None = None,
    *,
    keep_metadata: bool = False,
    write_clip: WriteClip | None = None,
) -> tuple[list[Row], list[Unplaced]]:
    """Imports a dataset into a folder with a manifest, split by subject.

    Args:
        source: name of the importer, a key of IMPORTERS.
        folder: the dataset as distributed.
        target: folder to create; it appears complete or not at all.
        mapping: for "folder", a YAML or JSON file that names the columns of a label file.
        frames: the frames of every video that are imported as pictures, or "clips" for all of them
            as one clip; default: none.
        progress: called with the number of files that are done and their total.
        keep_metadata: copy pictures as they are; by default, places, names, dates and all else
            that does not belong to the pixels is removed
            (:func:`palsynth.face.metadata.strip_metadata`).
        write_clip: writes clips, such as :func:`palsynth.generation.video.write.write_clip`.

    Returns:
        The rows, and the files that could not be placed or lack labels.

    Raises:
        InputError: if no file can be imported, or the target is not a new folder.
    """
    if source not in IMPORTERS:
        raise InputError(f"no importer '{source}'; choose one of {', '.join(IMPORTERS)}")
    if frames == "clips" and write_clip is None:
        raise ValueError("clips need write_clip")
    check_folder(folder)
    if target.exists() and not target.is_dir():
        raise InputError(f"{target}: is a file; give a new folder")
    if target.resolve().is_relative_to(folder.resolve()):
        raise InputError(f"{target}: lies in {folder}, which is imported; give another folder")
    if target.exists() and not all(is_system_file(path.name) for path in target.iterdir()):
        raise InputError(f"{target}: is not empty; give a new folder")
    placed, unplaced = _placed(IMPORTERS[source](folder, mapping), folder, frames)
    rows: list[Row] = []
    with atomic_folder(target, new=True) as partial:
        for done, (path, row) in enumerate(placed, 1):
            try:
                if path.suffix.lower() not in VIDEOS:
                    rows.append(_copy(path, row, partial, keep_metadata))
                elif frames == "clips":
                    assert write_clip is not None  # as checked above
                    rows.append(import_clip(path, row, partial, write_clip))
                else:
                    rows += _write_frames(path, row, partial, frames)
            except InputError as error:
                unplaced.append(Unplaced(path, str(error).removeprefix(f"{path}: ")))
            if progress is not None:
                progress(done, len(placed))
        if not rows:
            rule = f"; {unplaced[0].path.name}: {unplaced[0].rule}" if unplaced else ""
            raise InputError(f"{folder}: nothing in it can be placed as '{source}'{rule}")
        rows = _with_splits(rows)
        write_manifest(partial, rows)
    return sorted(rows, key=lambda r: r.file_name), unplaced


def _with_splits(rows: list[Row]) -> list[Row]:
    """Gives rows without a split that of the subject's other rows, or else one by its name."""
    named: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row.split is not None:
            named[row.subject_id].add(row.split)
    given = {subject: splits.pop() for subject, splits in named.items() if len(splits) == 1}
    splits = splits_of((row.subject_id for row in rows), given)
    return [replace(row, split=row.split or splits[row.subject_id]) for row in rows]


def _placed(
    items: Iterator[Placed | Unplaced], folder: Path, frames: Imported
) -> tuple[list[Placed], list[Unplaced]]:
    """What can be imported under a name of its own, and what cannot."""
    placed: list[Placed] = []
    unplaced: list[Unplaced] = []
    names = FileNames(folder, "dataset")
    renamed: list[str] = []
    for item in items:
        if isinstance(item, Unplaced):
            unplaced.append(item)
            continue
        path, row = item
        given, row = row.file_name, replace(row, file_name=portable(row.file_name))
        if given != row.file_name:
            renamed.append(f"{given} as {row.file_name}")
        if frames == "clips" and path.suffix.lower() in VIDEOS:
            row = replace(row, file_name=clip_name(row.file_name))
        source = path.relative_to(folder).as_posix() if path.is_relative_to(folder) else ""
        if fault := names.fault(row.file_name) or (source and names.leads_out(source)):
            unplaced.append(Unplaced(path, f"its name {fault}"))
        elif (twin := names.twin(row.file_name)) is not None:
            unplaced.append(Unplaced(path, f"{twin} is imported under the same name"))
        elif path.suffix.lower() in VIDEOS and frames == ():
            rule = "a video; give --frames peak, clips or times in seconds, or cut it into frames"
            unplaced.append(Unplaced(path, rule))
        else:
            placed.append((path, row))
    if renamed:
        note(
            f"{len(renamed)} names are not UTF-8 or not for every system, and are written "
            f"otherwise, such as {renamed[0]}"
        )
    return placed, unplaced


def _copy(path: Path, row: Row, target: Path, keep_metadata: bool) -> Row:
    """Copies a picture that can be read; returns its row."""
    copy = target / row.file_name
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy_picture(path, copy, keep_metadata=keep_metadata)
    return row


def _write_frames(path: Path, row: Row, target: Path, frames: Frames) -> list[Row]:
    """Writes frames of a video as pictures; returns their rows."""
    rows = []
    name = PurePosixPath(row.file_name)
    for time, image in read_frames(path, frames, row.movement).items():
        file_name = str(name.with_name(f"{name.name}-{time:08.3f}s.png"))
        write_png(target / file_name, image, **NOT_MADE)
        about = {**row.attributes, "video": row.file_name, "seconds": round(time, 3)}
        rows.append(replace(row, file_name=file_name, attributes=about))
    return rows


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
