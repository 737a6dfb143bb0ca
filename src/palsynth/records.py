"""Records of what a folder holds, so that pictures of different settings never mix in one, and
files that others changed are not taken for those that were written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from palsynth.documents import DocumentError, json_row, parse_json, read_json
from palsynth.errors import InputError
from palsynth.files import atomic_write
from palsynth.folders import is_system_file
from palsynth.locks import is_lock

LEDGER = ".ledger.jsonl"

EXCERPT = 60
"""Longest part of a value that an error message shows, characters."""


def claim_folder(
    record_file: Path,
    record: Mapping[str, Any],
    holds: str,
    remedy: str,
    *,
    foreign: Sequence[str] = ("*",),
    sort_keys: bool = False,
) -> None:
    """Records what a folder holds, or checks that it holds just that.

    A folder without the record is created if needed, and gets it. A folder whose record is equal is
    left as it is, so that work in it resumes.

    Args:
        record_file: JSON file of the record, in the folder that it describes.
        record: all settings that determine what is written to the folder; JSON-serialisable.
        holds: what a folder with another record holds, for the error message: "an export with
            other settings".
        remedy: what to do about it: "give another folder".
        foreign: patterns of the files that a folder must not hold before it has the record; files
            that a killed :func:`palsynth.files.atomic_write` left behind do not count.
        sort_keys: write the keys of the record in alphabetical order instead of their own.

    Raises:
        InputError: the folder cannot be written; it holds another record, and the message names the
            first field that differs; the record is damaged; or there are foreign files.
    """
    folder = record_file.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be made ({error.strerror or error})") from None
    text = json.dumps(record, indent=1, sort_keys=sort_keys) + "\n"
    new = parse_json(text, record_file, "give other settings")
    if record_file.exists():
        change = first_difference(_read(record_file, remedy), new)
        if change is not None:
            name, before, after = change
            raise InputError(f"{folder}: holds {holds}: {name} is {before}, not {after}; {remedy}")
        return
    for pattern in foreign:
        for path in sorted(folder.glob(pattern)):
            known = ".partial" in path.name or is_system_file(path.name) or is_lock(path)
            if not known:
                raise InputError(
                    f"{folder}: is not empty; give a new folder ({path.relative_to(folder)} is "
                    f"there, but no {record_file.name} that says what it was made with)"
                )
    with atomic_write(record_file) as temporary:
        temporary.write_text(text, "utf-8")


def _read(path: Path, remedy: str) -> dict[str, Any]:
    """The record in a file."""
    try:
        found = read_json(path)
    except DocumentError as error:
        raise InputError(f"{path}: the record is damaged ({error.fault}); {remedy}") from None
    if not isinstance(found, dict):
        raise InputError(f"{path}: the record is damaged (no JSON object); {remedy}")
    return found


def first_difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, str, str] | None:
    """Finds the first field in which two records differ.

    Args:
        old: a record, as JSON represents it.
        new: another one.

    Returns:
        The field's name, with dots between those of nested fields, and its value in either record
        as JSON text (``missing`` where there is none), shortened where it is long; None if the
        records are equal.

    Example:
        >>> first_difference({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": "2"}})
        ('a.c', '2', '"2"')
    """
    before, after = (
        {name: json.dumps(value, sort_keys=True) for name, value in flattened(record).items()}
        for record in (old, new)
    )
    for name in {**after, **before}:
        one, other = before.get(name, "missing"), after.get(name, "missing")
        if one != other:
            pairs = enumerate(zip(one, other, strict=False))
            start = next((k for k, (a, b) in pairs if a != b), min(len(one), len(other)))
            return name, _excerpt(one, start), _excerpt(other, start)
    return None


def _excerpt(text: str, start: int) -> str:
    """A text, or the part of a long one around the place where a difference starts."""
    if len(text) <= EXCERPT:
        return text
    first = max(0, min(start - EXCERPT // 3, len(text) - EXCERPT))
    last = first + EXCERPT
    return ("…" if first else "") + text[first:last] + ("…" if last < len(text) else "")


def flattened(record: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Flattens nested dictionaries.

    Args:
        record: the dictionary.
        prefix: put before every name.

    Returns:
        Name -> value, with dots between the names of nested fields.

    Example:
        >>> flattened({"a": {"b": 1}, "c": {}})
        {'a.b': 1, 'c': {}}
    """
    out: dict[str, Any] = {}
    for key, value in record.items():
        if isinstance(value, Mapping) and value:
            out.update(flattened(value, f"{prefix}{key}."))
        else:
            out[prefix + key] = value
    return out


class Ledger:
    """Which files of a folder were written, each with its size and SHA-256: ``.ledger.jsonl``.

    Work that resumes trusts these files alone. A line is appended when a file is in its place;
    several processes may append. The last line of a file counts, and a line that a kill cut short
    does not.

    Args:
        folder: the folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._path = folder / LEDGER
        self._found: dict[str, tuple[int, str]] = {}

    @cached_property
    def _lines(self) -> dict[str, tuple[int, str]]:
        """File -> size and SHA-256; read when they are first asked for."""
        self.read()
        return self._found

    def __contains__(self, name: object) -> bool:
        return name in self._lines

    def read(self) -> None:
        """Reads what other processes have appended since."""
        try:
            lines = self._path.read_bytes().splitlines()
        except OSError:
            return
        for line in lines:
            try:
                data = json_row(line.decode("utf-8"), self._path)
                self._found[str(data["file"])] = int(data["size"]), str(data["sha256"])
            except (ValueError, TypeError, KeyError, OverflowError):
                continue

    def add(self, name: str) -> None:
        """Records a file as it lies in the folder now.

        Args:
            name: the file, relative to the folder.

        Raises:
            InputError: the file cannot be read, or the ledger not be written.
        """
        path = self.folder / name
        self._found[name] = path.stat().st_size, file_sha256(path)
        try:
            with self._path.open("ab") as file:
                file.write(f"\n{self._line(name)}\n".encode())  # after one that was cut short
        except OSError as error:
            raise InputError(
                f"{self._path}: cannot be written ({error.strerror or error})"
            ) from None

    def fault(self, name: str, contents: bool = True) -> str | None:
        """How a file differs from what was recorded.

        Args:
            name: a recorded file, relative to the folder.
            contents: compare its SHA-256 too, not its size alone.

        Returns:
            The difference, to be written after the name; None if there is none.
        """
        path = self.folder / name
        if not path.is_file():
            return "has been deleted"
        size, sha256 = self._lines[name]
        found = path.stat().st_size
        if found == 0 != size:
            return "has been emptied"
        if found != size or (contents and file_sha256(path) != sha256):
            return "has been changed"
        return None

    def tidy(self) -> None:
        """Writes the ledger anew, one line per file in the order of their names, so that it does
        not depend on interruptions. No other process may be appending."""
        text = "".join(self._line(name) + "\n" for name in sorted(self._lines))
        if self._path.exists() and self._path.read_bytes() == text.encode():
            return
        with atomic_write(self._path) as temporary:
            temporary.write_text(text, "utf-8")

    def _line(self, name: str) -> str:
        size, sha256 = self._found[name]
        return json.dumps({"file": name, "size": size, "sha256": sha256}, ensure_ascii=False)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file.

    Args:
        path: the file.

    Returns:
        64 hexadecimal digits.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None


def files_sha256(files: Mapping[str, Path]) -> str:
    """SHA-256 of several files with their names, in any order.

    Args:
        files: name -> path.

    Returns:
        64 hexadecimal digits.

    Raises:
        InputError: a file cannot be read.
    """
    found = [(name, file_sha256(files[name])) for name in sorted(files)]
    return hashlib.sha256(json.dumps(found).encode()).hexdigest()
