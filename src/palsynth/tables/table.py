"""Tables that other programs write, CSV and Excel, read as text and never guessed.

Every cell is a text or blank (None). A cell whose value cannot be told (a date where Excel made
one of 1-2, a formula without a value, ``#N/A``) is refused when it is asked for, with its place,
so that it does no harm in a column that nobody needs.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from palsynth.errors import InputError
from palsynth.tables import workbook
from palsynth.tables.grid import Grid, key, missing, short
from palsynth.tables.text import read_text

SUFFIXES = frozenset({".csv", ".tsv"}) | workbook.SUFFIXES | workbook.OTHER_SUFFIXES
"""Endings of the files that :func:`read_table` takes; the others in it are refused with a word."""
HEADER_ROWS = 20
"""Rows of a sheet, blank ones not counted, among which the header is looked for."""

_ERROR = re.compile(r"#(N/A|REF!|VALUE!|DIV/0!|NAME\?|NULL!|NUM!|SPILL!|CALC!|GETTING_DATA)")
_UNKNOWN = frozenset({"n/a", "na", "nan", "unknown", "?", "-"})
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


@dataclass(frozen=True)
class TableRow:
    """One row of a table.

    Attributes:
        path: the file.
        line: its line in a text file, where it starts, or its row in a sheet.
        cells: column -> text; blank cells are left out.
        faults: column -> why the value of its cell cannot be told.
        letters: column -> its letter, in a sheet.
    """

    path: Path
    line: int
    cells: Mapping[str, str]
    faults: Mapping[str, str]
    letters: Mapping[str, str]

    def place(self, column: str) -> str:
        """Says where a cell is.

        Args:
            column: its column.

        Returns:
            ``labels.csv:3: age`` or ``info.xlsx: cell F3 (age)``.
        """
        if column in self.letters:
            return f"{self.path}: cell {self.letters[column]}{self.line} ({column})"
        return f"{self.path}:{self.line}: {column}"

    def fault(self, column: str) -> str:
        """Says why the value of a cell cannot be told.

        Args:
            column: its column, one of those with faults.

        Returns:
            Its place and the reason.
        """
        return f"{self.place(column)} {self.faults[column]}"

    def text(self, column: str) -> str | None:
        """The text of a cell.

        Args:
            column: its column.

        Returns:
            The text without space around it; None if it is blank or the table lacks the column.

        Raises:
            InputError: its value cannot be told.
        """
        if column in self.faults:
            raise InputError(self.fault(column))
        return self.cells.get(column)

    def required(self, column: str) -> str:
        """The text of a cell that must not be blank.

        Args:
            column: its column.

        Returns:
            The text.

        Raises:
            InputError: it is blank, or its value cannot be told.
        """
        text = self.text(column)
        if text is None:
            raise InputError(f"{self.place(column)} is blank")
        return text

    def number(self, column: str) -> float | None:
        """The number in a cell.

        Args:
            column: its column.

        Returns:
            The number; None if the cell is blank or says that it is not known, as ``n/a`` does.

        Raises:
            InputError: it is no finite number with a decimal point.
        """
        text = self.text(column)
        if text is None or text.lower() in _UNKNOWN:
            return None
        if not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
            point = ", write a decimal point" if re.fullmatch(r"[+-]?[0-9]*,[0-9]+", text) else ""
            raise InputError(f"{self.place(column)} '{short(text)}' is not a number{point}")
        return float(text)


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        path: the file.
        columns: names of the columns, in order.
        rows: the rows that are not blank, in order.
    """

    path: Path
    columns: tuple[str, ...]
    rows: tuple[TableRow, ...]

    def by(self, column: str) -> dict[str, TableRow]:
        """The rows by the text of a column.

        Args:
            column: the column, whose cells must be filled and differ.

        Returns:
            Text -> row, in order.

        Raises:
            InputError: a cell is blank, or two are the same.
        """
        out: dict[str, TableRow] = {}
        for row in self.rows:
            name = row.required(column)
            if name in out:
                raise InputError(
                    f"{row.place(column)} '{short(name)}' stands in line {out[name].line} too"
                )
            out[name] = row
        return out


