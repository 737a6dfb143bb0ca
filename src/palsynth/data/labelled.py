"""Importer of any folder of pictures, with labels from a file described by a mapping."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from palsynth.data.manifest import Row
from palsynth.data.placing import Placed, Unplaced, by_subject, files
from palsynth.data.videos import VIDEOS
from palsynth.errors import InputError
from palsynth.face.images import SUFFIXES
from palsynth.paths import FileNames, name_fault

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
    labels = FileNames(folder).join(str(rules["labels"]), f"{mapping}: labels")
    listed = set()
    for number, record in enumerate(_records(labels), 2 if labels.suffix.lower() == ".csv" else 1):
        missing = [c for c in columns.values() if c not in record]
        if missing:
            raise InputError(
                f"{labels}: column {', '.join(missing)} is missing (named in {mapping})"
            )
        fields = {ours: record[theirs] for ours, theirs in columns.items()}
        for name, table in values.items():
            if fields.get(name) is not None:
                fields[name] = table.get(str(fields[name]), fields[name])
        path = folder / str(fields["file_name"])
        listed.add(path)
        if fault := name_fault(str(fields["file_name"]), "dataset"):
            yield Unplaced(path, f"{labels.name}:{number}: its name {fault}")
            continue
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
    text = {n: (str(fields[n]) if fields.get(n) not in (None, "") else None) for n in _FIELDS}
    score = None
    if item not in (None, ""):
        try:
            score = int(str(item))
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
    try:
        rules = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a mapping file ({str(error).splitlines()[0]})") from None
    if (
        not isinstance(rules, dict)
        or "labels" not in rules
        or not isinstance(rules.get("columns"), dict)
    ):
        raise InputError(f"{path}: a mapping needs 'labels' (a file) and 'columns' (field: column)")
    tables = rules.get("values") or {}
    if not isinstance(tables, dict) or not all(isinstance(t, dict) for t in tables.values()):
        raise InputError(f"{path}: 'values' needs tables (field: {{their value: our value}})")
    rules["values"] = {n: {str(k): v for k, v in t.items()} for n, t in tables.items()}
    unknown = [name for name in rules["columns"] if name not in _FIELDS]
    if unknown:
        raise InputError(f"{path}: no field {', '.join(unknown)}; fields are {', '.join(_FIELDS)}")
    for needed in ("file_name", "subject_id"):
        if needed not in rules["columns"]:
            raise InputError(f"{path}: 'columns' must name the column of {needed}")
    return rules


def _records(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            if path.suffix.lower() == ".csv":
                yield from csv.DictReader(file)
                return
            for number, line in enumerate(file, 1):
                if line.strip():
                    try:
                        record = json.loads(line)
                    except json.JSONDecodeError as error:
                        raise InputError(
                            f"{path}:{number}: not a line of JSON ({error.msg})"
                        ) from None
                    if not isinstance(record, dict):
                        raise InputError(f"{path}:{number}: a line must be an object")
                    yield record
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error})") from None
