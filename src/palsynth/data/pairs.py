"""``pairs.csv`` of a benchmark set: one row per request, with the files that belong to it."""

from __future__ import annotations

import csv
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path, PurePosixPath

from palsynth.clinical import Movement, Palsy
from palsynth.documents import DocumentError, parse_json
from palsynth.documents.checks import shown
from palsynth.errors import InputError
from palsynth.files import atomic_write
from palsynth.folders import stored_name
from palsynth.paths import FileNames, name_fault, same_file, shown_name
from palsynth.tables import read_table

FILES = ("identity", "expression", "truth", "expression_identity")
"""Columns that name files of the set."""

_FILLED = ("name", "identity", "expression", "subject", "movement")
"""The columns that are filled in every row."""


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
        """The requested movement, and the requested palsy if known.

        Raises:
            ValueError: there is no such movement, or the palsy is not one.
        """
        if self.movement not in {m.value for m in Movement}:
            raise InputError(
                f"movement: '{shown(self.movement)}' is not one of {', '.join(Movement)}"
            )
        if not self.palsy:
            return Movement(self.movement), None
        try:
            palsy = Palsy.from_dict(parse_json(self.palsy, self.name))
        except DocumentError as error:
            raise InputError(f"palsy: {error.fault}") from None
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
    table = read_table(path, required=names[:7], optional=names[7:])
    root = path.parent if folder is None else folder
    files, made = FileNames(root, "set"), FileNames(path)
    rows = []
    for row in table.rows:
        for name in _FILLED:
            row.required(name)
        pair = Pair(**{name: row.text(name) or "" for name in names})
        try:
            pair.requested()
        except ValueError as error:
            raise InputError(f"{path}:{row.line}: {error}") from None
        _check_names(pair, files, made, f"{path}:{row.line}")
        stored = {name: stored_name(root, getattr(pair, name)) for name in FILES}
        rows.append(replace(pair, **stored))
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
