"""``pairs.csv`` of a benchmark set: one row per request, with the files that belong to it."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path, PurePosixPath

from palsynth.clinical import Movement, Palsy
from palsynth.errors import InputError
from palsynth.files import atomic_write
from palsynth.paths import FileNames, name_fault, same_file, shown_name

FILES = ("identity", "expression", "truth", "expression_identity")
"""Columns that name files of the set."""


@dataclass(frozen=True)
class Pair:
    """One request with its ground truth. Files are relative to the set."""

    name: str
    """Name of the request."""
    identity: str
    """The identity image."""
    expression: str
    """The expression image."""
    truth: str
    """The ground truth; may be empty."""
    subject: str
    """Subject of the identity image."""
    movement: str
    """Requested movement, the value of a Movement."""
    palsy: str
    """Requested palsy as JSON (``Palsy.to_dict``); empty if unknown."""
    expression_identity: str = ""
    """The subject of the expression image at rest, for the round trip of aFID; may be empty."""
    gender: str = ""
    """Gender of the subject; may be empty."""
    ethnicity: str = ""
    """Ethnicity of the subject; may be empty."""

    def requested(self) -> tuple[Movement, Palsy | None]:
        """The requested movement, and the requested palsy if known."""
        palsy = Palsy.from_dict(json.loads(self.palsy)) if self.palsy else None
        return Movement(self.movement), palsy


def write_pairs(path: Path, pairs: list[Pair]) -> None:
    """Writes ``pairs.csv`` atomically.

    Args:
        path: the file.
        pairs: its rows.
    """
    with (
        atomic_write(path) as temporary,
        temporary.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.DictWriter(file, [f.name for f in fields(Pair)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(pair) for pair in pairs)


def read_pairs(path: Path, folder: Path | None = None) -> list[Pair]:
    """Reads ``pairs.csv``.

    Args:
        path: the file.
        folder: the set; default: the folder of the file.

    Returns:
        The rows, in order.

    Raises:
        InputError: if the file does not exist, lacks a column, or for the first faulty row.
    """
    names = [f.name for f in fields(Pair)]
    if not path.is_file():
        parts = sorted(p.parent.name for p in path.parent.glob("*/pairs.csv"))
        if parts:
            raise InputError(f"{path.parent}: holds several sets; give one: {', '.join(parts)}")
        raise InputError(f"{path}: no such file; make a set with 'palsynth benchmark'")
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            columns = reader.fieldnames or []
            missing = [n for n in names[:7] if n not in columns]
            if missing:
                raise InputError(f"{path}: column {', '.join(missing)} is missing")
            rows = [Pair(**{n: row.get(n) or "" for n in names}) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read ({error})") from None
    files, made = FileNames(path.parent if folder is None else folder, "set"), FileNames(path)
    for line, pair in enumerate(rows, 2):
        try:
            pair.requested()
        except ValueError as error:
            raise InputError(f"{path}:{line}: {error}") from None
        _check_names(pair, files, made, f"{path}:{line}")
    if not rows:
        raise InputError(f"{path}: has no rows")
    return rows


def _check_names(pair: Pair, files: FileNames, made: FileNames, where: str) -> None:
    """Raises InputError where a pair's files lie outside the set, or its name is no new one."""
    for column in FILES:
        if name := getattr(pair, column):
            files.join(name, f"{where}: {column}")
    fault = name_fault(pair.name, "folder of the results")
    if fault is None and any(part.startswith(".") for part in PurePosixPath(pair.name).parts):
        fault = "is a hidden file; give it a name without a dot at its start"
    if fault is not None:
        raise InputError(f"{where}: name: {shown_name(pair.name)} {fault}")
    if (twin := made.twin(pair.name)) is not None:
        raise InputError(f"{where}: name: {same_file(pair.name, twin)}; give each pair its own")
