"""Importers of clinical datasets, from the layouts that their owners hand out.

An importer never guesses silently: what it cannot place it lists, with the rule that would
place it, and imports the rest. Videos are listed and left: cut them into frames first.
"""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from palsynth.clinical import Movement
from palsynth.data.manifest import Row, inside, write_manifest
from palsynth.data.split import split_of
from palsynth.errors import InputError
from palsynth.face.images import SUFFIXES


@dataclass(frozen=True)
class Unplaced:
    """A file that was not imported, and the rule that would place it."""

    path: Path
    rule: str


Placed = tuple[Path, Row]
Reader = Callable[[Path, Path | None], Iterator[Placed | Unplaced]]

VIDEOS = frozenset({".mp4", ".mov", ".avi", ".mkv"})


def import_dataset(
    source: str, folder: Path, target: Path, mapping: Path | None = None
) -> tuple[list[Row], list[Unplaced]]:
    """Imports a dataset into a folder with a manifest, split by subject.

    ``source`` one of IMPORTERS; ``mapping`` for "folder": a YAML or JSON file that names
    the columns of a label file. Returns the rows and what could not be placed. The target
    appears whole or not at all. Raises InputError where nothing can be imported.
    """
    if source not in IMPORTERS:
        raise InputError(f"no importer '{source}'; choose one of {', '.join(IMPORTERS)}")
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    if target.exists() and not target.is_dir():
        raise InputError(f"{target}: is a file; give a new folder")
    if target.exists() and any(target.iterdir()):
        raise InputError(f"{target}: is not empty; give a new folder")
    placed: list[Placed] = []
    unplaced: list[Unplaced] = []
    taken: dict[str, Path] = {}
    for item in IMPORTERS[source](folder, mapping):
        if isinstance(item, Unplaced):
            unplaced.append(item)
            continue
        path, row = item
        if not inside(row.file_name):
            unplaced.append(Unplaced(path, "its name leads out of the dataset; move it below"))
        elif row.file_name in taken:
            unplaced.append(Unplaced(path, f"{taken[row.file_name]} is imported by the same name"))
        else:
            taken[row.file_name] = path
            placed.append(item)
    if not placed:
        rule = f"; {unplaced[0].path.name}: {unplaced[0].rule}" if unplaced else ""
        raise InputError(f"{folder}: nothing in it can be placed as '{source}'{rule}")
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    rows = []
    try:
        for path, row in placed:
            row = replace(row, split=row.split or split_of(row.subject_id))
            place = partial / row.file_name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, place)
            rows.append(row)
        write_manifest(partial, rows)
        if target.exists():
            target.rmdir()
        partial.rename(target)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise InputError(f"{target}: cannot be written ({error.strerror or error})") from None
    return sorted(rows, key=lambda r: r.file_name), unplaced


_MEEI_MOVEMENTS = (
    Movement.REST,
    Movement.WRINKLE_FOREHEAD,
    Movement.CLOSE_EYES_LIGHTLY,
    Movement.CLOSE_EYES_TIGHTLY,
    None,  # closed smile: no item of the scale
    Movement.GRIN,
    Movement.WHISTLE,
    Movement.DEPRESS_LIP,
)
"""The eight photos in the order of Greene 2020; the order is inferred, not published."""

_MEEI_LEVELS = ("NearNormal", "Mild", "Moderate", "Severe", "Complete")
_MEEI_NAME = re.compile(r"^(?P<patient>.+?)_(?P<photo>\d+)$")


def _meei(folder: Path, mapping: Path | None) -> Iterator[Placed | Unplaced]:
    """``Flaccid|Synkinetic/<Level>…/<patient>/<patient>_<1..8>.jpg`` and ``Normal/<patient>/…``."""
    patients = _meei_patients(folder)
    for path in _files(folder):
        parts = path.relative_to(folder).parts
        category = parts[0].lower() if len(parts) > 1 else ""
        match = _MEEI_NAME.match(path.stem)
        if path.suffix.lower() in VIDEOS:
            yield Unplaced(path, "a video; cut it into frames and import those with 'folder'")
        elif path.suffix.lower() not in SUFFIXES:
            if path.name != "pat_info.xlsx":
                yield Unplaced(path, "not a picture")
        elif category not in ("flaccid", "synkinetic", "normal"):
            yield Unplaced(path, "must lie below Flaccid/, Synkinetic/ or Normal/")
        elif match is None or not 1 <= int(match["photo"]) <= 8:
            yield Unplaced(path, "must be called <patient>_<1..8>")
        else:
            level = _meei_level("".join(parts[:-1]))
            if level is None and category != "normal":
                yield Unplaced(path, f"its folder must name a level: {', '.join(_MEEI_LEVELS)}")
                continue
            patient, photo = path.parent.name, int(match["photo"])
            movement = _MEEI_MOVEMENTS[photo - 1]
            extra: dict[str, Any] = {"category": category, "level": level, "photo": photo}
            known = patients.get(_letters(patient), {})
            extra.update({k: v for k, v in known.items() if k != "side"})
            yield (
                path,
                Row(
                    file_name="/".join(parts),
                    subject_id=f"meei-{category}-{(level or 'normal').lower()}-{_letters(patient)}",
                    movement=movement.value if movement else None,
                    side=known.get("side"),
                    hb_grade="I" if category == "normal" else None,
                    attributes=extra,
                ),
            )


