"""A folder of photographs of people, each neutral and smiling, with self-reported attributes.

The layout is that of the Face Research Lab London Set (DeBruine & Jones 2017): ``neutral/`` and
``smiling/`` with one picture per person, of the same name in both, ``split.csv`` (face_id, split)
and ``info.csv`` (face_id, age, gender, ethnicity).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from palsynth.errors import InputError
from palsynth.face.images import list_images, read_image
from palsynth.paths import FileNames, name_fault, same_file, shown_name
from palsynth.records import files_sha256
from palsynth.tables import TableRow, read_table

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
        InputError: ``split.csv`` cannot be read, lacks a column or has no row of the split;
            ``info.csv`` exists and cannot be read; or either names a person twice.
    """
    path = folder / "split.csv"
    if not path.is_file():
        raise InputError(
            f"{path}: cannot be read (no such file); see docs/data.md for the layout of photographs"
        )
    splits, info = _tables(folder)
    names = [name for name, row in splits.items() if _split(row) == split]
    if not names:
        raise InputError(f"{path}: names no {split} people")
    _check_names(path, names)
    return [_subject(folder, name, split, info.get(name)) for name in names]


def check_photographs(subjects: Iterable[PhotographedSubject]) -> None:
    """Checks that people's photographs are there, before anything that takes long.

    Args:
        subjects: the people.

    Raises:
        InputError: names the first photograph that is missing, or says why the first person's
            cannot be read.
    """
    paths = [subject.path(kind) for subject in subjects for kind in EXPRESSIONS]
    for path in paths:
        if not path.is_file():
            raise InputError(f"{path}: no such photograph, but split.csv names it; add it")
    for path in paths[: len(EXPRESSIONS)]:
        read_image(path)


def reported(folder: Path) -> dict[str, PhotographedSubject]:
    """Reads the attributes of everyone listed in ``split.csv`` or ``info.csv``.

    Args:
        folder: the folder; both files are optional.

    Returns:
        The people by name; empty where neither file exists.

    Raises:
        InputError: a file exists and cannot be read, or names a person twice.
    """
    splits, info = _tables(folder)
    return {
        name: _subject(folder, name, _split(splits.get(name)), info.get(name))
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


def _subject(folder: Path, name: str, split: str, info: TableRow | None) -> PhotographedSubject:
    if info is None:
        return PhotographedSubject(folder, name, split)
    return PhotographedSubject(
        folder,
        name,
        split,
        info.number("age"),
        info.text("gender") or "",
        info.text("ethnicity") or "",
    )


def _tables(folder: Path) -> tuple[dict[str, TableRow], dict[str, TableRow]]:
    """The rows of ``split.csv`` and of ``info.csv`` by name; none of a file that does not exist."""
    return (
        _by_name(folder / "split.csv", ("face_id", "split")),
        _by_name(folder / "info.csv", ("face_id",), ("age", "gender", "ethnicity")),
    )


def _split(row: TableRow | None) -> str:
    """The split of a person, in lower case; empty where it is not known."""
    return ((row and row.text("split")) or "").lower()


def _by_name(
    path: Path, required: Sequence[str], optional: Sequence[str] = ()
) -> dict[str, TableRow]:
    return read_table(path, required, optional).by("face_id") if path.is_file() else {}
