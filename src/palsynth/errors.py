"""The one kind of error that is the caller's to mend."""

from __future__ import annotations


class InputError(ValueError):
    """Bad input. Its text is one line that says what is wrong, where, and what to do.

    The command line prints it and ends with exit code 2; nothing half-written stays behind.
    """
