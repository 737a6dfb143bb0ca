"""Kills a writer by SIGKILL at a chosen place, or at every place in turn."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import sys
import time
import traceback
from collections.abc import Callable, Collection
from itertools import count
from pathlib import Path
from typing import Any

import cv2
import pytest

from palsynth.locks import is_lock

CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link")
"""Audit events of a changed folder; their first argument is a path."""


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def ended(write: Callable[[], object], seconds: float | None = None) -> int:
    """Calls a writer in a child process.

    Args:
        write: the writer; it may exit.
        seconds: after how many it is killed; default: never.

    Returns:
        The exit code; negative where it was killed.
    """
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # ends OpenCV's threads, for which a child would wait: it has none
    child = os.fork()
    if child == 0:
        try:
            write()
        except SystemExit as end:
            os._exit(end.code if isinstance(end.code, int) else end.code is not None)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    cv2.setNumThreads(threads)
    end = time.monotonic() + (float("inf") if seconds is None else seconds)
    while seconds is not None and not os.waitid(
        os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT
    ):
        if time.monotonic() > end:
            os.kill(child, signal.SIGKILL)
            break
        time.sleep(0.005)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _was_killed(write: Callable[[], object]) -> bool:
    """Calls ``write`` in a child process; whether that died by SIGKILL, and not before its end."""
    code = ended(write)
    assert code in (0, -signal.SIGKILL)
    return code != 0


def _killed_where(due: Callable[[], bool], folder: Path, write: Callable[[], object]) -> bool:
    """Kills a writer at the first change below ``folder`` at which ``due`` says so."""
    dying = False

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal dying
        opened = event == "open" and bool(arguments[2] & (os.O_WRONLY | os.O_RDWR))
        if not (opened or event in CHANGES) or isinstance(arguments[0], int):
            return
        path = Path(os.fsdecode(arguments[0]))
        in_rmtree = not path.is_absolute()  # it names files by their open folder
        if not path.is_relative_to(folder) and not in_rmtree:
            return
        wanted = {"os.mkdir": False, "os.remove": True}.get(event)
        if not in_rmtree and wanted not in (None, path.exists()):
            return  # it changes nothing
        if not dying and due():
            dying = True  # what follows opens a file as well
            if opened and path.parent.is_dir():
                with path.open("ab" if arguments[2] & os.O_APPEND else "wb") as file:
                    file.write(b'{"')
            _kill()

    def watched() -> None:
        sys.addaudithook(watch)  # cannot be taken off again, but the child ends
        write()

    return _was_killed(watched)


def killed_at_change(number: int, folder: Path, write: Callable[[], object]) -> bool:
    """Kills a writer where it changes something below a folder.

    A file that is opened for writing there is cut short: two bytes of it have been written.

    Args:
        number: which change, from 0: opening for writing, rename, deletion, a new folder or link.
        folder: the folder that is watched.
        write: the writer.

    Returns:
        False if it ended before.
    """
    changes = count()
    return _killed_where(lambda: next(changes) == number, folder, write)


def killed_after(path: Path, folder: Path, write: Callable[[], object]) -> bool:
    """Kills a writer at its first change below a folder once a path is there.

    Unlike a number of changes, that is the same place wherever the writer's libraries write
    files of their own at their own times.

    Args:
        path: the path that is waited for.
        folder: the folder that is watched.
        write: the writer.

    Returns:
        False if it ended before.
    """
    return _killed_where(path.exists, folder, write)


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


def contents(folder: Path) -> dict[str, bytes]:
    """The files of a folder, but for the temporary ones that a kill leaves."""
    found = {
        path.relative_to(folder): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    return {str(path): data for path, data in found.items() if ".partial" not in str(path)}


def resumes(write: Callable[[Path], object], folder: Path, appended: Collection[str] = ()) -> None:
    """Checks a writer that may be killed anywhere and started again.

    Whatever it leaves under a final name is whole, and the second run ends with the same bytes as
    one that was not killed.

    Args:
        write: the writer, of files below ``folder`` that do not depend on the time.
        folder: a path that does not exist yet.
        appended: names of files that grow row by row and are not whole before the end.
    """
    folder.mkdir()
    write(folder)
    whole = contents(folder)
    assert whole
    for number in count():
        shutil.rmtree(folder)
        folder.mkdir()
        if not killed_at_change(number, folder, lambda: write(folder)):
            break
        for name, content in contents(folder).items():
            assert name not in whole or name in appended or content == whole[name], number
        write(folder)
        assert contents(folder) == whole, number
    assert number >= 2 * len(whole), "every file is opened and renamed"


def replaces_as_a_whole(
    write: Callable[[Path], object], folder: Path, before: dict[str, bytes]
) -> None:
    """Checks a writer of a folder that may be killed anywhere.

    It leaves the folder as it was or complete; or, between two renames, it leaves none, and then
    the second run brings back what was there. The second run always ends with the same bytes, and
    without temporary files.

    Args:
        write: the writer of the folder that it is given.
        folder: a path in a folder that does not exist yet.
        before: files that are in the folder before, of which the writer replaces some or none.
    """
    parent = folder.parent

    def prepare() -> None:
        shutil.rmtree(parent, ignore_errors=True)
        parent.mkdir()
        for name, content in before.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)

    prepare()
    write(folder)
    whole = contents(folder)
    assert set(whole) > set(before)
    missing = 0
    for number in count():
        prepare()
        if not killed_at_change(number, parent, lambda: write(folder)):
            break
        left = contents(folder)
        assert left in ({}, before, whole), number
        missing += before != {} and left == {}
        write(folder)
        assert contents(folder) == whole, number
        names = [path.name for path in parent.iterdir() if not is_lock(path)]
        assert names == [folder.name], number
    assert number >= 2, "a folder is made and renamed"
    assert missing == (before != {}), "it is there but for one moment"
