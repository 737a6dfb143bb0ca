"""The writer of datasets: atomic and resumable, with the same bytes after any interruption.

A dataset under construction holds a plan (``plan.json``), its images, and one small JSON file per
finished image (``a/b.png`` has ``.rows/a/b.png.row``). An image is finished when its row exists;
rows are written after images, both by rename. At the end the manifest is assembled from the rows,
which are then removed; the plan remains, as the record of the request.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from palsynth.data.manifest import FILE_NAME, Row, read_manifest, write_manifest
from palsynth.errors import InputError
from palsynth.face.images import text_chunks, write_png
from palsynth.files import atomic_write
from palsynth.locks import is_lock
from palsynth.records import claim_folder


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
        """Whether an image is finished.

        Args:
            file_name: the image, relative to the dataset.

        Returns:
            True if the image and its row are written; False too where the image has been lost
            since, which may then be added again.

        Raises:
            InputError: if the row is of a former release and damaged.
        """
        if not (self.folder / file_name).is_file():
            return False
        return self.complete or self._find_row(file_name) is not None

    def add(self, image: np.ndarray, row: Row) -> None:
        """Writes an image and then its row.

        Args:
            image: (H, W, 3) uint8 RGB.
            row: its row, which names the file; the provenance is also embedded in the PNG. An image
                without provenance is labelled as not generated.
        """
        write_png(self.folder / row.file_name, image, **text_chunks(row.provenance))
        if self.complete:  # the manifest has the row
            return
        path = self._row_path(row.file_name)
        with atomic_write(path) as temporary:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(row.to_json() + "\n", "utf-8")

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
        if self.complete:  # but perhaps killed before tidying up, or damaged since
            self._tidy()
            for name in file_names:
                if not (self.folder / name).is_file():
                    raise InputError(
                        f"{self.folder}: {name} has been lost since the export; export again"
                    )
            return read_manifest(self.folder)
        rows = []
        for name in file_names:
            path = self._find_row(name)
            if path is None or not (self.folder / name).is_file():
                raise InputError(
                    f"{self.folder}: {name} has not been written; start the export again"
                )
            rows.append(_read_row(path))
        write_manifest(self.folder, rows)
        self._tidy()
        return sorted(rows, key=lambda row: row.file_name)

    def _tidy(self) -> None:
        for partial in self.folder.rglob(".*.partial*"):
            partial.unlink()
        shutil.rmtree(self._rows, ignore_errors=True)

    def _row_path(self, file_name: str) -> Path:
        return self._rows / f"{file_name}.row"

    def _find_row(self, file_name: str) -> Path | None:
        """The file of an image's row, if there is one.

        Up to 0.2 it was named with ``__`` for ``/``: what looks like the row of ``a__b.png`` may be
        that of ``a/b.png``.
        """
        if (path := self._row_path(file_name)).exists():
            return path
        former = self._rows / (file_name.replace("/", "__") + ".json")
        if former.exists() and _read_row(former).file_name == file_name:
            return former
        return None


def _read_row(path: Path) -> Row:
    try:
        return Row(**json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"{path}: is damaged ({error}); delete this file and start the export again"
        ) from None
