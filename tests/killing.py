"""Kills a writer by SIGKILL at a chosen place."""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir")
"""Audit events of a changed folder; their first argument is a path."""


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _was_killed(write: Callable[[], object]) -> bool:
    """Calls ``write`` in a child process; whether that died by SIGKILL, and not before its end."""
    child = os.fork()
    if child == 0:
        try:
            write()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, -signal.SIGKILL)
    return code != 0


def killed_at_change(number: int, folder: Path, write: Callable[[], object]) -> bool:
    """Kills a writer where it changes something below a folder.

    A file that is opened for writing there is cut short: two bytes of it have been written.

    Args:
        number: which change, from 0: opening for writing, rename, deletion, a new folder.
        folder: the folder that is watched.
        write: the writer.

    Returns:
        False if it ended before.
    """
    left = number

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        opened = event == "open" and bool(arguments[2] & (os.O_WRONLY | os.O_RDWR))
        if not (opened or event in CHANGES) or isinstance(arguments[0], int):
            return
        path = Path(os.fsdecode(arguments[0]))
        in_rmtree = not path.is_absolute()  # it names files by their open folder
        if not path.is_relative_to(folder) and not in_rmtree:
            return
        left -= 1
        if left == -1:
            if opened and path.parent.is_dir():
                with path.open("ab" if arguments[2] & os.O_APPEND else "wb") as file:
                    file.write(b'{"')
            _kill()

    def watched() -> None:
        sys.addaudithook(watch)  # cannot be taken off again, but the child ends
        write()

    return _was_killed(watched)


def killed_in_sqlite(number: int, write: Callable[[], object]) -> bool:
    """Kills a writer within SQLite.

    Args:
        number: after how many instructions of SQLite's machine.
        write: the writer; it opens its own connections.

    Returns:
        False if it ended before.
    """
    left, connect = number, sqlite3.connect

    def count() -> int:
        nonlocal left
        left -= 1
        if left < 0:
            _kill()
        return 0

    def connected(*arguments: Any, **named: Any) -> sqlite3.Connection:
        base = connect(*arguments, **named)
        base.set_progress_handler(count, 1)
        return base

    def counted() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sqlite3, "connect", connected)
            write()

    return _was_killed(counted)
