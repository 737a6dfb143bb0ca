"""Records of what a folder holds, so that pictures of different settings never mix in one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from palsynth.errors import InputError
from palsynth.files import atomic_write
from palsynth.locks import is_lock

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
    if record_file.exists():
        change = first_difference(_read(record_file, remedy), json.loads(text))
        if change is not None:
            name, before, after = change
            raise InputError(f"{folder}: holds {holds}: {name} is {before}, not {after}; {remedy}")
        return
    for pattern in foreign:
        for path in sorted(folder.glob(pattern)):
            if ".partial" not in path.name and not is_lock(path):
                raise InputError(
                    f"{folder}: is not empty; give a new folder ({path.relative_to(folder)} is "
                    f"there, but no {record_file.name} that says what it was made with)"
                )
    with atomic_write(record_file) as temporary:
        temporary.write_text(text, "utf-8")


def _read(path: Path, remedy: str) -> dict[str, Any]:
    """The record in a file."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: the record is damaged ({error}); {remedy}") from None
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
