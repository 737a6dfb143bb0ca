"""Notes on standard error: what a person should know of an input that is used all the same."""

from __future__ import annotations

import sys
from functools import cache


@cache
def note(text: str) -> None:
    """Prints a note on standard error; the same note only once in a process.

    Args:
        text: one line that says where, what, and what to do.
    """
    print(f"note: {text}", file=sys.stderr)
