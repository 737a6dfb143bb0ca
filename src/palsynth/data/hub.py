"""The manifest as ``datasets`` reads it: a flat ``metadata.jsonl`` in the folder of each split.

``datasets.load_dataset("imagefolder", data_dir=…)`` takes the folders ``train``, ``validation`` and
``test`` for splits and reads the metadata that lie in them. They are made of the manifest, which
stays what palsynth reads.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
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


def write_splits(folder: Path, rows: Iterable[Row]) -> None:
    """Writes ``metadata.jsonl`` in the folder of each split.

    Args:
        folder: the data set, whose pictures lie in folders named after their splits.
        rows: its rows.
    """
    by_split: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        if row.split is not None and row.file_name.startswith(f"{row.split}/"):
            by_split[row.split].append(hub_row(row))
    for split, flat in by_split.items():
        columns = dict.fromkeys(column for row in flat for column in row)
        lines = [json.dumps({c: row.get(c) for c in columns}, ensure_ascii=False) for row in flat]
        with atomic_write(folder / split / FILE_NAME) as temporary:
            temporary.write_text("".join(f"{line}\n" for line in lines), "utf-8")
