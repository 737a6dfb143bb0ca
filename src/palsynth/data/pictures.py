"""The pictures of a folder, with whatever is known of them."""

from __future__ import annotations

from pathlib import Path

from palsynth.data.manifest import FILE_NAME, Row, read_manifest
from palsynth.errors import InputError
from palsynth.face.images import list_images


def pictures(folder: Path, splits: tuple[str, ...] | None = None) -> list[Row]:
    """Rows of a folder's pictures, sorted by name: those of its manifest (of some ``splits``), or
    without one a row for every picture, each counting as a subject of its own.

    Raises InputError where there is no picture, none in the splits, or an impossible label.
    """
    if not (folder / FILE_NAME).is_file():
        if splits is not None:
            raise InputError(f"{folder}: has no {FILE_NAME} that names splits")
        names = [path.relative_to(folder).as_posix() for path in list_images(folder)]
        return [Row(name, subject_id=name) for name in names]
    rows = [r for r in read_manifest(folder) if splits is None or r.split in splits]
    if not rows:
        raise InputError(f"{folder}: no pictures in split {', '.join(splits or ())}")
    for row in rows:
        if faults := row.problems():
            raise InputError(f"{folder / row.file_name}: {faults[0]}")
    return sorted(rows, key=lambda row: row.file_name)
