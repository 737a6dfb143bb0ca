"""CSV and its relatives: the encoding, the separator and the cells of a text file."""

from __future__ import annotations

import contextlib
import csv
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from palsynth.errors import InputError
from palsynth.notes import note
from palsynth.tables.grid import Grid, missing

MAX_BYTES = 2**25
"""Largest text file, bytes."""
SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
"""The separators that are tried, and their names."""
_MARKS = {
    b"\xff\xfe\0\0": "utf-32",
    b"\0\0\xfe\xff": "utf-32",
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
"""Byte-order mark -> encoding, longer marks first."""
_STATED = re.compile(r"sep=([,;\t])\r?\n?")
"""The line by which Excel is told the separator."""


def read_text(path: Path, required: Sequence[str]) -> Grid:
    """Reads the cells of a text file.

    Args:
        path: the file.
        required: names that its header must have; they decide where several separators are in it.

    Returns:
        The cells. A row's number is that of the line where it starts.

    Raises:
        InputError: the file cannot be read or decoded, or its separator is not clear.
    """
    text = _decoded(path)
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise InputError(f"{path}:{line}: has a NUL byte; save it as CSV (UTF-8)")
    first, skipped = text, 0
    if stated := _STATED.match(text):
        first, skipped = text[stated.end() :], 1
    separator = stated[1] if stated else _separator(path, text, required)
    grid = Grid()
    for line, cells in _rows(path, first, separator):
        for column, cell in enumerate(cells, 1):
            grid.set(line + skipped, column, cell)
    return grid


def _decoded(path: Path) -> str:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            limit = f"more than {MAX_BYTES / 2**20:.0f}"
            raise InputError(f"{path}: is too large ({size / 2**20:.0f} MB, {limit}); split it")
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    if data.startswith((b"PK\x03\x04", bytes.fromhex("d0cf11e0a1b11ae1"))):
        raise InputError(f"{path}: is a workbook, not text; save it as .xlsx and call it so")
    encoding = next((name for mark, name in _MARKS.items() if data.startswith(mark)), "utf-8")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        if encoding != "utf-8":
            raise InputError(f"{path}: is damaged ({encoding}); save it as CSV (UTF-8)") from None
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        text = ""
    signs = data.decode(errors="surrogateescape")  # bytes that are no UTF-8 become surrogates
    mixed = any(sign > "\x7f" and not "\udc80" <= sign <= "\udcff" for sign in signs)
    if not text or mixed:  # some of it is UTF-8: which is meant cannot be told
        raise InputError(
            f"{path}:{line}: is neither UTF-8 nor Windows-1252; save it as CSV (UTF-8)"
        )
    note(f"{path}: not UTF-8; read as Windows-1252")
    return text


def _separator(path: Path, text: str, required: Sequence[str]) -> str:
    """The separator, by the header alone."""
    headers: dict[str, list[str]] = {}
    for separator in SEPARATORS:
        with contextlib.suppress(InputError):  # quotation marks that are none with this one
            _, headers[separator] = next(_rows(path, text, separator), (0, []))
    parted = [separator for separator, names in headers.items() if len(names) > 1]
    fitting = [s for s in parted if required and not missing(required, headers[s])]
    if len(parted) > 1 and len(fitting) != 1:
        names = " or ".join(SEPARATORS[separator] for separator in parted)
        raise InputError(f"{path}: its header has {names}; separate the columns by one of them")
    return next(iter(fitting or parted), ",")


def _rows(path: Path, text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Each row that is not blank, with the line where it starts."""
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True, strict=True
    )
    start = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield start, cells
            start = reader.line_num + 1
    except csv.Error as error:
        raise InputError(f"{path}:{start}: {error}; check its quotation marks") from None
