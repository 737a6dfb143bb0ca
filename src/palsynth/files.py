"""Writing files whole or not at all, and never over what a command reads."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path

from palsynth.errors import InputError


@dataclass
class Guard:
    """What one command may not replace. ``read`` identifies the files that it has read or was
    given to read; ``force`` whether it may replace a file of other origin that it has not."""

    force: bool = False
    read: set[tuple[int, int]] = field(default_factory=set)

    def protect(self, path: Path) -> None:
        """Notes a file that is read; what is no file is left out."""
        found = _identity(path)
        if found is not None:
            self.read.add(found)

    def check(self, path: Path) -> None:
        """Raises InputError where ``path`` is a file that is read, under whatever name."""
        if _identity(path) in self.read:
            raise InputError(f"{path}: is read by this command; give another name")


_guard: ContextVar[Guard | None] = ContextVar("guard", default=None)


def guard() -> Guard | None:
    """The guard of the command that runs; None where Python calls the API."""
    return _guard.get()


@contextmanager
def guarded(force: bool = False) -> Iterator[Guard]:
    """Everything that is written within is checked by one :class:`Guard`."""
    made = Guard(force)
    token = _guard.set(made)
    try:
        yield made
    finally:
        _guard.reset(token)


def _identity(path: Path) -> tuple[int, int] | None:
    """What tells a file from all others, whatever links or spellings lead to it."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return None if path.is_dir() else (status.st_dev, status.st_ino)


def outside(out: Path, *sets: Path | None) -> None:
    """Raises InputError where ``out`` lies in a folder of pictures: what a report keeps, features
    of patients' faces too, must not be handed on with a set."""
    for folder in sets:
        if folder is not None and out.resolve().is_relative_to(folder.resolve()):
            raise InputError(
                f"{out}: lies in {folder}, and what is kept there must not be handed on with a "
                "set; give another --out"
            )


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Gives a temporary path beside ``path``, which becomes ``path`` when all went well.

    Raises InputError where the place cannot be written or is a file that the command reads; what
    was there before stays.
    """
    if not path.name:
        raise InputError(f"{path}: is a folder; name a file")
    if (current := guard()) is not None:
        current.check(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
