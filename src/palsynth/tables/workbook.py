"""Excel workbooks, cell by cell: what each shows as text, or why that cannot be told."""

from __future__ import annotations

import datetime
import math
import re
import warnings
import zipfile
from bisect import bisect_left, bisect_right
from pathlib import Path
from typing import Any

from palsynth.errors import InputError
from palsynth.tables.grid import Grid

SUFFIXES = frozenset({".xlsx", ".xlsm"})
"""Endings of the workbooks that can be read."""
OTHER_SUFFIXES = frozenset({".xls", ".xlsb", ".ods", ".fods", ".numbers"})
"""Endings of the workbooks that must be saved as .xlsx first."""
MAX_UNPACKED = 2**24
"""Largest size of an unpacked workbook, bytes."""
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
"""First bytes of an encrypted workbook, and of an old .xls file."""
_DATES = (datetime.date, datetime.time, datetime.timedelta)
_STRICT = b"http://purl.oclc.org/ooxml/"
"""Names the elements of a workbook in the form "Strict Open XML", which openpyxl reads as empty."""
_IN_QUOTES = re.compile(r'"[^"]*"|\\.')
"""Parts of a number format that stand for themselves."""


def read_workbook(path: Path) -> list[Grid]:
    """Reads all sheets of a workbook.

    Merged cells give their value to every cell of their range. Formulas give the value that the
    workbook keeps beside them.

    Args:
        path: the file.

    Returns:
        The sheets, in order.

    Raises:
        InputError: the file is no workbook, has a password, or unpacks to too much.
    """
    from openpyxl import load_workbook

    _check_package(path)
    try:
        with warnings.catch_warnings():  # about decoration that openpyxl does not read
            warnings.simplefilter("ignore")
            book = load_workbook(path, read_only=True, data_only=True)
            try:
                return [_grid(sheet) for sheet in book.worksheets]
            finally:
                book.close()
    except Exception as error:  # a damaged workbook ends in any of them
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise InputError(f"{path}: not an Excel file ({reason}); save it as .xlsx again") from None


def _check_package(path: Path) -> None:
    if path.suffix.lower() in OTHER_SUFFIXES:
        raise InputError(f"{path}: {path.suffix} is not read; save it as .xlsx")
    try:
        with path.open("rb") as file:
            start = file.read(len(_OLE))
        if start == _OLE:
            raise InputError(
                f"{path}: has a password, or is an old .xls; save it without one as .xlsx"
            )
        with zipfile.ZipFile(path) as package:
            size = sum(part.file_size for part in package.infolist())
            strict = size <= MAX_UNPACKED and _is_strict(package)
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise InputError(f"{path}: not an Excel file ({error}); save it as .xlsx again") from None
    except Exception as error:  # a damaged part ends in any of them
        raise InputError(f"{path}: not an Excel file ({error}); save it as .xlsx again") from None
    if strict:
        raise InputError(
            f"{path}: is in the form 'Strict Open XML'; save it as 'Excel Workbook (.xlsx)'"
        )
    if size > MAX_UNPACKED:
        raise InputError(
            f"{path}: unpacks to {size / 2**20:.0f} MB, more than {MAX_UNPACKED / 2**20:.0f}; "
            "keep only the table in it"
        )


def _is_strict(package: zipfile.ZipFile) -> bool:
    """Whether a workbook is in the other of the two forms that Excel saves as .xlsx."""
    names = [name for name in package.namelist() if name.startswith("xl/workbook")]
    return any(_STRICT in package.read(name) for name in names)


def _grid(sheet: Any) -> Grid:
    """The cells of a sheet as they stand in the file, whatever size the sheet says that it has."""
    from openpyxl.worksheet._reader import FORMULA_TAG, WorkSheetParser

    book = sheet.parent
    styles, formats = book._cell_styles, book._number_formats

    class Parser(WorkSheetParser):  # type: ignore[misc]  # openpyxl has no types
        """Tells formulas without a value from blank cells."""

        def parse_cell(self, element: Any) -> dict[str, Any]:
            cell = super().parse_cell(element)
            formula = element.find(FORMULA_TAG) is not None
            if cell["value"] is None and formula and element.get("t") != "str":
                cell.update(data_type="f", value="=")
            if cell["data_type"] == "n" and _is_percent(styles[cell["style_id"]].numFmtId, formats):
                cell["data_type"] = "%"
            return cell

    grid = Grid(sheet.title, sheet.sheet_state != "visible")
    with sheet._get_source() as source:
        parser = Parser(
            source,
            sheet._shared_strings,
            data_only=True,
            epoch=book.epoch,
            date_formats=book._date_formats,
            timedelta_formats=book._timedelta_formats,
        )
        for _, cells in parser.parse():
            for cell in cells:
                text, fault = _shown(cell["value"], cell["data_type"])
                grid.set(cell["row"], cell["column"], text, fault)
    if parser.merged_cells is not None:
        _fill_merged(grid, [merged.bounds for merged in parser.merged_cells.mergeCell])
    return grid


def _is_percent(number_format: int, formats: list[str]) -> bool:
    """Whether a format shows a number in percent, as Excel chooses itself where 40% is typed."""
    from openpyxl.styles.numbers import BUILTIN_FORMATS, BUILTIN_FORMATS_MAX_SIZE

    if number_format < BUILTIN_FORMATS_MAX_SIZE:
        return "%" in BUILTIN_FORMATS.get(number_format, "")
    return "%" in _IN_QUOTES.sub("", formats[number_format - BUILTIN_FORMATS_MAX_SIZE])


def _shown(value: Any, kind: str) -> tuple[str, str | None]:
    """The text of a cell, and why its value cannot be told if so."""
    if value is None:
        return "", None
    if kind == "f":
        return "=", "is a formula without a value; open and save it in Excel, or type the value"
    if isinstance(value, _DATES):
        date = f"{value:%Y-%m-%d}" if isinstance(value, datetime.date) else str(value)
        return date, (
            f"is a date ({date}), which Excel makes of 1-2 and of numbers that are formatted as "
            "one; format it as text or number and type it again"
        )
    if kind == "%":
        return f"{100 * value:.15g}%", "is in percent; format it as a number and type it again"
    if isinstance(value, bool):
        return str(value).upper(), None
    if isinstance(value, int):
        return str(value), None
    if isinstance(value, float):
        if not math.isfinite(value):
            return str(value), "is not a finite number"
        whole = value.is_integer() and abs(value) < 1e15
        return (str(int(value)) if whole else f"{value:.15g}"), None
    from openpyxl.utils.escape import unescape

    return unescape(str(value)), None  # Excel writes a carriage return as _x000D_


def _fill_merged(grid: Grid, ranges: list[tuple[int, int, int, int]]) -> None:
    """Gives the value of merged cells to every cell of their range, in rows that hold others."""
    from openpyxl.utils import get_column_letter

    last = max((max(cells) for cells in grid.rows.values()), default=0)
    numbers = sorted(grid.rows)
    filled: set[tuple[int, int]] = set()
    for left, top, right, bottom in ranges:
        text = grid.rows.get(top, {}).get(left, "")
        fault = grid.faults.get((top, left))
        for row in numbers[bisect_left(numbers, top) : bisect_right(numbers, bottom)]:
            for column in range(left, min(right, last) + 1):
                if (row, column) in filled:
                    raise ValueError(f"merged cells overlap at {get_column_letter(column)}{row}")
                filled.add((row, column))
                own = grid.rows[row].get(column, text)
                if own == text:
                    grid.set(row, column, text, fault)
                else:
                    grid.set(row, column, own, "hides a value in merged cells; unmerge them")
