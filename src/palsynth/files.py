"""Atomic writing of files and folders, and protection of the files that a command reads."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from palsynth.errors import InputError
from palsynth.locks import lock_folder

STALE = 3600.0
"""Seconds without a change after which a temporary file is one that a killed process left."""


@dataclass
class Guard:
    """What one command may not overwrite."""

    force: bool = False
    """Whether the command may replace an existing file that palsynth did not write, provided
    that the command does not read it."""
    read: set[tuple[int, int]] = field(default_factory=set)
    """Device and inode numbers of the command's input files."""

    def protect(self, path: Path) -> None:
        """Registers an input file.

        Args:
            path: the file; folders and missing paths are ignored.
        """
        inode = _identity(path)
        if inode is not None:
            self.read.add(inode)

    def check(self, path: Path) -> None:
        """Checks that a path may be written.

        Args:
            path: the output, under any spelling or link.

        Raises:
            InputError: the path leads to a registered input file.
        """
        if _identity(path) in self.read:
            raise InputError(f"{path}: is read by this command; give another name")


_guard: ContextVar[Guard | None] = ContextVar("guard", default=None)


def guard() -> Guard | None:
    """The guard of the running command; None when the Python API is called directly."""
    return _guard.get()


@contextmanager
def guarded(force: bool = False) -> Iterator[Guard]:
    """Checks everything written inside the context against one :class:`Guard`.

    Args:
        force: whether existing files that palsynth did not write may be replaced.

    Yields:
        The guard.
    """
    current = Guard(force)
    token = _guard.set(current)
    try:
        yield current
    finally:
        _guard.reset(token)


def _identity(path: Path) -> tuple[int, int] | None:
    """Device and inode number, the same for every link or spelling; None unless a file."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return None if path.is_dir() else (status.st_dev, status.st_ino)


def forbid_inside(out: Path, *sets: Path | None) -> None:
    """Checks that an output folder lies in none of some folders of pictures.

    A report caches features, of patients' faces too, which must not be handed on with a set.

    Args:
        out: the output folder.
        sets: folders of pictures; None is ignored.

    Raises:
        InputError: the output folder is one of them or lies in it.
    """
    for folder in sets:
        if folder is not None and out.resolve().is_relative_to(folder.resolve()):
            raise InputError(
                f"{out}: lies in {folder}; a report caches data that must not be handed on with a "
                "set; give another --out"
            )


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Writes a file completely or not at all.

    Args:
        path: the file; an existing one is replaced only when the context ends without an error.

    Yields:
        A temporary path beside ``path`` to write to, which is then renamed to ``path``. It is
        another one every time, so several threads or processes may write the same file.

    Raises:
        InputError: the path is a folder, cannot be written, or is an input of the running command.
    """
    if not path.name:
        raise InputError(f"{path}: is a folder; name a file")
    if (current := guard()) is not None:
        current.check(path)
    temporary = path.with_name(f".{path.name}.{uuid4().hex[:12]}.partial{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Writes the files of a folder all or none.

    Other files that are in the folder already stay there. A kill between the two renames of a
    replacement leaves no folder of that name; the next process that writes it puts the former one
    back, and removes what else a killed one left. The folder is locked meanwhile.

    Args:
        path: the folder; it is made, or replaced when the context ends without an error.

    Yields:
        An empty temporary folder beside ``path`` to write to, which then takes its place.

    Raises:
        InputError: the path is a file or the current folder, cannot be written, is being written by
            another process, or holds an input of the running command that would be replaced.
    """
    final = path.resolve()  # a link stays one
    if final.exists() and not final.is_dir():
        raise InputError(f"{path}: is a file; give a folder")
    if Path.cwd().is_relative_to(final):
        raise InputError(f"{path}: is the current folder or holds it; give another folder")
    temporary, former = (
        final.with_name(f".{final.name}.{end}") for end in ("partial", "former.partial")
    )
    lock = contextlib.ExitStack()
    lock.enter_context(lock_folder(path))
    try:
        _clear(final, temporary, former)
        temporary.mkdir(parents=True)
        yield temporary
        if final.is_dir():
            _add_others(final, temporary)
            os.replace(final, former)
        os.replace(temporary, final)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from None
    finally:
        with contextlib.suppress(OSError):
            _clear(final, temporary, former)
        lock.close()


def _clear(final: Path, temporary: Path, former: Path) -> None:
    """Removes the temporary folders of a folder; a former one that was not replaced goes back."""
    if former.exists() and not final.exists():
        os.replace(former, final)
    for leftover in (temporary, former):
        if leftover.exists():
            shutil.rmtree(leftover)


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
