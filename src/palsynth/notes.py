"""Notes on standard error: what a person should know of an input that is used all the same."""

from __future__ import annotations

import os
import sys

from palsynth.terminal import say

_noted: set[str] = set()


def note(text: str) -> None:
    """Prints a note on standard error, unless this process has printed it already.

    Of the processes of a training, which ``torchrun`` and ``accelerate`` number, the first prints.

    Args:
        text: what a person should know, where, and what to do; one line or more.
    """
    if text in _noted or os.environ.get("RANK", "0") != "0":
        return
    _noted.add(text)
    say(f"note: {text}", file=sys.stderr)
