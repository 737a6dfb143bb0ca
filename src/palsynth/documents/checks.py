"""What numbers and text may be in a file of either format, and how much of it."""

from __future__ import annotations

import math
import re

MAX_BYTES = 16 * 2**20
"""Largest file, bytes."""

MAX_LINE = 2**20
"""Longest line of JSON lines, bytes."""

MAX_DEPTH = 64
"""Deepest nesting of lists and mappings."""

MAX_YAML_NODES = 100_000
"""Largest number of keys and values in a YAML file, which takes some seconds to read."""

MAX_JSON_NODES = 4_000_000
"""Largest number of values in a JSON file."""

LARGEST = 2**63 - 1
"""Largest whole number: 64 bits, 19 digits."""

_SURROGATE = re.compile("[\ud800-\udfff]")


class Fault(Exception):
    """What is wrong with a text.

    Args:
        fault: what is wrong.
        line: number of the line, from 1; None where it is not known yet.

    Attributes:
        line: the same.
    """

    def __init__(self, fault: str, line: int | None = None) -> None:
        super().__init__(fault)
        self.line = line


def whole_number(text: str) -> int:
    """Reads a whole number.

    Args:
        text: its digits, with a sign or without.

    Returns:
        The number.

    Raises:
        Fault: it does not fit into 64 bits.
    """
    if len(text) > 24 or abs(int(text)) > LARGEST:
        digits = sum(map(str.isdigit, text))
        raise Fault(f"a whole number of {digits:,} digits; the largest is {LARGEST} (19 digits)")
    return int(text)


def number(text: str) -> float:
    """Reads a number.

    Args:
        text: the number as JSON writes it, or what YAML and Python call infinity and NaN.

    Returns:
        The number.

    Raises:
        Fault: it is not finite.
    """
    value = float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    if not math.isfinite(value):
        raise Fault(f"{shown(text)} is not a finite number")
    return value


def check_text(text: str) -> None:
    """Checks that a text has no NUL, which no file name may have, and is valid Unicode.

    Args:
        text: the text.

    Raises:
        Fault: it is not.
    """
    if "\x00" in text:
        raise Fault("text with a NUL character")
    if not text.isascii() and _SURROGATE.search(text):
        raise Fault("text with half a character (a lone surrogate)")


def shown(text: str) -> str:
    """The start of a text, for a message.

    Args:
        text: the text.

    Returns:
        Its first 40 characters, those that cannot be printed replaced.
    """
    start = "".join(letter if letter.isprintable() else "\ufffd" for letter in text[:40])
    return start if len(text) <= 40 else f"{start}…"