def read_table(path: Path, required: Sequence[str] = (), optional: Sequence[str] = ()) -> Table:
    """Reads a table from a CSV file or an Excel workbook.

    Text files are UTF-8, UTF-16 with its mark, or else Windows-1252, which a note on standard error
    says; the header, their first line that is not blank, decides the separator. In a workbook, the
    sheet is the one that has the required columns, its header the first row that names them; hidden
    rows count, hidden sheets do not.

    Args:
        path: the file.
        required: columns that the table must have.
        optional: further columns that are asked for. Asked names match those of the file in any
            case, and the table's columns are called as asked.

    Returns:
        The table. Blank rows and columns are left out.

    Raises:
        InputError: the file cannot be read, lacks a required column or has a faulty header, a cell
            stands below no column name, or more than one sheet has the required columns.
    """
    if path.exists() and not path.is_file():
        raise InputError(f"{path}: is not a file; give a table (CSV, Excel)")
    if path.suffix.lower() in workbook.SUFFIXES | workbook.OTHER_SUFFIXES:
        grid, header = _choose_sheet(path, workbook.read_workbook(path), required)
    else:
        grid = read_text(path, required)
        header = min(grid.rows, default=0)
        _check_required(path, required, grid.rows.get(header, {}).values())
    asked = {key(name): name for name in (*optional, *required)}
    names: dict[int, str] = {}
    seen: set[str] = set()
    for column, text in sorted(grid.rows.get(header, {}).items()):
        name = asked.get(key(text), text)
        if key(name) in seen:
            raise InputError(f"{path}: two columns are called '{short(text)}'; rename one")
        seen.add(key(name))
        names[column] = name
    letters = {name: _letter(column) for column, name in names.items()} if grid.title else {}
    rows = []
    for line in sorted(line for line in grid.rows if line > header):
        cells = grid.rows[line]
        if beyond := [column for column in cells if column not in names]:
            place = f"cell {_letter(beyond[0])}{line}" if grid.title else f"cell {beyond[0]}"
            raise InputError(
                f"{path}:{line}: {place} ('{short(cells[beyond[0]])}') has no column name in the "
                f"header (line {header}); name its column, or remove it"
            )
        faults = {
            names[c]: fault for c, text in cells.items() if (fault := _fault(grid, line, c, text))
        }
        texts = {names[column]: text for column, text in cells.items()}
        rows.append(TableRow(path, line, texts, faults, letters))
    return Table(path, tuple(names.values()), tuple(rows))


def _fault(grid: Grid, line: int, column: int, text: str) -> str | None:
    if _ERROR.fullmatch(text):
        return f"holds the error {text}; type the value, or clear the cell"
    return grid.faults.get((line, column))


def _letter(column: int) -> str:
    from openpyxl.utils import get_column_letter

    return get_column_letter(column)


def _check_required(path: Path, required: Sequence[str], names: Iterable[str]) -> None:
    if lacking := missing(required, names):
        there = f"its columns are {short(', '.join(names))}" if names else "it is empty"
        raise InputError(f"{path}: column {', '.join(lacking)} is missing; {there}")


def _choose_sheet(path: Path, sheets: list[Grid], required: Sequence[str]) -> tuple[Grid, int]:
    """The one sheet that has the required columns, and the row of its header."""
    found, nearest = [], (len(required) + 1, Grid(), 0)
    for sheet in sheets:
        for line in sorted(sheet.rows)[:HEADER_ROWS]:
            lacking = len(missing(required, sheet.rows[line].values()))
            if not lacking:
                found.append((sheet, line))
                break
            if not sheet.hidden and lacking < nearest[0]:
                nearest = lacking, sheet, line
    shown = [(sheet, line) for sheet, line in found if not sheet.hidden]
    if len(shown) > 1:
        titles = ", ".join(f"'{short(sheet.title)}'" for sheet, _ in shown)
        raise InputError(f"{path}: sheets {titles} have the same columns; keep one of them")
    if found and not shown:
        raise InputError(f"{path}: the sheet '{short(found[0][0].title)}' is hidden; unhide it")
    if not shown:
        _check_required(path, required, nearest[1].rows.get(nearest[2], {}).values())
        return Grid(), 0
    return shown[0]
