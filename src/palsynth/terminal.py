"""Text of users, such as names of files, as it is: no markup, no control characters."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
import unicodedata
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console

MIN_COLUMNS = 40
"""Narrowest terminal that help and tables are laid out for, characters."""

_DIRECTIONS = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Invisible characters that change the order in which a terminal shows others."""


def literal(text: object) -> str:
    r"""Shows a text in one line, with escapes for what a terminal would not show or would obey.

    Args:
        text: a text or a path, such as a file name that somebody else gave.

    Returns:
        The text with escapes for control characters, line breaks, marks of direction and bytes
        that are not UTF-8.

    Example:
        >>> literal("M\udcfcller\x1b[2J.png")
        'M\\xfcller\\x1b[2J.png'
    """
    return "".join(_shown(character) for character in str(text))


def _shown(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # a byte that is not UTF-8
        return f"\\x{ord(character) - 0xDC00:02x}"
    category = unicodedata.category(character)
    if category in ("Cc", "Cs", "Zl", "Zp") or character in _DIRECTIONS:
        return character.encode("unicode_escape").decode()
    return character


def one_line(text: object) -> str:
    """Shows a message in one line: its lines joined, every other character as in :func:`literal`.

    Args:
        text: the message.

    Returns:
        One line.
    """
    return literal(re.sub(r"\s*[\r\n]+\s*", " ", str(text)).strip())


def say(text: str, file: TextIO | None = None) -> None:
    """Prints a message that quotes names or texts of others, every line as in :func:`literal`.

    Args:
        text: one line or several.
        file: where to; default: standard output.
    """
    print("\n".join(map(literal, text.split("\n"))), file=file)


def console() -> Console:
    """A console of rich that takes brackets for text, not for markup."""
    from rich.console import Console

    return Console(markup=False, emoji=False)


def drop_output() -> None:
    """Sends the rest of standard output nowhere: it cannot be written, and Python would complain
    about that once more when it ends."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def prepare() -> None:
    """Prepares the terminal for a command: no text and no width of it may stop one."""
    if sys.stdout is None:  # closed, as by >&-
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # for those that cannot encode our dashes
            stream.reconfigure(errors="backslashreplace")
    width = shutil.get_terminal_size().columns
    if width < MIN_COLUMNS or not os.environ.get("COLUMNS", "1").strip("0"):
        os.environ["COLUMNS"] = str(max(width, MIN_COLUMNS))
