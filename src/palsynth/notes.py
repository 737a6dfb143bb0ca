"""Notes on standard error: what a person should know of an input that is used all the same."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from palsynth.terminal import say

_noted: set[str] = set()
_collected: ContextVar[list[str] | None] = ContextVar("collected", default=None)


@contextmanager
def collected_notes() -> Iterator[list[str]]:
    """Collects the notes of this thread, instead of printing them: a page shows them to its reader.

    Yields:
        The notes so far, each once.
    """
    notes: list[str] = []
    token = _collected.set(notes)
    try:
        yield notes
    finally:
        _collected.reset(token)


def note(text: str) -> None:
    """Prints a note on standard error, unless this process has printed it already, or collects it
    (:func:`collected_notes`).

    Of the processes of a training, which ``torchrun`` and ``accelerate`` number, the first prints.

    Args:
        text: what a person should know, where, and what to do; one line or more.
    """
    if (notes := _collected.get()) is not None:
        notes.extend([text] if text not in notes else [])
        return
    if text in _noted or os.environ.get("RANK", "0") != "0":
        return
    _noted.add(text)
    say(f"note: {text}", file=sys.stderr)
