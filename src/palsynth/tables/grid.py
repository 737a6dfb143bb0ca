"""The cells of a sheet or a text file, before columns have names."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


@dataclass
class Grid:
    """The cells of one sheet, or of one text file.

    Attributes:
        title: name of the sheet; empty for a text file.
        hidden: whether the program that wrote it hides the sheet.
        rows: row number -> column number -> text, both from 1; blank cells and rows are left out.
        faults: (row, column) -> why the cell's value cannot be told; such a cell has a text too.
    """

    title: str = ""
    hidden: bool = False
    rows: dict[int, dict[int, str]] = field(default_factory=dict)
    faults: dict[tuple[int, int], str] = field(default_factory=dict)

    def set(self, row: int, column: int, text: str, fault: str | None = None) -> None:
        """Notes a cell.

        Args:
            row: its row.
            column: its column.
            text: what it shows; a blank text notes nothing.
            fault: why its value cannot be told.
        """
        if text := stripped(text):
            self.rows.setdefault(row, {})[column] = text
        if text and fault:
            self.faults[row, column] = fault


def stripped(text: str) -> str:
    """Removes the space around a text, zero-width characters included.

    Args:
        text: the text.

    Returns:
        The rest.
    """
    return text.strip().strip("\ufeff\u200b\u2060").strip()


def key(name: str) -> str:
    """What names of columns are compared by: any case, space and form of Unicode is the same.

    Args:
        name: the name.

    Returns:
        Its key.
    """
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())


def missing(required: Sequence[str], names: Iterable[str]) -> list[str]:
    """The required columns that are not among some names.

    Args:
        required: names of columns.
        names: the names of a header.

    Returns:
        Those that lack.
    """
    there = {key(name) for name in names}
    return [name for name in required if key(name) not in there]


def short(text: str) -> str:
    """The start of a text, in one line, for an error message.

    Args:
        text: the text.

    Returns:
        At most 60 characters.
    """
    line = " ".join(text.split())
    return line if len(line) <= 60 else line[:59] + "…"
