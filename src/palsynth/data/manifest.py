"""The manifest: one row per image, in ``metadata.jsonl`` of a Hugging Face ImageFolder."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from palsynth.clinical import (
    YANAGIHARA,
    Grade,
    Movement,
    Palsy,
    Side,
    house_brackmann,
    item_score,
)
from palsynth.documents import kind_of, read_json_lines
from palsynth.documents.checks import shown
from palsynth.errors import InputError
from palsynth.files import atomic_write
from palsynth.folders import check_folder, stored_name
from palsynth.paths import FileNames, same_file
from palsynth.settings import FiniteNumbers

FILE_NAME = "metadata.jsonl"
SPLITS = ("train", "validation", "test")
REQUIRED = ("file_name", "subject_id")


@dataclass(frozen=True)
class Row(FiniteNumbers):
    """One image with its labels. Unknown labels are None.

    Attributes:
        file_name: path relative to the dataset.
        subject_id: the subject, person or patient; splits are by subject.
        movement: value of a Movement.
        side: the weak side, "left" or "right" of the patient.
        hb_grade: House-Brackmann grade, "I" to "VI".
        yanagihara_item: Yanagihara score of the movement: 0, 2 or 4.
        palsy: the palsy, as ``Palsy.to_dict`` gives it.
        split: one of SPLITS.
        provenance: of synthetic images: method, weights, seed, identity, expression and version.
        measured: of synthetic images: measurements by the landmarks of the result.
        attributes: all other columns.
    """

    file_name: str
    subject_id: str
    movement: str | None = None
    side: str | None = None
    hb_grade: str | None = None
    yanagihara_item: int | None = None
    palsy: dict[str, Any] | None = None
    split: str | None = None
    provenance: dict[str, Any] | None = None
    measured: dict[str, Any] | None = None
    attributes: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def for_request(
        cls,
        file_name: str,
        subject_id: str,
        movement: Movement | None,
        palsy: Palsy | None,
        **others: Any,
    ) -> Row:
        """The row of a picture, labelled with the movement and palsy that were requested.

        Args:
            file_name: path relative to the dataset.
            subject_id: the subject.
            movement: the movement; None if unknown.
            palsy: the palsy, from which side, grade and item score follow; None if unknown.
            **others: further fields of the row.

        Returns:
            The row. Only the ten movements of the Yanagihara scale have an item score.
        """
        name = None if movement is None else movement.value
        if palsy is None:
            return cls(file_name, subject_id, name, **others)
        weak = palsy.weak_side
        return cls(
            file_name,
            subject_id,
            name,
            side=weak.value if weak else None,
            hb_grade=house_brackmann(palsy).value,
            yanagihara_item=item_score(palsy, movement) if movement in YANAGIHARA else None,
            palsy=palsy.to_dict(),
            **others,
        )

    def to_json(self) -> str:
        """One line of JSON, keys in order; unknown labels are null, so that all rows have them."""
        return json.dumps(asdict(self), ensure_ascii=False, separators=(", ", ": "))

    def problems(self) -> list[str]:
        """The reasons why the labels are impossible, one sentence each."""
        out = []
        if self.movement is not None and self.movement not in {m.value for m in Movement}:
            out.append(f"movement '{self.movement}' is not one of {', '.join(Movement)}")
        if self.side is not None and self.side not in {s.value for s in Side}:
            out.append(f"side '{self.side}' is neither left nor right")
        if self.hb_grade is not None and self.hb_grade not in {g.value for g in Grade}:
            out.append(f"hb_grade '{self.hb_grade}' is not one of I to VI")
        if self.yanagihara_item is not None and self.yanagihara_item not in (0, 2, 4):
            out.append(f"yanagihara_item {self.yanagihara_item} is not 0, 2 or 4")
        if self.split is not None and self.split not in SPLITS:
            out.append(f"split '{self.split}' is not one of {', '.join(SPLITS)}")
        if self.hb_grade == "I" and self.yanagihara_item == 0:
            out.append("grade I (normal) cannot have item score 0")
        if self.palsy is not None:
            try:
                weak = Palsy.from_dict(self.palsy).weak_side
            except ValueError as error:
                out.append(str(error))
            else:
                if weak is not None and self.side in {s.value for s in Side} - {weak.value}:
                    out.append(f"side '{self.side}' is not the weak side of palsy, {weak.value}")
        return out


_LABELS = {
    name: dict if name in ("palsy", "provenance", "measured", "attributes") else str
    for name in Row.__dataclass_fields__
} | {"yanagihara_item": int}
"""Column -> type of its values, where they are not null."""


def to_row(data: dict[str, Any], where: str) -> Row:
    """Makes the row of a line of a manifest.

    Args:
        data: column -> plain value. Columns that are not fields of Row go into ``attributes``.
        where: the file and the line, for messages.

    Returns:
        The row. Its labels have the right types, but may be impossible, see :meth:`Row.problems`.

    Raises:
        InputError: a column is missing, or has a value of the wrong type.
    """
    missing = [key for key in REQUIRED if data.get(key) is None or not str(data[key]).strip()]
    if missing:
        there = f"; the columns are {shown(', '.join(data))}" if data else ""
        raise InputError(f"{where}: column {', '.join(missing)} is missing or blank{there}")
    known = {name: data[name] for name in _LABELS if data.get(name) is not None}
    score = known.get("yanagihara_item")
    if isinstance(score, float) and score.is_integer():  # as pandas writes a column with gaps
        known["yanagihara_item"] = int(score)
    for name, value in known.items():
        if type(value) is not _LABELS[name]:
            needed = {str: "text", int: "a whole number", dict: "an object"}[_LABELS[name]]
            given = kind_of(value) if isinstance(value, (dict, list)) else repr(value)
            raise InputError(f"{where}: {name} must be {needed}, not {shown(given)}")
    other = {name: value for name, value in data.items() if name not in _LABELS}
    return Row(**{**known, "attributes": {**known.get("attributes", {}), **other}})


def read_manifest(folder: Path, *, unique: bool = True) -> list[Row]:
    """Reads the rows of a dataset. Columns that are not fields of Row go into ``attributes``.

    Args:
        folder: the dataset.
        unique: refuse two rows of one file.

    Returns:
        The rows, in the order of the file.

    Raises:
        InputError: if there is no manifest or no row, or for the first fault, naming its line.
    """
    path = folder / FILE_NAME
    check_folder(folder)
    if not path.exists():
        raise InputError(f"{folder}: no {FILE_NAME}; make one with 'palsynth data import'")
    rows = []
    names = FileNames(folder, "dataset")
    for number, data in read_json_lines(path):
        row = to_row(data, f"{path}:{number}")
        names.join(row.file_name, f"{path}:{number}")
        name = stored_name(folder, str(PurePosixPath(row.file_name)))
        twin = names.twin(name)
        if unique and twin is not None:
            raise InputError(f"{path}:{number}: {same_file(name, twin)}; keep one row")
        rows.append(replace(row, file_name=name))
    if not rows:
        raise InputError(f"{path}: has no rows")
    return rows


def check_files(folder: Path, rows: Iterable[Row]) -> None:
    """Checks that the pictures of some rows are there.

    Args:
        folder: the dataset.
        rows: the rows.

    Raises:
        InputError: names the first picture that is missing.
    """
    for row in rows:
        if not (folder / row.file_name).is_file():
            raise InputError(
                f"{folder / row.file_name}: no such picture, but {FILE_NAME} names it; "
                f"'palsynth data check {folder}' lists all that are missing"
            )


def write_manifest(folder: Path, rows: Iterable[Row]) -> None:
    """Writes a manifest atomically, sorted by file name.

    Args:
        folder: the dataset.
        rows: its rows.
    """
    path = folder / FILE_NAME
    ordered = sorted(rows, key=lambda row: row.file_name)
    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.writelines(row.to_json() + "\n" for row in ordered)
