"""Importer of any folder of pictures, with labels from a file described by a mapping."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from palsynth.data.manifest import Row
from palsynth.data.placing import Placed, Unplaced, by_subject, files
from palsynth.data.videos import VIDEOS
from palsynth.documents import as_text, kind_of, read_json_lines, read_yaml
from palsynth.errors import InputError
from palsynth.face.images import SUFFIXES

_FIELDS = ("file_name", "subject_id", "movement", "side", "hb_grade", "yanagihara_item", "split")


def folder_with_labels(folder: Path, mapping: Path | None) -> Iterator[Placed | Unplaced]:
    """Imports ``<subject>/*.jpg``, whose names may tell the movement (``7/grin_2.jpg``), or
    pictures and videos listed in a CSV or JSONL file of labels.

    The mapping holds ``labels`` (the file, below the source folder), ``columns`` (our field
    -> their column) and optionally ``values`` (our field -> {their value: our value}).

    Args:
        folder: the pictures.
        mapping: YAML or JSON file that describes the labels; default: no labels.

    Yields:
        Each placed picture with its row, or an unplaced file.

    Raises:
        InputError: if the mapping or the labels cannot be read.
    """
    if mapping is None:
        yield from by_subject(folder, "folder")
        return
    rules = _read_mapping(mapping)
    columns, values = rules["columns"], rules.get("values") or {}
    labels = folder / str(rules["labels"])
    listed = set()
    for number, record in _records(labels):
        missing = [c for c in columns.values() if c not in record]
        if missing:
            raise InputError(
                f"{labels}: column {', '.join(missing)} is missing (named in {mapping})"
            )
        fields = {ours: record[theirs] for ours, theirs in columns.items()}
        for name, value in fields.items():
            if isinstance(value, (dict, list)):
                raise InputError(
                    f"{labels}:{number}: {columns[name]} must be text or a number, not "
                    f"{kind_of(value)}"
                )
            if value is not None:
                fields[name] = values.get(name, {}).get(as_text(value), value)
        path = folder / str(fields["file_name"])
        listed.add(path)
        if not path.exists():
            yield Unplaced(path, f"{labels.name}:{number} names it, but the file does not exist")
            continue
        row, problems = _to_row(fields)
        if problems:
            yield Unplaced(
                path, f"{labels.name}:{number}: {problems}; add it to 'values' in {mapping.name}"
            )
        else:
            yield path, row
    for path in files(folder):
        if path not in listed and path != labels and path.suffix.lower() in SUFFIXES | VIDEOS:
            yield Unplaced(path, f"{labels.name} has no line for it")


def _to_row(fields: dict[str, Any]) -> tuple[Row, str]:
    """The row of a record, and its problems if any."""
    item = fields.get("yanagihara_item")
    text = {n: as_text(fields.get(n)) or None for n in _FIELDS}
    score = None
    if item not in (None, ""):
        try:
            score = int(as_text(item))
        except ValueError:
            return Row("", ""), f"yanagihara_item '{item}' is not a whole number"
    row = Row(
        file_name=str(text["file_name"]),
        subject_id=str(text["subject_id"]),
        movement=text["movement"],
        side=text["side"],
        hb_grade=text["hb_grade"],
        yanagihara_item=score,
        split=text["split"],
    )
    return row, "; ".join(row.problems())


def _read_mapping(path: Path) -> dict[str, Any]:
    rules = read_yaml(path)
    if not isinstance(rules, dict):
        raise InputError(f"{path}: not a mapping file (holds {kind_of(rules)}); see docs/data.md")
    columns, tables = rules.get("columns"), rules.get("values") or {}
    if not isinstance(rules.get("labels"), str) or not isinstance(columns, dict):
        raise InputError(f"{path}: a mapping needs 'labels' (a file) and 'columns' (field: column)")
    if unknown := [name for name in rules if name not in ("labels", "columns", "values")]:
        raise InputError(f"{path}: no key {unknown[0]}; keys are labels, columns, values")
    if not isinstance(tables, dict) or not all(isinstance(t, dict) for t in tables.values()):
        raise InputError(f"{path}: 'values' needs tables (field: {{their value: our value}})")
    unknown = [name for name in (*columns, *tables) if name not in _FIELDS]
    if unknown:
        raise InputError(f"{path}: no field {', '.join(unknown)}; fields are {', '.join(_FIELDS)}")
    for needed in ("file_name", "subject_id"):
        if needed not in columns:
            raise InputError(f"{path}: 'columns' must name the column of {needed}")
    for name, theirs in columns.items():
        columns[name] = _word(theirs, f"{path}: columns.{name}", "the name of a column")
    for name, table in tables.items():
        for theirs, ours in table.items():
            if ours is not None:  # null: the label is unknown
                table[theirs] = _word(ours, f"{path}: values.{name}.{theirs}", "one of our values")
    return {"labels": rules["labels"], "columns": columns, "values": tables}


def _word(value: Any, where: str, needed: str) -> str:
    """A word of a mapping, in which only whole numbers need no quotes."""
    if isinstance(value, str) and value:
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise InputError(f"{where} must be {needed}, not {kind_of(value)}; write text, in quotes")


def _records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The numbers of the lines of a file of labels, and what they say."""
    if path.suffix.lower() != ".csv":
        yield from read_json_lines(path)
        return
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from enumerate(csv.DictReader(file), 2)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error})") from None
