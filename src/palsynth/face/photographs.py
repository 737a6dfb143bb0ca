"""A folder of photographs of people, each neutral and smiling, with self-reported attributes.

The layout is that of the Face Research Lab London Set (DeBruine & Jones 2017): ``neutral/`` and
``smiling/`` with one picture per person, of the same name in both, ``split.csv`` (face_id, split)
and ``info.csv`` (face_id, age, gender, ethnicity).
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from palsynth.errors import InputError
from palsynth.face.images import list_images
from palsynth.paths import FileNames, name_fault, same_file, shown_name
from palsynth.records import files_sha256

Expression = Literal["neutral", "smiling"]
EXPRESSIONS: tuple[Expression, ...] = ("neutral", "smiling")


@dataclass(frozen=True)
class PhotographedSubject:
    """One person of a folder of photographs.

    Attributes:
        folder: the folder of photographs.
        name: ``face_id`` of the person, the file name of the pictures without suffix.
        split: ``train``, ``validation`` or ``test``; empty where not reported.
        age: age in years; None where not reported.
        gender: reported gender; empty where not reported.
        ethnicity: reported ethnicity; empty where not reported.
    """

    folder: Path
    name: str
    split: str = ""
    age: float | None = None
    gender: str = ""
    ethnicity: str = ""

    def path(self, expression: Expression) -> Path:
        """Path of one of the person's photographs.

        Args:
            expression: ``neutral`` or ``smiling``.

        Returns:
            The file, whether it exists or not.
        """
        return self.folder / expression / f"{self.name}.jpg"


def read_subjects(folder: Path, split: str) -> list[PhotographedSubject]:
    """The people of one split of a folder of photographs, in the order of ``split.csv``.

    Args:
        folder: the folder with ``split.csv`` and, optionally, ``info.csv``.
        split: ``train``, ``validation`` or ``test``.

    Returns:
        At least one person.

    Raises:
        InputError: ``split.csv`` cannot be read, lacks a column or has no row of the split; or
            ``info.csv`` exists and cannot be read.
    """
    path = folder / "split.csv"
    try:
        splits = _rows(path)
        info = {row["face_id"]: row for row in _rows(folder / "info.csv", optional=True)}
        names = [row["face_id"] for row in splits if row["split"] == split]
    except KeyError as error:
        raise InputError(f"{path}: column {error} is missing") from None
    if not names:
        raise InputError(f"{path}: names no {split} people")
    _check_names(path, names)
    return [_subject(folder, name, split, info.get(name, {})) for name in names]


def reported(folder: Path) -> dict[str, PhotographedSubject]:
    """Reads the attributes of everyone listed in ``split.csv`` or ``info.csv``.

    Args:
        folder: the folder; both files are optional.

    Returns:
        The people by name; empty where neither file exists.

    Raises:
        InputError: a file exists and cannot be read.
    """
    splits, info = (
        {next(iter(row.values())): row for row in _rows(folder / name, optional=True)}
        for name in ("split.csv", "info.csv")
    )
    return {
        name: _subject(folder, name, splits.get(name, {}).get("split", ""), info.get(name, {}))
        for name in {**splits, **info}
    }


def photographs_sha256(folder: Path) -> str:
    """Identifies a folder of photographs by the names and contents of its files.

    Args:
        folder: the folder; what is neither a photograph in it nor one of its two tables does not
            count.

    Returns:
        SHA-256, 64 hexadecimal digits.
    """
    tables = [path for path in (folder / "info.csv", folder / "split.csv") if path.is_file()]
    photographs = [path for kind in EXPRESSIONS for path in list_images(folder / kind)]
    return files_sha256({p.relative_to(folder).as_posix(): p for p in (*photographs, *tables)})


def _check_names(path: Path, names: list[str]) -> None:
    """Raises InputError for the first name of a table that is none of a photograph in the folder,
    or names the photographs of another."""
    known = FileNames(path.parent)
    for name in names:
        fault = "is a path; give a name" if "/" in name else name_fault(name)
        for expression in EXPRESSIONS:
            fault = fault or known.fault(f"{expression}/{name}.jpg")
        if fault is None and (twin := known.twin(name)) is not None:
            raise InputError(f"{path}: face_id: {same_file(name, twin)}")
        if fault is not None:
            raise InputError(f"{path}: face_id: {shown_name(name)} {fault}")


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
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"{path}: cannot be read ({reason}); see docs/data.md for the layout of photographs"
        ) from None
