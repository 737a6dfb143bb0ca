"""The manifest as ``datasets`` reads it: a flat ``metadata.jsonl`` in the folder of each split.

``datasets.load_dataset("imagefolder", data_dir=…)`` takes the folders ``train``, ``validation`` and
``test`` for splits and reads the metadata that lie in them. They are made of the manifest, which
stays what palsynth reads.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from palsynth.data.manifest import FILE_NAME, Row
from palsynth.files import atomic_write

CONTACT_SHEET = "contact-sheet.png"
"""Picture beside the card of a data set that shows some of its pictures; no picture of the set."""


def hub_row(row: Row) -> dict[str, Any]:
    """A row as one level of columns, which are the same for every row of a set.

    Args:
        row: the row; its file lies in the folder of its split.

    Returns:
        Column -> text, number or None. ``palsy`` and ``provenance`` are JSON; what was measured
        has columns ``measured_…``; further columns are the attributes with a single value.
    """
    single = {k: v for k, v in row.attributes.items() if not isinstance(v, (dict, list))}
    measured = {f"measured_{name}": value for name, value in (row.measured or {}).items()}
    return {
        "file_name": row.file_name.removeprefix(f"{row.split}/"),
        "subject_id": row.subject_id,
        "movement": row.movement,
        "side": row.side,
        "hb_grade": row.hb_grade,
        "yanagihara_item": row.yanagihara_item,
        "palsy": None if row.palsy is None else json.dumps(row.palsy, sort_keys=True),
        "provenance": None
        if row.provenance is None
        else json.dumps(row.provenance, sort_keys=True),
        **measured,
        **single,
    }


TEXT = ("movement", "side", "hb_grade", "palsy", "provenance")
"""Columns of text that may be unknown in every row."""


def write_splits(folder: Path, rows: Iterable[Row]) -> None:
    """Writes ``metadata.jsonl`` in the folder of each split.

    ``datasets`` infers the types of columns from each file by itself, and refuses files that
    differ. An unknown text is therefore written as an empty one, and a column of numbers of which
    a split, such as one of a single picture, has no value is left out of all files.

    Args:
        folder: the data set, whose pictures lie in folders named after their splits.
        rows: its rows.
    """
    by_split: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        if row.split is not None and row.file_name.startswith(f"{row.split}/"):
            by_split[row.split].append(hub_row(row))
    defaults = _columns(list(by_split.values()))
    for split, flat in by_split.items():
        lines = [json.dumps(_filled(row, defaults), ensure_ascii=False) for row in flat]
        with atomic_write(folder / split / FILE_NAME) as temporary:
            temporary.write_text("".join(f"{line}\n" for line in lines), "utf-8")


def _columns(splits: Sequence[Sequence[dict[str, Any]]]) -> dict[str, str | None]:
    """The columns of all files, with what stands for an unknown value."""
    rows = [row for split in splits for row in split]
    text = dict.fromkeys(c for row in rows for c, value in row.items() if isinstance(value, str))
    numbers = (c for c in dict.fromkeys(c for row in rows for c in row) if c not in text)
    known = (c for c in numbers if all(any(r.get(c) is not None for r in part) for part in splits))
    return {**dict.fromkeys([*text, *TEXT], ""), **dict.fromkeys(c for c in known if c not in TEXT)}


def _filled(row: dict[str, Any], defaults: dict[str, str | None]) -> dict[str, Any]:
    return {c: default if row.get(c) is None else row[c] for c, default in defaults.items()}
