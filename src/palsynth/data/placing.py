"""Shared by all importers: a file is placed, or listed with the rule that it breaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from palsynth.data.manifest import Row
from palsynth.face.images import SUFFIXES


@dataclass(frozen=True)
class Unplaced:
    """A file that was not imported.

    Attributes:
        path: the file.
        rule: the rule that the file breaks.
    """

    path: Path
    rule: str


Placed = tuple[Path, Row]
Importer = Callable[[Path, Path | None], Iterator[Placed | Unplaced]]

VIDEOS = frozenset({".mp4", ".mov", ".avi", ".mkv"})


def by_subject(folder: Path, prefix: str) -> Iterator[Placed | Unplaced]:
    """Places pictures in ``<subject>/…``, where the first folder names the subject.

    Args:
        folder: the dataset.
        prefix: start of the subjects' names.

    Yields:
        Each placed picture with its row, or an unplaced file.
    """
    for path in files(folder):
        parts = path.relative_to(folder).parts
        if path.suffix.lower() in VIDEOS:
            yield Unplaced(path, "a video; cut it into frames first")
        elif path.suffix.lower() not in SUFFIXES:
            yield Unplaced(path, "not a picture")
        elif len(parts) < 2:
            yield Unplaced(path, "must lie in a folder named after its subject")
        else:
            name = "/".join(parts)
            yield path, Row(file_name=name, subject_id=f"{prefix}-{parts[0]}")


def files(folder: Path) -> Iterator[Path]:
    """All files below a folder except hidden ones, sorted.

    Args:
        folder: the folder.

    Yields:
        The paths.
    """
    yield from sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.startswith("."))
