"""YAML, JSON and JSON lines: the only place where palsynth parses any of them.

What a file says is what is read. A key stands once; a word is a word (``no``, ``on``, ``01``,
``1:30`` and dates are text, as in YAML 1.2); numbers are finite and fit into 64 bits; text has no
NUL and is valid Unicode; nothing is nested without end, and no alias makes a small file large.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from palsynth.documents import json_decoder, yaml_loader
from palsynth.documents.checks import MAX_BYTES, MAX_LINE, Fault
from palsynth.errors import InputError

CORRECT = "correct the file"
"""What to do about a fault in a file that the user wrote."""


class DocumentError(InputError):
    """A file or text that cannot be used.

    Args:
        where: the file, or what the text is.
        fault: what is wrong.
        remedy: what to do.
        line: number of the line, from 1; None if the whole file is wrong.

    Attributes:
        fault: what is wrong.
    """

    def __init__(self, where: object, fault: str, remedy: str, line: int | None = None) -> None:
        place = f"{where}:{line}" if line else f"{where}"
        super().__init__(f"{place}: {fault}; {remedy}")
        self.fault = fault


def read_yaml(path: Path) -> Any:
    """Reads plain values from a YAML file, or a JSON file if its name ends in ``.json``.

    Args:
        path: the file.

    Returns:
        The values: dictionaries with text as keys, lists, text, numbers, booleans and None. A key
        is the text as written, so ``1`` and ``Yes`` are the keys "1" and "Yes".

    Raises:
        InputError: the file cannot be read; or, with its line, the first fault.
    """
    if path.suffix.lower() == ".json":
        value = read_json(path)
    else:
        text = _read(path, CORRECT)
        try:
            value = yaml_loader.load(text)
        except Fault as fault:
            raise DocumentError(path, str(fault), CORRECT, fault.line) from None
    if value is None:
        raise DocumentError(path, "is empty", CORRECT)
    return value


def read_json(path: Path, remedy: str = CORRECT) -> Any:
    """Reads plain values from a JSON file.

    Args:
        path: the file.
        remedy: what to do about a fault, for the message.

    Returns:
        The values.

    Raises:
        InputError: the file cannot be read; or, with its line, the first fault.
    """
    return parse_json(_read(path, remedy), path, remedy)


def read_json_lines(path: Path, remedy: str = CORRECT) -> Iterator[tuple[int, dict[str, Any]]]:
    """Reads the rows of a file of JSON lines.

    Args:
        path: the file.
        remedy: what to do about a fault, for the message.

    Yields:
        The number of each line that is not blank, from 1, and its object.

    Raises:
        InputError: the file cannot be read; or, with its line, the first fault.
    """
    with _opened(path) as file:
        for number, line in enumerate(iter(lambda: file.readline(MAX_LINE + 1), b""), 1):
            if len(line) > MAX_LINE:
                raise DocumentError(path, f"a line of more than {MAX_LINE:,} bytes", remedy, number)
            text = _decode(line, path, remedy, number).strip()
            if text:
                yield number, json_row(text, path, remedy, number)


def json_row(text: str, where: object, remedy: str = CORRECT, line: int = 1) -> dict[str, Any]:
    """Parses a JSON object that stands in one line.

    Args:
        text: the line.
        where: the file, for the message.
        remedy: what to do about a fault, for the message.
        line: number of the line, for the message.

    Returns:
        The object.

    Raises:
        InputError: the text is not JSON, or another value than an object.
    """
    value = parse_json(text, where, remedy, line)
    if not isinstance(value, dict):
        raise DocumentError(where, f"a row must be an object, not {kind_of(value)}", remedy, line)
    return value


def parse_json(text: str, where: object, remedy: str = CORRECT, first_line: int = 1) -> Any:
    """Parses a JSON text.

    Args:
        text: the text.
        where: the file, or what the text is, for the message.
        remedy: what to do about a fault, for the message.
        first_line: number of the text's first line.

    Returns:
        The values.

    Raises:
        InputError: the first fault, with its line.
    """
    try:
        return json_decoder.decode(text)
    except Fault as fault:
        line = first_line + (fault.line or 1) - 1
        raise DocumentError(where, str(fault), remedy, line) from None


def to_yaml(values: Any) -> str:
    """Formats plain values as YAML, so that :func:`read_yaml` reads the same values.

    Args:
        values: dictionaries, lists, text, finite numbers, booleans and None.

    Returns:
        YAML text, keys in order.
    """
    return yaml_loader.dump(values)


def kind_of(value: Any) -> str:
    """Names the kind of a plain value, for a message.

    Args:
        value: a value as the readers return it.

    Returns:
        For example "a list".

    Example:
        >>> kind_of([1, 2])
        'a list'
    """
    names = {dict: "a mapping", list: "a list", str: "text", bool: "true or false"}
    return names.get(type(value), "nothing" if value is None else "a number")


def as_text(value: Any) -> str:
    """A plain value as it is written in a file.

    Args:
        value: text, a number, a boolean or None.

    Returns:
        The text; empty for None.

    Example:
        >>> as_text(True), as_text(2)
        ('true', '2')
    """
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error})") from None


def _read(path: Path, remedy: str) -> str:
    with _opened(path) as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise DocumentError(path, f"is larger than {MAX_BYTES // 2**20} MiB", remedy)
    return _decode(data, path, remedy, 1)


def _decode(data: bytes, path: Path, remedy: str, first_line: int) -> str:
    if first_line == 1 and data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DocumentError(path, "not UTF-8 but UTF-16", "save it as UTF-8")
    try:
        return data.decode("utf-8-sig" if first_line == 1 else "utf-8")
    except UnicodeDecodeError as error:
        line = first_line + data.count(b"\n", 0, error.start)
        raise DocumentError(path, "not UTF-8", "save it as UTF-8", line) from None
