"""Shared by all importers: a file is placed, or listed with the rule that it breaks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from palsynth.clinical import Movement
from palsynth.data.manifest import Row
from palsynth.data.videos import VIDEOS
from palsynth.face.images import SUFFIXES
from palsynth.folders import note_left_out, portable, walk


@dataclass(frozen=True)
class Unplaced:
    """A file that was not imported, or was imported without labels that it should have.

    Attributes:
        path: the file, a patient's folder, or a table of labels.
        rule: the rule that the file breaks.
        imported: whether pictures were imported all the same, without the labels.
    """

    path: Path
    rule: str
    imported: bool = False


Placed = tuple[Path, Row]
"""A picture, or a video whose frames or clip get rows like this one."""

Importer = Callable[[Path, Path | None], Iterator[Placed | Unplaced]]


def by_subject(folder: Path, prefix: str) -> Iterator[Placed | Unplaced]:
    """Places pictures and videos in ``<subject>/…``, where the first folder names the subject.

    The names of further folders and of the file tell the movement (:func:`movements_in`).

    Args:
        folder: the dataset.
        prefix: start of the subjects' names.

    Yields:
        Each placed picture with its row, or an unplaced file.
    """
    paths, unplaced = files(folder)
    yield from unplaced
    for path in paths:
        parts = path.relative_to(folder).parts
        if path.suffix.lower() not in SUFFIXES | VIDEOS:
            yield Unplaced(path, "not a picture")
        elif len(parts) < 2:
            yield Unplaced(path, "must lie in a folder named after its subject")
        elif len(movements := movements_in(parts[1:])) > 1:
            yield Unplaced(path, f"its name has several movements: {', '.join(movements)}")
        else:
            name = "/".join(parts)
            yield path, Row(name, f"{prefix}-{portable(parts[0])}", next(iter(movements), None))


def movements_in(parts: Sequence[str]) -> list[str]:
    """The movements that names contain, as whole words in any case and with any separators.

    Args:
        parts: names of folders and of a file.

    Returns:
        Values of Movement, each once.

    Example:
        >>> movements_in(["2024", "P3_Close Eyes_tightly-02.jpg"])
        ['close-eyes-tightly']
    """
    words = [" ".join(re.split(r"[^a-z]+", PurePath(part).stem.lower())) for part in parts]
    text = "|".join(f" {name} " for name in words)
    return [m.value for m in Movement if f" {m.value.replace('-', ' ')} " in text]


def files(folder: Path) -> tuple[list[Path], list[Unplaced]]:
    """All files below a folder except hidden ones, of which the user is told how many there are.

    Args:
        folder: the folder.

    Returns:
        The paths, sorted, and what cannot be listed, such as broken links.
    """
    found = walk(folder)
    note_left_out(folder, found.left_out)
    return found.files, [Unplaced(skipped.path, skipped.rule) for skipped in found.faulty]
