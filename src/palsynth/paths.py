"""File names that a file gives: what they may look like, and which of them are the same file.

A manifest, a table of pairs or an index of weights comes from somebody else. A name in it is
joined to a folder, so it must stay below that folder on every system, and no two names may be one.
"""

from __future__ import annotations

import os
import re
import unicodedata
from pathlib import Path, PurePosixPath

from palsynth.errors import InputError

LONGEST = 255
"""Most bytes of a part of a path that file systems store."""


def name_fault(name: str, what: str = "folder") -> str | None:
    """Why a name that a file gives must not be joined to a folder.

    Args:
        name: a relative path with forward slashes.
        what: what the folder is, for the reason.

    Returns:
        The reason, to be written after the name; None where the name is in order.

    Example:
        >>> name_fault("P1/rest.png"), name_fault("../rest.png")
        (None, 'lies outside the folder')
    """
    path = PurePosixPath(name)
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
        return "has characters that no file name may have; rename the file"
    if not path.name:
        return "names no file"
    if path.is_absolute() or ".." in path.parts or re.match(r"[A-Za-z]:|~", name):
        return f"lies outside the {what}"
    if name.endswith("/"):
        return "names a folder; name a file"
    if "\\" in name:
        return "has a backslash; write / between folders"
    if any(len(part.encode()) > LONGEST for part in path.parts):
        return f"has a part of more than {LONGEST} bytes; give it a shorter name"
    return None


def shown_name(name: str) -> str:
    """A name as an error message shows it.

    Args:
        name: any text.

    Returns:
        The name; escaped where it has characters that do not print, cut where it is long.

    Example:
        >>> shown_name("a.png"), shown_name("a" + chr(0))
        ('a.png', "'a\\\\x00'")
    """
    text = name if name and name.isprintable() else repr(name)
    return text if len(text) <= 100 else f"{text[:99]}…"


def same_file(name: str, twin: str) -> str:
    """Says that two names are of one file.

    Args:
        name: a name.
        twin: what :meth:`FileNames.twin` found.

    Returns:
        The finding, for an error message.
    """
    if name == twin:
        return f"{shown_name(name)} is named twice"
    return f"{shown_name(name)} and {shown_name(twin)} are one file on some systems"


class FileNames:
    """The names that a file gives of files in one folder.

    Args:
        folder: the folder, in which the files need not exist.
        what: what the folder is, for error messages.
    """

    def __init__(self, folder: Path, what: str = "folder") -> None:
        self.folder, self._what = folder, what
        self._root = os.path.realpath(folder)
        self._stays: dict[Path, bool] = {}
        self._taken: dict[str, str] = {}

    def fault(self, name: str) -> str | None:
        """Why a name must not be joined to the folder.

        Args:
            name: a relative path with forward slashes.

        Returns:
            The reason, to be written after the name: :func:`name_fault`, or that a symbolic link
            leads out of the folder; None where the name is in order.
        """
        return name_fault(name, self._what) or self.leads_out(name)

    def leads_out(self, name: str) -> str | None:
        """Why a symbolic link on the way to a file leads out of the folder.

        Args:
            name: a relative path with forward slashes.

        Returns:
            The reason, to be written after the name; None where the file stays in the folder.
        """
        path = self.folder / name
        parent = path.parent
        if parent not in self._stays:
            self._stays[parent] = self._is_inside(parent)
        if self._stays[parent] and (not path.is_symlink() or self._is_inside(path)):
            return None
        return f"leads out of {self.folder} through a link; copy the file to its place"

    def _is_inside(self, path: Path) -> bool:
        real = os.path.realpath(path)
        return os.path.commonpath([real, self._root]) == self._root

    def twin(self, name: str) -> str | None:
        """Finds an earlier name of the same file, and remembers this one.

        Names are the same where some system keeps one file for both: they differ only in ``./``,
        in upper and lower case, or in how Unicode composes their letters.

        Args:
            name: the next name.

        Returns:
            The first of the names given before that is the same; None if there is none.

        Example:
            >>> names = FileNames(Path("set"))
            >>> names.twin("P1/a.png"), names.twin("./p1/A.png")
            (None, 'P1/a.png')
        """
        key = unicodedata.normalize("NFC", str(PurePosixPath(name))).casefold()
        before = self._taken.get(key)
        self._taken.setdefault(key, name)
        return before

    def join(self, name: str, where: str) -> Path:
        """Joins a name to the folder.

        Args:
            name: a relative path with forward slashes.
            where: what gives the name, for the error message, such as ``pairs.csv:3``.

        Returns:
            The path in the folder, whether it exists or not.

        Raises:
            InputError: the name is faulty, see :meth:`fault`.
        """
        if (fault := self.fault(name)) is not None:
            raise InputError(f"{where}: {shown_name(name)} {fault}")
        return self.folder / name
