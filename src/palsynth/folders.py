"""What lies in a folder: the one lister of files, and the names that they are found under."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePosixPath

from palsynth.errors import InputError
from palsynth.notes import note

SYSTEM = frozenset(
    {
        "__macosx",
        "thumbs.db",
        "ehthumbs.db",
        "desktop.ini",
        "@eadir",
        "#recycle",
        "$recycle.bin",
        "system volume information",
    }
)
"""Files and folders, in lower case, that systems leave beside the users' own."""

RESERVED = frozenset(
    ["con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))]
)
"""Names, in lower case and before the first dot, that Windows gives to devices."""

LISTED = "leads to a folder that is listed already, or that holds this one"
NOT_UTF8 = "its name is not UTF-8; rename it, as 'convmv -f latin1 -t utf8 -r --notest FOLDER' does"


@dataclass(frozen=True)
class Skipped:
    """A file or folder that was not listed.

    Attributes:
        path: the file or folder.
        rule: why, and what to do.
    """

    path: Path
    rule: str


@dataclass
class Listing:
    """What lies in a folder.

    Attributes:
        files: files in the order of their names.
        faulty: what may hold files that somebody wants: broken links, links back, unreadable
            folders, things that are no files.
        left_out: hidden files and what systems leave: ``.DS_Store``, ``._a.png``, ``__MACOSX``.
    """

    files: list[Path] = field(default_factory=list)
    faulty: list[Skipped] = field(default_factory=list)
    left_out: list[Path] = field(default_factory=list)


def is_system_file(name: str) -> bool:
    """Whether a system, not a user, leaves files or folders of a name.

    Args:
        name: name without folders.

    Returns:
        True for ``.DS_Store``, ``Thumbs.db`` and the like.
    """
    return name.lower() in SYSTEM or name == ".DS_Store" or name.startswith("._")


def check_folder(folder: Path) -> None:
    """Checks that a folder is there.

    Args:
        folder: the folder.

    Raises:
        InputError: there is none, or a file in its place.
    """
    if folder.is_dir():
        return
    if folder.exists():
        raise InputError(f"{folder}: is a file; give a folder, and unpack an archive first")
    raise InputError(f"{folder}: no such folder")


def walk(folder: Path, recursive: bool = True) -> Listing:
    """Lists the files in a folder, in the same order on every system.

    Linked folders are followed. One that leads to a folder that is listed already is named among
    the faulty, so that no file is listed twice and links in a circle end.

    Args:
        folder: the folder.
        recursive: whether files in subfolders count; otherwise the subfolders are faulty.

    Returns:
        The files, and what was not listed.

    Raises:
        InputError: the folder does not exist or cannot be read.
    """
    check_folder(folder)
    found = Listing()
    seen: set[tuple[int, int]] = set()
    links: list[Path] = []  # followed last: a file is listed under its own name, not a link's
    for parent in folder.resolve().parents:
        seen.add(_inode(parent))
    _enter(folder, found, seen, links, recursive)
    if (first := next(iter(found.faulty), None)) is not None and first.path == folder:
        raise InputError(f"{folder}: {first.rule}")
    while links:
        _enter(links.pop(0), found, seen, links, recursive)
    found.files.sort(key=_order)
    found.faulty.sort(key=lambda skipped: _order(skipped.path))
    found.left_out.sort(key=_order)
    return found


def _enter(
    folder: Path,
    found: Listing,
    seen: set[tuple[int, int]],
    links: list[Path],
    recursive: bool,
) -> None:
    """Adds the files below a folder, and collects the linked folders."""
    folders = [folder]
    while folders:
        current = folders.pop()
        try:
            if (inode := _inode(current)) in seen:
                found.faulty.append(Skipped(current, LISTED))
                continue
            entries = sorted(os.scandir(current), key=lambda entry: entry.name)
        except OSError as error:
            rule = f"cannot be read ({error.strerror or error}); check its permissions"
            found.faulty.append(Skipped(current, rule))
            continue
        seen.add(inode)
        for entry in entries:
            path = current / entry.name
            if entry.name.startswith(".") or is_system_file(entry.name):
                found.left_out.append(path)
            elif os.path.isdir(path):  # unlike the entry, it raises nothing at a link to itself
                if not recursive:
                    rule = "is a folder, whose files are not read; move them up"
                    found.faulty.append(Skipped(path, rule))
                else:
                    (links if entry.is_symlink() else folders).append(path)
            elif os.path.isfile(path):
                found.files.append(path)
            elif entry.is_symlink():
                found.faulty.append(Skipped(path, "is a link to nothing; link or copy the file"))
            else:
                found.faulty.append(Skipped(path, "is not a file"))


def _inode(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


def _order(path: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Sorts by folder and name, whichever way the system composes accents."""
    return tuple(unicodedata.normalize("NFC", part) for part in path.parts), path.parts


def list_files(folder: Path, suffixes: Collection[str] | None = None) -> list[Path]:
    """Lists the files in a folder and its subfolders; says on standard error what is left out.

    Args:
        folder: the folder.
        suffixes: only files whose name ends so, in lower case with the dot; default: all.

    Returns:
        The files, sorted, whose names are text.

    Raises:
        InputError: the folder does not exist or cannot be read.
    """
    found = walk(folder)

    def wanted(path: Path) -> bool:
        return suffixes is None or path.suffix.lower() in suffixes

    files = [path for path in found.files if wanted(path)]
    undecodable = [path for path in files if not is_utf8(path.relative_to(folder))]
    note_left_out(folder, [path for path in found.left_out if wanted(path) or path.is_dir()])
    for skipped in (*(Skipped(path, NOT_UTF8) for path in undecodable), *found.faulty):
        _note_once(f"{skipped.path}: left out: {skipped.rule}")
    return [path for path in files if path not in set(undecodable)]


def note_left_out(folder: Path, paths: Sequence[Path]) -> None:
    """Says on standard error how many hidden files are left out of a folder, and names three.

    Args:
        folder: the folder.
        paths: the files; none are not worth a line.
    """
    if paths:
        names = [path.name for path in paths[:3]] + ["…"] * (len(paths) > 3)
        count = f"{len(paths)} hidden or left by a system"
        _note_once(f"{folder}: left out: {count} ({', '.join(names)})")


@cache
def _note_once(text: str) -> None:
    """Notes it once per process: commands list a folder more than once."""
    note(text)


def is_utf8(path: Path | PurePosixPath) -> bool:
    """Whether a name is text, which JSON and tables can hold.

    Args:
        path: a path as the system gives it.

    Returns:
        False where a byte is not UTF-8, as in names that old archives unpack to.
    """
    return not any("\ud800" <= character <= "\udfff" for character in str(path))


def portable(name: str) -> str:
    r"""The name under which a copy of a file is written, good on every system.

    Args:
        name: relative path with forward slashes, of a file that somebody else named.

    Returns:
        The path with accents composed, and with ``%`` and two digits for what is not UTF-8 or not
        allowed in names on Windows; an ordinary name is unchanged.

    Example:
        >>> portable("M\udcfcller/aux.png"), portable("a?/b.")
        ('M%FCller/%61ux.png', 'a%3F/b%2E')
    """
    return "/".join(_portable_part(part) for part in name.split("/"))


def _portable_part(part: str) -> str:
    part = re.sub("[\udc80-\udcff]", lambda m: f"%{ord(m[0]) - 0xDC00:02X}", part)
    part = unicodedata.normalize("NFC", part)
    part = re.sub(r'[\x00-\x1f\x7f<>:"|?*\\]', lambda m: f"%{ord(m[0]):02X}", part)
    if part not in (".", ".."):
        part = re.sub(r"[. ]$", lambda m: f"%{ord(m[0]):02X}", part)
    if part.split(".")[0].rstrip().lower() in RESERVED:
        part = f"%{ord(part[0]):02X}{part[1:]}"
    return part


def stored_name(folder: Path, name: str) -> str:
    """The name under which a folder holds a file that a table names.

    A letter with an accent is one character or two; tables and systems differ in which they write.

    Args:
        folder: the folder.
        name: relative path with forward slashes, as the table names it.

    Returns:
        The path as the system spells it; ``name`` where there is no such file.
    """
    if name.isascii():
        return name
    found, current = [], folder
    for part in name.split("/"):
        if not os.path.lexists(current / part):
            part = _spelt(current, part) or part
        found.append(part)
        current = current / part
    stored = "/".join(found)
    return stored if os.path.lexists(folder / stored) else name


def _spelt(folder: Path, name: str) -> str | None:
    """The one name in a folder that is equal but for the composition of accents."""
    composed = unicodedata.normalize("NFC", name)
    return next((n for n in _names(folder) if unicodedata.normalize("NFC", n) == composed), None)


def _names(folder: Path) -> Iterator[str]:
    try:
        yield from sorted(os.listdir(folder))
    except (OSError, ValueError):  # there is no such folder, or it has no such name
        return
