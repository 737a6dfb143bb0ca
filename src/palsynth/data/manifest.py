"""The manifest: one row per image, in ``metadata.jsonl`` of a Hugging Face ImageFolder."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
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
from palsynth.errors import InputError
from palsynth.files import atomic_write
from palsynth.paths import FileNames, same_file

FILE_NAME = "metadata.jsonl"
SPLITS = ("train", "validation", "test")
REQUIRED = ("file_name", "subject_id")


@dataclass(frozen=True)
class Row:
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
                Palsy.from_dict(self.palsy)
            except ValueError as error:
                out.append(str(error))
        return out


_KNOWN = frozenset(Row.__dataclass_fields__)


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
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    if not path.exists():
        raise InputError(f"{folder}: no {FILE_NAME}; make one with 'palsynth data import'")
    rows = []
    names = FileNames(folder, "dataset")
    try:
        lines = path.read_text("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read ({error})") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            data = json.loads(line)
        except json.JSONDecodeError as error:
            raise InputError(f"{path}:{number}: not a line of JSON ({error.msg})") from None
        if not isinstance(data, dict):
            raise InputError(f"{path}:{number}: a row must be an object with {', '.join(REQUIRED)}")
        missing = [key for key in REQUIRED if not data.get(key)]
        if missing:
            raise InputError(f"{path}:{number}: column {', '.join(missing)} is missing")
        for key in REQUIRED:
            if not isinstance(data[key], str):
                raise InputError(f"{path}:{number}: {key} must be text, not {data[key]!r}")
        names.join(data["file_name"], f"{path}:{number}")
        data["file_name"] = str(PurePosixPath(data["file_name"]))
        twin = names.twin(data["file_name"])
        if unique and twin is not None:
            raise InputError(f"{path}:{number}: {same_file(data['file_name'], twin)}; keep one row")
        if not isinstance(data.get("attributes") or {}, dict):
            raise InputError(f"{path}:{number}: attributes must be an object")
        known = {k: v for k, v in data.items() if k in _KNOWN and k != "attributes"}
        other = {k: v for k, v in data.items() if k not in _KNOWN}
        rows.append(Row(**known, attributes={**(data.get("attributes") or {}), **other}))
    if not rows:
        raise InputError(f"{path}: has no rows")
    return rows


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
