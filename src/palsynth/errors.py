"""The error that the caller can correct."""

from __future__ import annotations


class InputError(ValueError):
    """Invalid input; the message is one line that says what is wrong, where, and what to do.

    The command line prints the message and exits with code 2. No half-written output is left
    behind.
    """
