"""Private folders for what visitors of the page upload and get: gone when they leave.

A session is one open page. Its folders can be read by the owner of the process only, have names
that cannot be guessed, and are removed when the page is closed; all of them go when the server
ends. What a killed server left is removed by the next one.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from palsynth.errors import InputError

PREFIX = "palsynth-app-"
"""How the name of the folder of all sessions begins."""

LOCK = ".lock"
"""File in that folder that its server holds a lock of for as long as it runs."""

UNUSED = 900.0
"""Seconds after which an upload that no session has used is removed."""


class Stopped(Exception):
    """The visitor has stopped the work, or left."""


class Work:
    """Work for one session, which its visitor may stop.

    Args:
        sessions: the sessions.
        session: the identifier of the session.

    Attributes:
        notes: what its visitor should know of pictures that are used all the same.
    """

    def __init__(self, sessions: Sessions, session: str) -> None:
        self.sessions, self.session, self.stopped = sessions, session, threading.Event()
        self.notes: list[str] = []

    def check(self) -> None:
        """Raises :class:`Stopped` where the visitor has stopped the work, or left."""
        if self.stopped.is_set():
            raise Stopped

    def folder(self) -> Path:
        """A new folder for results, which is removed with the session.

        Returns:
            An empty folder.

        Raises:
            Stopped: the visitor has stopped the work, or left.
        """
        with self.sessions.lock:
            self.check()
            return self.sessions.own(self.session)

    def claim(self, *paths: str | None) -> list[Path]:
        """Takes uploads into the session, so that they are removed with it.

        Args:
            *paths: uploaded files; None is left out.

        Returns:
            The files.

        Raises:
            InputError: a file is gone, as after a broken connection, or was not uploaded.
        """
        return [self.sessions.claim(self.session, Path(path)) for path in paths if path]


class Sessions:
    """The folders of all sessions.

    Args:
        root: an existing folder that only its owner can read.
    """

    def __init__(self, root: Path) -> None:
        self.root, self.lock = root, threading.RLock()
        self._owned: dict[str, list[Path]] = {}
        self._unclaimed: dict[Path, float] = {}
        self._works: list[Work] = []

    @contextmanager
    def work(self, session: str) -> Iterator[Work]:
        """Registers work for as long as the context is open.

        Args:
            session: the identifier of the session.

        Yields:
            The work.
        """
        work = Work(self, session)
        with self.lock:
            self._works.append(work)
        try:
            yield work
        finally:
            with self.lock:
                self._works.remove(work)

    def own(self, session: str) -> Path:
        """A new folder of a session.

        Args:
            session: the identifier of the session.

        Returns:
            An empty folder.
        """
        folder = self._new()
        self._owned.setdefault(session, []).append(folder)
        return folder

    def upload_folder(self) -> Path:
        """A new folder for one upload, which belongs to no session yet.

        Returns:
            An empty folder; it is removed after :data:`UNUSED` seconds, unless it is claimed.
        """
        now = time.monotonic()
        with self.lock:
            for old in [p for p, since in self._unclaimed.items() if now - since > UNUSED]:
                shutil.rmtree(old, ignore_errors=True)
                del self._unclaimed[old]
            folder = self._new()
            self._unclaimed[folder] = now
        return folder

    def claim(self, session: str, path: Path) -> Path:
        """Takes an upload into a session, so that it is removed with it.

        Args:
            session: the identifier of the session.
            path: the uploaded file.

        Returns:
            The file.

        Raises:
            InputError: the file is gone, as after a broken connection, or was not uploaded.
        """
        with self.lock:
            if not self.holds(path) or not path.is_file():
                raise InputError("the file is no longer here; please choose it again")
            if self._unclaimed.pop(path.parent, None) is not None:
                self._owned.setdefault(session, []).append(path.parent)
        return path

    def holds(self, path: Path) -> bool:
        """Whether a path leads into a session's folder.

        Args:
            path: any absolute path.

        Returns:
            True for what is below the root, by its spelling and by its real place.
        """
        with contextlib.suppress(OSError, ValueError):
            return self.root in path.parents and self.root in path.resolve().parents
        return False

    def stop(self, session: str) -> None:
        """Asks the work of a session to stop.

        Args:
            session: the identifier of the session.
        """
        with self.lock:
            for work in self._works:
                if work.session == session:
                    work.stopped.set()

    def end(self, session: str) -> None:
        """Stops the work of a session, and removes all that it uploaded and got.

        Args:
            session: the identifier of the session; one that is not known is ignored.
        """
        with self.lock:
            self.stop(session)
            for folder in self._owned.pop(session, []):
                shutil.rmtree(folder, ignore_errors=True)
            for empty in self.root.glob("tmp*"):  # Gradio leaves one for every file that it reads
                empty.unlink(missing_ok=True)

    def _new(self) -> Path:
        folder = self.root / secrets.token_hex(16)
        folder.mkdir(mode=0o700)
        return folder


@contextmanager
def private_sessions() -> Iterator[Sessions]:
    """Makes the folder of all sessions, and removes it at the end.

    Yields:
        The sessions, none yet.

    Raises:
        InputError: no temporary folder can be made.
    """
    _remove_left()
    try:
        root = Path(tempfile.mkdtemp(prefix=PREFIX)).resolve()  # mode 0700
    except OSError as error:
        raise InputError(
            f"{tempfile.gettempdir()}: no folder can be made there ({error.strerror}); set TMPDIR"
        ) from None
    try:
        with FileLock(root / LOCK):
            yield Sessions(root)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _remove_left() -> None:
    """Removes the folders of servers that were killed: nobody holds their lock."""
    for root in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError, Timeout):
            is_ours = not hasattr(os, "getuid") or root.lstat().st_uid == os.getuid()
            if is_ours and not root.is_symlink() and (root / LOCK).is_file():
                with FileLock(root / LOCK, timeout=0):
                    shutil.rmtree(root, ignore_errors=True)
