"""What remains of an error that no code foresaw: one line, and a file with the details."""

from __future__ import annotations

import os
import tempfile
import traceback

import palsynth

DEBUG = "PALSYNTH_DEBUG"
"""Environment variable; if set to anything but 0, unforeseen errors show their traceback."""


NO_MEMORY = ("can't allocate memory", "out of memory")
"""What torch says, on a CPU and on a GPU, in errors of other types."""


def debugging() -> bool:
    """Whether unforeseen errors are to show their traceback."""
    return os.environ.get(DEBUG, "0") not in ("", "0")


def describe(error: Exception) -> str:
    """Writes the traceback of an unforeseen error to a file that its owner alone can read.

    Args:
        error: the error.

    Returns:
        One line for the user, which names the file.
    """
    what = type(error).__name__
    if str(error).strip():
        what += f": {' '.join(str(error).split())[:200]}"
    if isinstance(error, MemoryError) or any(text in what for text in NO_MEMORY):
        return f"memory ran out ({what}); use smaller pictures or batches, or fewer workers"
    try:
        descriptor, log = tempfile.mkstemp(prefix="palsynth-", suffix=".log")  # mode 0600
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
            file.write(f"palsynth {palsynth.__version__}\n")
            file.writelines(traceback.format_exception(error))
    except OSError:
        return f"unexpected error ({what}); set {DEBUG}=1 to see where, and report it"
    return f"unexpected error ({what}); please report it with {log}, which may name your files"
