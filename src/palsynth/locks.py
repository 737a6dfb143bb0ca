"""One writer at a time: a lock beside what a command writes, which says who holds it."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from palsynth.errors import InputError

SUFFIX = ".palsynth.lock"
"""End of the names of locks: ``.NAME.palsynth.lock`` beside NAME, or ``.palsynth.lock`` in it."""

_GRACE = 0.2
"""Seconds for which a lock is tried: a holder that ends removes its file a moment before."""

_NO_FLOCK = (errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK)


@contextmanager
def lock_folder(path: Path) -> Iterator[None]:
    """Holds the lock of an output while it is written.

    The lock is a file beside the output, ``.NAME.palsynth.lock``, which is removed at the end;
    where only the output itself can be written, ``.palsynth.lock`` in it. The system frees the lock
    of a process that is killed. Within one process it may be taken again, by every thread; worker
    processes do not take it.

    A file system without locks is said on standard error, and nothing is locked there. Nothing is
    locked either where nothing can be written: what writes the output says so.

    Args:
        path: the folder, or file, that is written; it need not exist.

    Yields:
        Nothing.

    Raises:
        InputError: another process writes it; the message names which.
    """
    final = Path(os.path.realpath(path))
    made = _make_parents(final.parent)
    try:
        lock = _take(path, final)
        try:
            yield
        finally:
            if lock is not None:
                _release(lock)
    finally:
        for folder in made:  # innermost first; one with the output in it stays
            with contextlib.suppress(OSError):
                folder.rmdir()


def is_lock(path: Path) -> bool:
    """Whether a path is one of a lock.

    Args:
        path: any path.

    Returns:
        Whether its name ends as those of locks do.
    """
    return path.name.endswith(SUFFIX)


def _make_parents(folder: Path) -> list[Path]:
    """Makes a folder; returns those that were made for it, innermost first."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    with contextlib.suppress(OSError):  # what writes there says it
        folder.mkdir(parents=True, exist_ok=True)
    return missing


def _take(path: Path, final: Path) -> FileLock | None:
    """Takes the lock of an output; None where there can be none."""
    places = [final.with_name(f".{final.name}{SUFFIX}")] if final.name else []
    if final.is_dir():
        places.append(final / SUFFIX)
    for place in places:
        # one instance for all threads of this process, so that it may be taken again
        lock = FileLock(
            place, timeout=_GRACE, thread_local=False, is_singleton=True, fallback_to_soft=False
        )
        try:
            lock.acquire()
        except Timeout:
            raise InputError(
                f"{path}: is being written by {_holder(place)}; wait for it, or give another name"
            ) from None
        except (OSError, NotImplementedError) as error:
            if getattr(error, "errno", None) in _NO_FLOCK or isinstance(error, NotImplementedError):
                print(
                    f"note: {path}: its file system has no locks; let no other command write it",
                    file=sys.stderr,
                )
                with contextlib.suppress(OSError):
                    place.unlink()
                return None
            continue
        if lock.lock_counter == 1:
            with contextlib.suppress(OSError):  # a full disk
                place.write_text(_this_process(), "utf-8")
        return lock
    return None


def _release(lock: FileLock) -> None:
    if lock.lock_counter == 1:
        with contextlib.suppress(OSError):  # while it is held: nobody else's is removed
            Path(lock.lock_file).unlink()
    lock.release()


def _this_process() -> str:
    """Who holds the lock, for those who find it taken."""
    words = [Path(sys.argv[0]).name or "python", *filter(str.isalpha, sys.argv[1:2])]
    now = datetime.now().astimezone().isoformat(" ", "seconds")
    return f"{' '.join(words)} (process {os.getpid()} on {socket.gethostname()}, since {now})\n"


def _holder(place: Path) -> str:
    """What the holder of a lock says of itself, as one printable line."""
    try:
        text = place.read_text("utf-8", errors="replace")[:200].strip()
    except OSError:
        text = ""
    return "".join(c if c.isprintable() else "?" for c in text) or "another process"