def _meei_level(path: str) -> str | None:
    text = _letters(path)
    found = [level for level in _MEEI_LEVELS if level.lower() in text]
    return found[0] if found else None


def _letters(text: str) -> str:
    """Lower case, letters and digits only: spellings of one patient's name agree."""
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _meei_patients(folder: Path) -> dict[str, dict[str, Any]]:
    """Side, gender and age from ``pat_info.xlsx`` where it is there."""
    path = folder / "pat_info.xlsx"
    if not path.exists():
        return {}
    try:
        from openpyxl import load_workbook
    except ImportError:
        raise InputError(f"{path}: reading it needs openpyxl; install palsynth[fit]") from None
    try:
        sheet = load_workbook(path, read_only=True).active
        lines = list(sheet.iter_rows(values_only=True))
    except Exception as error:
        raise InputError(f"{path}: not an Excel file ({error})") from None
    header = [str(cell or "").strip().lower() for cell in lines[0]] if lines else []
    wanted = {"sub-category": None, "category": None, "#": None, "side": None}
    missing = [name for name in wanted if name not in header]
    if missing:
        raise InputError(f"{path}: column {', '.join(missing)} is missing")
    out = {}
    for line in lines[1:]:
        cell = dict(zip(header, line, strict=False))
        side = str(cell.get("side") or "").strip().lower()
        key = _letters(f"{cell['sub-category'] or ''}{cell['category'] or ''}{cell['#'] or ''}")
        out[key] = {
            "side": {"l": "left", "r": "right"}.get(side[:1]),
            "gender": cell.get("gender"),
            "age": cell.get("age"),
        }
    return out


def _aflfp(folder: Path, mapping: Path | None) -> Iterator[Placed | Unplaced]:
    """``<subject>/*.{png,jpg}``: the release's own layout is not published."""
    yield from _by_subject(folder, "aflfp")


_YFP_INTENSITY = re.compile(
    r"(?P<region>eye|mouth)[_-]?(?P<intensity>0\.5|1\.0|1|05|10)(?![0-9.])", re.I
)


def _yfp(folder: Path, mapping: Path | None) -> Iterator[Placed | Unplaced]:
    """Frames sorted into ``<patient>/…``; a name may carry ``eye_0.5`` or ``mouth_1.0``."""
    for item in _by_subject(folder, "yfp"):
        if isinstance(item, Unplaced):
            yield item
            continue
        path, row = item
        found = _YFP_INTENSITY.findall("/".join(path.relative_to(folder).parts))
        values = {region.lower(): {"05": 0.5, "10": 1.0}.get(v) or float(v) for region, v in found}
        yield path, replace(row, attributes={f"{k}_intensity": v for k, v in values.items()})


def _by_subject(folder: Path, prefix: str) -> Iterator[Placed | Unplaced]:
    for path in _files(folder):
        parts = path.relative_to(folder).parts
        if path.suffix.lower() in VIDEOS:
            yield Unplaced(path, "a video; cut it into frames first")
        elif path.suffix.lower() not in SUFFIXES:
            yield Unplaced(path, "not a picture")
        elif len(parts) < 2:
            yield Unplaced(path, "must lie in a folder named after its subject")
        else:
            name = "/".join(parts)
            yield path, Row(file_name=name, subject_id=f"{prefix}-{parts[0]}")


_FIELDS = ("file_name", "subject_id", "movement", "side", "hb_grade", "yanagihara_item", "split")


def _folder(folder: Path, mapping: Path | None) -> Iterator[Placed | Unplaced]:
    """``<subject>/*.jpg``, with labels from a CSV or JSONL file that a mapping describes.

    The mapping holds ``labels`` (the file, below the source folder), ``columns`` (our field
    -> their column) and optionally ``values`` (our field -> {their value: our value}).
    """
    if mapping is None:
        yield from _by_subject(folder, "folder")
        return
    rules = _read_mapping(mapping)
    columns, values = rules["columns"], rules.get("values") or {}
    labels = folder / str(rules["labels"])
    listed = set()
    for number, record in enumerate(_records(labels), 2 if labels.suffix.lower() == ".csv" else 1):
        missing = [c for c in columns.values() if c not in record]
        if missing:
            raise InputError(
                f"{labels}: column {', '.join(missing)} is missing (named in {mapping})"
            )
        found = {ours: record[theirs] for ours, theirs in columns.items()}
        for name, table in values.items():
            if found.get(name) is not None:
                found[name] = table.get(str(found[name]), found[name])
        path = folder / str(found["file_name"])
        listed.add(path)
        if not path.exists():
            yield Unplaced(path, f"{labels.name}:{number} names it, but it is not there")
            continue
        row, wrong = _labelled(found)
        if wrong:
            yield Unplaced(
                path, f"{labels.name}:{number}: {wrong}; add it to 'values' in {mapping.name}"
            )
        else:
            yield path, row
    for path in _files(folder):
        if path not in listed and path != labels and path.suffix.lower() in SUFFIXES:
            yield Unplaced(path, f"{labels.name} has no line for it")


def _labelled(found: dict[str, Any]) -> tuple[Row, str]:
    item = found.get("yanagihara_item")
    text = {n: (str(found[n]) if found.get(n) not in (None, "") else None) for n in _FIELDS}
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


def _files(folder: Path) -> Iterator[Path]:
    yield from sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.startswith("."))


IMPORTERS: dict[str, Reader] = {"meei": _meei, "aflfp": _aflfp, "yfp": _yfp, "folder": _folder}
