"""The writer of datasets: atomic and resumable, with the same bytes after any interruption.

A dataset under construction holds a plan (``plan.json``), its images, and one small JSON file per
finished image (in ``.rows``). An image is finished when its row exists; rows are written after
images, both by rename. At the end the manifest is assembled from the rows, which are then removed;
the plan remains, as the record of the request.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from palsynth.data.manifest import FILE_NAME, Row, read_manifest, write_manifest
from palsynth.errors import InputError
from palsynth.face.images import write_png
from palsynth.files import atomic_write


class DatasetWriter:
    """Writes one dataset.

    Args:
        folder: the dataset; it may hold an interrupted export of the same plan.
        plan: all settings that determine the bytes. A folder with another plan is refused, so
            two exports never mix.
        record: name of the file that holds the plan.

    Raises:
        InputError: if the folder cannot be written, holds another plan or is not empty.
    """

    def __init__(self, folder: Path, plan: dict[str, Any], record: str = "plan.json") -> None:
        self.folder = folder
        self._rows = folder / ".rows"
        self._plan = folder / record
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{folder}: cannot be made ({error.strerror or error})") from None
        text = json.dumps(plan, indent=1, sort_keys=True) + "\n"
        if self._plan.exists():
            if self._plan.read_text("utf-8") != text:
                raise InputError(
                    f"{folder}: holds an export with other settings; give another folder"
                )
        elif any(".partial" not in p.name for p in folder.iterdir()):
            raise InputError(f"{folder}: is not empty; give a new folder")
        else:
            _write_text(self._plan, text)
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
            True if the image and its row are written; False too where a complete dataset has lost
            the image, which may then be added again.
        """
        if self.complete:
            return (self.folder / file_name).is_file()
        return self._row_path(file_name).exists()

    def add(self, image: np.ndarray, row: Row) -> None:
        """Writes an image and then its row.

        Args:
            image: (H, W, 3) uint8 RGB.
            row: its row, which names the file; the provenance is also embedded in the PNG.
        """
        text = {}
        if row.provenance is not None:
            text["palsynth:provenance"] = json.dumps(row.provenance, sort_keys=True)
        write_png(self.folder / row.file_name, image, **text)
        if not self.complete:  # else the manifest has the row
            _write_text(self._row_path(row.file_name), row.to_json() + "\n")

    def finish(self, file_names: Iterable[str]) -> list[Row]:
        """Assembles the manifest and removes the files that were needed for resuming.

        Args:
            file_names: all images of the plan.

        Returns:
            The rows, sorted by file name.

        Raises:
            InputError: if an image of the plan has not been written or has been lost.
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
            if not self.has(name):
                raise InputError(
                    f"{self.folder}: {name} has not been written; start the export again"
                )
            rows.append(Row(**json.loads(self._row_path(name).read_text("utf-8"))))
        write_manifest(self.folder, rows)
        self._tidy()
        return sorted(rows, key=lambda row: row.file_name)

    def _tidy(self) -> None:
        for partial in self.folder.rglob(".*.partial*"):
            partial.unlink()
        shutil.rmtree(self._rows, ignore_errors=True)

    def _row_path(self, file_name: str) -> Path:
        return self._rows / (file_name.replace("/", "__") + ".json")


def _write_text(path: Path, text: str) -> None:
    with atomic_write(path) as temporary:
        temporary.write_text(text, "utf-8")
