"""Atomic writing of files and folders."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from palsynth.errors import InputError
from palsynth.folders import is_system_file
from palsynth.guards import guard
from palsynth.locks import lock_folder

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

MAX_NAME = 255
"""Longest name of a file that systems take, bytes."""

STALE = 3600.0
"""Seconds without a change after which a temporary file is one that a killed process left."""


def _hidden(path: Path, end: str) -> Path:
    """A hidden path beside a file or folder; a long name is cut, and ends with its checksum."""
    name = os.fsencode(path.name)
    room = MAX_NAME - len(os.fsencode(f"..{end}"))
    if len(name) > room > 0:
        checksum = hashlib.sha256(name).hexdigest()[:12]
        name = name[: room - 13].decode("utf-8", "ignore").encode() + f".{checksum}".encode()
    return path.with_name(f".{os.fsdecode(name)}.{end}")


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Writes a file completely or not at all.

    Args:
        path: the file; an existing one is replaced only when the context ends without an error.

    Yields:
        A temporary path beside ``path`` to write to, which is then flushed to the disk and renamed
        to ``path``. It is another one every time, so several threads or processes may write the
        same file.

    Raises:
        InputError: the path is a folder, cannot be written, or is an input of the running command.
    """
    if not path.name:
        raise InputError(f"{path}: is a folder; name a file")
    if path.exists() and not (path.is_file() or path.is_dir()):  # a device or a pipe
        raise InputError(f"{path}: is not a file; give another name")
    if (current := guard()) is not None:
        current.check(path)
    temporary = _hidden(path, f"{uuid4().hex[:12]}.partial{path.suffix[:16]}")
    try:
        yield temporary
        _flush(temporary)
        os.replace(temporary, path)
        _flush(path.parent)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path, *, new: bool = False) -> Iterator[Path]:
    """Writes the files of a folder all or none.

    Other files that are in the folder already stay there. A kill between the two renames of a
    replacement leaves no folder of that name; the next process that writes it puts the former one
    back, and removes what else a killed one left. The folder is locked meanwhile.

    Args:
        path: the folder; it is made, or replaced when the context ends without an error.
        new: refuse a folder that holds anything, also where another process has just written it.

    Yields:
        An empty temporary folder beside ``path`` to write to, which then takes its place. It is
        another one every time.

    Raises:
        InputError: the path is a file or the current folder, cannot be written, is being written by
            another process, or holds an input of the running command that would be replaced.
    """
    final = path.resolve()  # a link stays one
    if final.exists() and not final.is_dir():
        raise InputError(f"{path}: is a file; give a folder")
    if Path.cwd().is_relative_to(final):
        raise InputError(f"{path}: is the current folder or holds it; give another folder")
    own = uuid4().hex[:12]
    temporary, former = (_hidden(final, f"{own}.{end}") for end in ("partial", "former.partial"))
    lock = contextlib.ExitStack()
    lock.enter_context(lock_folder(path))
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as stack:
            with _held(final.parent, wait=True):
                _remove_left(final)
                temporary.mkdir()
                stack.enter_context(_held(temporary))
            yield temporary
            with _held(final.parent, wait=True):
                if final.is_dir() and not new:
                    _add_others(final, temporary)
                _flush(*(p for p in temporary.rglob("*") if not p.is_symlink()), temporary)
                if final.is_dir():
                    _remove_empty(final) if new else os.replace(final, former)
                os.replace(temporary, final)
                _flush(final.parent)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from None
    finally:
        with contextlib.suppress(OSError):
            if former.exists() and not final.exists():
                os.replace(former, final)
        for folder in (temporary, former):
            shutil.rmtree(folder, ignore_errors=True)
        lock.close()


def _remove_empty(folder: Path) -> None:
    try:
        for path in folder.iterdir():
            if is_system_file(path.name):
                path.unlink()
        folder.rmdir()
    except OSError:
        raise InputError(f"{folder}: is not empty; give a new folder") from None


@contextmanager
def _held(folder: Path, wait: bool = False) -> Iterator[bool]:
    """Holds a folder for this process, until its end if it is killed before; whether that is
    possible, or another one holds it. Where the file system has no such locks, a folder counts as
    held until an hour after its last change."""
    if fcntl is None:
        yield time.time() - folder.stat().st_mtime > STALE
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            free = True
        except BlockingIOError:
            free = False
        except OSError:
            free = time.time() - folder.stat().st_mtime > STALE
        yield free
    finally:
        os.close(opened)


def _remove_left(final: Path) -> None:
    """Removes the temporary folders that killed processes left; a former one that was not replaced
    goes back."""
    name, number = re.escape(final.name), r"(\.[0-9a-f]{12})?"
    left = re.compile(rf"\.+{name}({number}(\.former)?\.partial)+")  # once more where one is in one
    replaced = re.compile(rf"\.{name}{number}\.former\.partial")
    for folder in sorted(final.parent.glob(".*.partial")):
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            if not left.fullmatch(folder.name) or not stack.enter_context(_held(folder)):
                continue
            if replaced.fullmatch(folder.name) and not final.exists():
                os.replace(folder, final)
            else:
                shutil.rmtree(folder)


def _flush(*paths: Path) -> None:
    """Has files, or the names in a folder, written to the disk: else a power cut could leave an
    empty file under its new name."""
    for path in paths:
        if os.name == "nt" and path.is_dir():  # cannot be opened
            continue
        opened = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def _add_others(former: Path, new: Path) -> None:
    """Links, or copies, to a new folder what only the former one holds."""

    def replaced(folder: str, names: list[str]) -> list[str]:
        place = new / Path(folder).relative_to(former)
        found = [name for name in names if (place / name).is_file()]
        if (current := guard()) is not None:
            for name in found:
                current.check(Path(folder, name))
        return found

    shutil.copytree(
        former, new, symlinks=True, ignore=replaced, copy_function=_link, dirs_exist_ok=True
    )


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # not on every file system
        shutil.copy2(source, target)


def remove_stale(folder: Path, pattern: str) -> None:
    """Removes the temporary files that killed processes left of :func:`atomic_write`.

    Those that changed within the last hour stay: another process may be writing them.

    Args:
        folder: where to look; not in its subfolders.
        pattern: pattern of the names of the files that were written.
    """
    for path in folder.glob(f".{pattern}.*.partial*"):
        with contextlib.suppress(OSError):  # another process may remove it too
            if time.time() - path.stat().st_mtime > STALE:
                path.unlink()
