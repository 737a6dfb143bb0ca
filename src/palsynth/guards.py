"""What a command must not overwrite: its own inputs, and folders that it reads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path

from palsynth.errors import InputError


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


def forbid_inside(
    out: Path,
    *sets: Path | None,
    reason: str = "a report caches data that must not be handed on with a set",
) -> None:
    """Checks that an output folder lies in none of some folders of pictures.

    A report caches features, of patients' faces too, which must not be handed on with a set.

    Args:
        out: the output folder.
        sets: folders of pictures; None is ignored.
        reason: why it must not.

    Raises:
        InputError: the output folder is one of them or lies in it.
    """
    for folder in sets:
        if folder is not None and out.resolve().is_relative_to(folder.resolve()):
            raise InputError(f"{out}: lies in {folder}; {reason}; give another --out")
