"""The truth of a clip: what each frame was to show, and what was measured in it, as a table."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from palsynth.files import atomic_write
from palsynth.records import flattened


@dataclass(frozen=True)
class FrameTruth:
    """The truth of one frame.

    Attributes:
        time: when it is shown, seconds from the first one.
        requested: what it was to show, such as coefficients or a palsy, perhaps nested.
        measured: what was measured in it; empty where nothing was.
    """

    time: float
    requested: Mapping[str, Any]
    measured: Mapping[str, Any] = field(default_factory=dict)


def truth_path(clip: Path) -> Path:
    """Where the table of a clip lies.

    Args:
        clip: the clip: a file, or a folder of frames.

    Returns:
        The file beside it, of the same name, that ends in ``.csv``.
    """
    return clip.with_suffix(".csv")


def write_truth(path: Path, rows: Sequence[FrameTruth]) -> None:
    """Writes the table of a clip (CSV), atomically.

    Its columns are ``frame`` (0 for the first), ``time`` (seconds), ``requested.NAME`` and
    ``measured.NAME``, with dots between the names of nested values; numbers have six digits after
    the point. A value that a frame lacks is empty.

    Args:
        path: the file; its folder is created.
        rows: the frames, in order.

    Raises:
        InputError: the file cannot be written.
    """
    lines = [
        {
            "frame": number,
            "time": row.time,
            **flattened({"requested": row.requested, "measured": row.measured}),
        }
        for number, row in enumerate(rows)
    ]
    names = list(dict.fromkeys(name for line in lines for name in line))
    groups = ([n for n in names if n.startswith(group)] for group in ("requested.", "measured."))
    columns = ["frame", "time", *(name for group in groups for name in group)]
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        atomic_write(path) as temporary,
        temporary.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_cell(line.get(name, "")) for name in columns] for line in lines)


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return f"{round(value, 6) + 0.0:.6f}"  # never -0.000000
    return "" if value in (None, {}) else value
