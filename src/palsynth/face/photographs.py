"""A folder of photographed people: each neutral and smiling, with what they reported.

The layout is that of the Face Research Lab London Set (DeBruine & Jones 2017): ``neutral/`` and
``smiling/`` with a picture a person of one name, ``split.csv`` (face_id, split) and ``info.csv``
(face_id, age, gender, ethnicity).
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from palsynth.errors import InputError

Expression = Literal["neutral", "smiling"]
EXPRESSIONS: tuple[Expression, ...] = ("neutral", "smiling")


@dataclass(frozen=True)
class PhotographedSubject:
    """One person of a folder of photographs; what is not reported is empty or None."""

    folder: Path
    name: str
    split: str = ""
    age: float | None = None
    gender: str = ""
    ethnicity: str = ""

    def path(self, expression: Expression) -> Path:
        """Where the person's ``neutral`` or ``smiling`` photograph lies."""
        return self.folder / expression / f"{self.name}.jpg"


def read_subjects(folder: Path, split: str) -> list[PhotographedSubject]:
    """The people of one split of a folder of photographs, in the order of ``split.csv``.

    Args:
        folder: the folder with ``split.csv`` and, where it is known, ``info.csv``.
        split: ``train``, ``validation`` or ``test``.

    Returns:
        At least one person.

    Raises:
        InputError: ``split.csv`` cannot be read, lacks a column or names nobody of the split.
    """
    path = folder / "split.csv"
    try:
        found = _rows(path)
        info = {row["face_id"]: row for row in _rows(folder / "info.csv", optional=True)}
        names = [row["face_id"] for row in found if row["split"] == split]
    except KeyError as error:
        raise InputError(f"{path}: column {error} is missing") from None
    if not names:
        raise InputError(f"{path}: names no {split} people")
    return [_subject(folder, name, split, info.get(name, {})) for name in names]


def reported(folder: Path) -> dict[str, PhotographedSubject]:
    """What ``split.csv`` and ``info.csv`` say of everybody they name; empty without them."""
    splits, info = (
        {next(iter(row.values())): row for row in _rows(folder / name, optional=True)}
        for name in ("split.csv", "info.csv")
    )
    return {
        name: _subject(folder, name, splits.get(name, {}).get("split", ""), info.get(name, {}))
        for name in {**splits, **info}
    }


def _subject(folder: Path, name: str, split: str, info: dict[str, str]) -> PhotographedSubject:
    age = info.get("age", "")
    return PhotographedSubject(
        folder,
        name,
        split,
        float(age) if age.replace(".", "", 1).isdigit() else None,
        info.get("gender", ""),
        info.get("ethnicity", ""),
    )


def _rows(path: Path, optional: bool = False) -> list[dict[str, str]]:
    if optional and not path.is_file():
        return []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = getattr(error, "strerror", None) or error
        raise InputError(
            f"{path}: cannot be read ({why}); docs/data.md says how photographs lie"
        ) from None
