"""The writer of datasets: atomic and resumable, with the same bytes after any interruption.

A dataset under construction holds a plan (``plan.json``), its images, and one small JSON file per
finished image (``a/b.png`` has ``.rows/a/b.png.row``). An image is finished when its row exists and
it is as the folder's ledger says; it is written first, then its line of the ledger, then its row.
At the end the manifest is assembled from the rows, which are then removed; the plan and the ledger
remain, as the record of the request and of what was made for it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from palsynth.data.manifest import FILE_NAME, Row, read_manifest, to_row, write_manifest
from palsynth.documents import DocumentError, json_row, read_json_lines
from palsynth.errors import InputError
from palsynth.face.clips import inspect_clip
from palsynth.face.images import text_chunks, write_png
from palsynth.face.label import DigitalSource, label
from palsynth.files import MAX_NAME, atomic_write
from palsynth.locks import is_lock
from palsynth.paths import FileNames
from palsynth.records import Ledger, claim_folder

CLIP = ".mp4"
"""Ending of the clips of a dataset: VP9 in MP4, in which XMP has a place. ``datasets`` finds no
WebM by itself."""


class DatasetWriter:
    """Writes one dataset.

    Args:
        folder: the dataset; it may hold an interrupted export of the same plan.
        plan: all settings that determine the bytes. A folder with another plan is refused, so
            two exports never mix.
        record: name of the file that holds the plan.
        holds: what a folder with another plan holds, for the error message.

    Raises:
        InputError: if the folder cannot be written, holds another plan (the message names the first
            setting that differs) or a damaged one, or has other contents.
    """

    def __init__(
        self,
        folder: Path,
        plan: dict[str, Any],
        record: str = "plan.json",
        holds: str = "an export with other settings",
    ) -> None:
        self.folder = folder
        self._record = folder / record
        self._rows = folder / ".rows"
        claim_folder(folder / record, plan, holds, "give another folder", sort_keys=True)
        self._ledger = Ledger(folder)
        self._names = FileNames(folder)
        self._done: set[str] = set()
        self._said: set[str] = set()
        if not self.complete:
            try:
                self._rows.mkdir(exist_ok=True)
            except OSError as error:
                raise InputError(
                    f"{folder}: cannot be written ({error.strerror or error})"
                ) from None

    @property
    def complete(self) -> bool:
        """Whether the manifest is written."""
        return (self.folder / FILE_NAME).exists()

    def has(self, file_name: str) -> bool:
        """Whether an image is finished and as it was written.

        One that has been deleted, emptied or changed since is said on standard error; it may then
        be added again.

        Args:
            file_name: the image, relative to the dataset.

        Returns:
            True if the image is as the ledger says and its row is written.

        Raises:
            InputError: another picture lies there that was not made here, the name leads out of the
                folder, or the row is of a former release and damaged.
        """
        if file_name in self._done and self._ledger.fault(file_name, contents=False) is None:
            return True
        fault = self._fault(file_name)
        if fault is None:
            self._done.add(file_name)
        elif fault and file_name not in self._said:
            self._said.add(file_name)
            path = self.folder / file_name
            print(f"note: {path}: {fault}; it is made again", file=sys.stderr)
        return fault is None

    def _fault(self, name: str) -> str | None:
        """Why a picture is not finished; empty where it has not been made yet."""
        path, has_row = self._names.join(name, str(self.folder)), self._has_row(name)
        known = name in self._ledger
        if not path.is_file():
            return "has been deleted" if known or has_row else ""
        fault = self._ledger.fault(name) if known else "has been changed"
        if fault is None:
            return None if has_row else ""
        text = _text(path)
        if text is None and (known or has_row):
            path.unlink()  # cut short
            return fault
        if not text:
            raise InputError(f"{path}: was not made here; move it away, or give another folder")
        if not has_row:
            return fault if known else ""
        if not known and text_chunks(self._row(name).provenance).items() <= text.items():
            self._ledger.add(name)  # of a version that had no ledger
            return None
        return fault

    def add(self, image: np.ndarray, row: Row, source: DigitalSource | None = None) -> None:
        """Writes an image and then its row.

        Args:
            image: (H, W, 3) uint8 RGB.
            row: its row, which names the file; the provenance is also embedded in the PNG. An image
                without provenance is labelled as not generated.
            source: how an image without provenance came to be, such as the crop of a generated one.
        """
        text = {**label(source), **text_chunks(row.provenance)}
        self.add_file(row, lambda path: write_png(path, image, **text))

    def add_file(self, row: Row, write: Callable[[Path], object]) -> None:
        """Writes a file and then its row.

        Args:
            row: its row, which names the file.
            write: writes the file, whole or not at all, with the text that says who wrote it.
        """
        write(self._names.join(row.file_name, str(self.folder)))
        self._ledger.add(row.file_name)
        self._done.add(row.file_name)
        if self.complete:  # the manifest has the row
            return
        path = self._row_path(row.file_name)
        with atomic_write(path) as temporary:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(row.to_json() + "\n", "utf-8")

    def has_beside(self, name: str) -> bool:
        """Whether a file without a row is as it was written.

        Args:
            name: the file, relative to the dataset.

        Returns:
            True if it is as the ledger says.
        """
        return name in self._ledger and self._ledger.fault(name) is None

    def add_beside(self, name: str, write: Callable[[Path], object]) -> None:
        """Writes a file without a row, such as the table beside a clip.

        Args:
            name: the file, relative to the dataset.
            write: writes the file, whole or not at all.
        """
        write(self._names.join(name, str(self.folder)))
        self._ledger.add(name)

    def remove_if_empty(self) -> None:
        """Removes the folder of a dataset of which no image is written, so that it can be claimed
        for another one. A folder that holds any other file stays as it is."""
        files = (path for path in self.folder.rglob("*") if path.is_file() and not is_lock(path))
        if any(path != self._record for path in files):
            return
        shutil.rmtree(self._rows, ignore_errors=True)
        self._record.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.folder.rmdir()

    def finish(self, file_names: Iterable[str]) -> list[Row]:
        """Assembles the manifest and removes the files that were needed for resuming.

        Args:
            file_names: all images of the plan.

        Returns:
            The rows, sorted by file name.

        Raises:
            InputError: if an image of the plan has not been written or has been lost, or its row is
                damaged.
        """
        self._ledger.read()  # other processes may have written images
        if self.complete:  # but perhaps killed before tidying up, or damaged since
            self._tidy()
            for name in file_names:
                if not self.has(name):
                    raise InputError(
                        f"{self.folder}: {name} has been lost since the export; export again"
                    )
            return read_manifest(self.folder)
        rows = []
        for name in file_names:
            if not self.has(name):
                raise InputError(
                    f"{self.folder}: {name} has not been written; start the export again"
                )
            rows.append(self._row(name))
        self._ledger.tidy()
        write_manifest(self.folder, rows)
        self._tidy()
        return sorted(rows, key=lambda row: row.file_name)

    def _tidy(self) -> None:
        self._ledger.tidy()
        for partial in self.folder.rglob(".*.partial*"):
            partial.unlink()
        shutil.rmtree(self._rows, ignore_errors=True)

    @cached_property
    def _manifest(self) -> dict[str, Row]:
        return {row.file_name: row for row in read_manifest(self.folder)}

    def _has_row(self, name: str) -> bool:
        if not self.complete:
            return self._find_row(name) is not None
        if name not in self._manifest:
            raise InputError(
                f"{self.folder / FILE_NAME}: has no row of {name}; delete this file to have its "
                "pictures made again"
            )
        return True

    def _row(self, name: str) -> Row:
        """The row of a picture that has one."""
        path = None if self.complete else self._find_row(name)
        return self._manifest[name] if path is None else _read_row(path)

    def _row_path(self, file_name: str) -> Path:
        path = self._rows / f"{file_name}.row"
        if len(os.fsencode(path.name)) > MAX_NAME:
            path = path.with_name(f"{hashlib.sha256(os.fsencode(path.name)).hexdigest()}.row")
        return path

    def _find_row(self, file_name: str) -> Path | None:
        """The file of an image's row, if there is one.

        Up to 0.2 it was named with ``__`` for ``/``: what looks like the row of ``a__b.png`` may be
        that of ``a/b.png``.
        """
        if (path := self._row_path(file_name)).exists():
            return path
        former = self._rows / (file_name.replace("/", "__") + ".json")
        if os.path.exists(former) and _read_row(former).file_name == file_name:
            return former
        return None


def _text(path: Path) -> dict[str, str] | None:
    """The text that a file of palsynth's carries; empty of another, None of a damaged one."""
    try:
        if path.suffix == CLIP:
            clip = inspect_clip(path)
            if clip.cut_short:
                return None
            info = json_row(clip.comment or "{}", path)
        else:
            with Image.open(path) as picture:
                picture.load()
                info = {str(key): str(value) for key, value in picture.info.items()}
    except (InputError, OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError):
        return None
    return info if info.get("Software") == "palsynth" else {}


def _read_row(path: Path) -> Row:
    try:
        [(_, data)] = read_json_lines(path)
        return to_row(data, path.name)
    except DocumentError as error:
        fault = error.fault
    except ValueError as error:
        fault = str(error)
    raise InputError(f"{path}: is damaged ({fault}); delete this file and start the export again")
