"""``pairs.csv`` of a benchmark set: one row a request, with the files that belong to it."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from palsynth.clinical import Movement, Palsy
from palsynth.errors import InputError
from palsynth.files import atomic_write


@dataclass(frozen=True)
class Pair:
    """One request with its answer. Files are relative to the set; ``truth`` may be empty."""

    name: str
    identity: str
    expression: str
    truth: str
    subject: str
    movement: str
    palsy: str
    """The palsy as JSON (``Palsy.to_dict``); empty where it is not known."""
    expression_identity: str = ""
    """The expression's person at rest, for the way back of aFID; empty where there is none."""
    gender: str = ""
    ethnicity: str = ""

    def requested(self) -> tuple[Movement, Palsy | None]:
        """What was asked for."""
        palsy = Palsy.from_dict(json.loads(self.palsy)) if self.palsy else None
        return Movement(self.movement), palsy


def write_pairs(path: Path, pairs: list[Pair]) -> None:
    """Writes ``pairs.csv``, whole or not at all."""
    with (
        atomic_write(path) as temporary,
        temporary.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.DictWriter(file, [f.name for f in fields(Pair)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(pair) for pair in pairs)


def read_pairs(path: Path) -> list[Pair]:
    """Reads ``pairs.csv``. Raises InputError naming the file, the line and the fault."""
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
    for line, pair in enumerate(rows, 2):
        try:
            pair.requested()
        except ValueError as error:
            raise InputError(f"{path}:{line}: {error}") from None
    if not rows:
        raise InputError(f"{path}: has no rows")
    return rows
