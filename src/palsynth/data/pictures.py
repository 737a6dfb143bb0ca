"""The pictures of a folder, with their labels if it has a manifest."""

from __future__ import annotations

from pathlib import Path

from palsynth.data.manifest import FILE_NAME, Row, read_manifest
from palsynth.errors import InputError
from palsynth.face.images import list_images


def pictures(folder: Path, splits: tuple[str, ...] | None = None) -> list[Row]:
    """Lists the pictures of a folder.

    Args:
        folder: a dataset, or a folder without a manifest, in which every picture counts as a
            subject of its own.
        splits: splits to use; default: all pictures.

    Returns:
        One row per picture, sorted by file name.

    Raises:
        InputError: if there is no picture, none in the splits, or an impossible label.
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
