"""Importer of any folder of pictures, with labels from a file described by a mapping."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from palsynth.data.manifest import Row
from palsynth.data.placing import Placed, Unplaced, by_subject, files
from palsynth.data.videos import VIDEOS
from palsynth.documents import as_text, kind_of, read_json_lines, read_yaml
from palsynth.documents.checks import shown
from palsynth.errors import InputError
from palsynth.face.images import SUFFIXES
from palsynth.folders import stored_name
from palsynth.paths import FileNames, name_fault
from palsynth.tables import SUFFIXES as TABLES
from palsynth.tables import read_table

_FIELDS = ("file_name", "subject_id", "movement", "side", "hb_grade", "yanagihara_item", "split")


def folder_with_labels(folder: Path, mapping: Path | None) -> Iterator[Placed | Unplaced]:
    """Imports ``<subject>/*.jpg``, whose names may tell the movement (``7/grin_2.jpg``), or
    pictures and videos listed in a table (CSV, Excel) or JSONL file of labels.

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
    labels = FileNames(folder).join(rules["labels"], f"{mapping}: labels")
    if not labels.is_file():
        raise InputError(f"{labels}: cannot be read (no such file); {mapping} names it as labels")
    listed = set()
    for number, fields, fault in _records(labels, columns, mapping):
        place = f"{labels.name}:{number}"
        if fields["file_name"] is None:
            yield Unplaced(labels, fault or f"{place}: {columns['file_name']} is blank")
            continue
        for name, value in fields.items():
            if value is not None:
                fields[name] = values.get(name, {}).get(value, value)
        path = folder / stored_name(folder, str(fields["file_name"]))
        listed.add(path)
        if fault is None and (wrong := name_fault(str(fields["file_name"]), "dataset")):
            fault = f"{place}: its name {wrong}"
        if fault is not None:
            yield Unplaced(path, fault)
            continue
        if not path.exists():
            yield Unplaced(path, f"{place} names it, but the file does not exist")
            continue
        if fields["subject_id"] is None:
            yield Unplaced(path, f"{place}: {columns['subject_id']} is blank")
            continue
        row, problems = _to_row(fields)
        if problems:
            yield Unplaced(path, f"{place}: {problems}; add it to 'values' in {mapping.name}")
        else:
            yield path, row
    paths, unplaced = files(folder)
    yield from unplaced
    for path in paths:
        if path not in listed and path != labels and path.suffix.lower() in SUFFIXES | VIDEOS:
            yield Unplaced(path, f"{labels.name} has no line for it")


def _to_row(fields: dict[str, str | None]) -> tuple[Row, str]:
    """The row of a record, and its problems if any."""
    item = fields.get("yanagihara_item")
    text = {name: fields.get(name) for name in _FIELDS}
    score = None
    if item is not None:
        if not re.fullmatch(r"-?[0-9]{1,9}(\.0)?", item):
            return Row("", ""), f"yanagihara_item '{shown(item)}' is not a whole number"
        score = int(item.removesuffix(".0"))
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
        tables[name] = _value_table(table, f"{path}: values.{name}")
        if name not in columns:
            raise InputError(f"{path}: 'values' has {name}, but 'columns' names no column of it")
    return {"labels": rules["labels"], "columns": columns, "values": tables}


def _value_table(table: dict[str, Any], where: str) -> dict[str, str | None]:
    """Their value -> our value, or None where the label is unknown; without the space around
    theirs, as tables are read."""
    out: dict[str, str | None] = {}
    for theirs, ours in table.items():
        if theirs.strip() in out:
            raise InputError(f"{where}: '{shown(theirs.strip())}' stands twice; keep one")
        word = None if ours is None else _word(ours, f"{where}.{theirs}", "one of our values")
        out[theirs.strip()] = word
    return out


def _word(value: Any, where: str, needed: str) -> str:
    """A word of a mapping, in which only whole numbers need no quotes."""
    if isinstance(value, str) and value:
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise InputError(f"{where} must be {needed}, not {kind_of(value)}; write text, in quotes")


def _written(value: Any) -> str | None:
    """A value of a line of JSON as text, 2.0 as 2; None where it is blank."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return as_text(value).strip() or None


def _records(
    path: Path, columns: dict[str, str], mapping: Path
) -> Iterator[tuple[int, dict[str, str | None], str | None]]:
    """Line, fields and fault of each record; blank fields are None."""
    if path.suffix.lower() in TABLES:
        for row in read_table(path, required=tuple(columns.values())).rows:
            faults = [row.fault(theirs) for theirs in columns.values() if theirs in row.faults]
            fields = {
                ours: None if theirs in row.faults else row.text(theirs)
                for ours, theirs in columns.items()
            }
            yield row.line, fields, faults[0] if faults else None
        return
    for number, record in read_json_lines(path):
        missing = [c for c in columns.values() if c not in record]
        if missing:
            raise InputError(f"{path}: column {', '.join(missing)} is missing (named in {mapping})")
        odd = [c for c in columns.values() if isinstance(record[c], dict | list)]
        fields = {
            ours: None if theirs in odd else _written(record[theirs])
            for ours, theirs in columns.items()
        }
        fault = f"{odd[0]} must be text or a number, not {kind_of(record[odd[0]])}" if odd else ""
        yield number, fields, f"{path.name}:{number}: {fault}" if odd else None
