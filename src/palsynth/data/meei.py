"""Importer of the MEEI standard set (Greene 2020) in the layout of its distribution."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from palsynth.clinical import Movement
from palsynth.data.manifest import Row
from palsynth.data.meei_patients import (
    CATEGORIES,
    LEVELS,
    Patient,
    PatientInfo,
    find_table,
    patient_of,
    read_patients,
)
from palsynth.data.placing import Placed, Unplaced, files
from palsynth.data.videos import VIDEOS
from palsynth.face.images import SUFFIXES
from palsynth.folders import portable

_MEEI_MOVEMENTS = (
    Movement.REST,
    Movement.WRINKLE_FOREHEAD,
    Movement.CLOSE_EYES_LIGHTLY,
    Movement.CLOSE_EYES_TIGHTLY,
    None,  # closed smile: no item of the scale
    Movement.GRIN,
    Movement.WHISTLE,
    Movement.DEPRESS_LIP,
)
"""The eight photos in the order of Greene 2020; the order is inferred, not published."""

_MEEI_NAME = re.compile(r"^(?P<patient>.+?)_(?P<photo>\d+)$")


def meei(folder: Path, mapping: Path | None) -> Iterator[Placed | Unplaced]:
    """Imports ``Flaccid|Synkinetic/<Level>…/<patient>/<patient>_<1..8>.jpg`` and
    ``Normal/<patient>/…``, with side, gender and age from ``pat_info.xlsx`` if it exists. A video
    shows its patient in all movements.

    Args:
        folder: the dataset.
        mapping: not used.

    Yields:
        Each placed picture or video with its row, or an unplaced file; then what ``pat_info.xlsx``
        and the patients' folders do not agree on.

    Raises:
        InputError: if ``pat_info.xlsx`` cannot be read.
    """
    table = find_table(folder)
    everything, unplaced = files(folder)
    yield from unplaced
    paths = [path for path in everything if path != table]
    labels: dict[Path, PatientInfo] = {}
    problems: list[Unplaced] = []
    if table is not None:
        labels, problems = read_patients(table, _patient_folders(folder, paths))
    subjects: dict[str, Path] = {}
    for path in paths:
        parts = path.relative_to(folder).parts
        category, level = _category(parts), _meei_level(parts)
        match = _MEEI_NAME.match(path.stem)
        video = path.suffix.lower() in VIDEOS
        if path.suffix.lower() not in SUFFIXES and not video:
            yield Unplaced(path, "not a picture")
        elif category is None:
            yield Unplaced(path, "must lie below Flaccid/, Synkinetic/ or Normal/")
        elif not video and (match is None or not 1 <= int(match["photo"]) <= 8):
            yield Unplaced(path, "must be called <patient>_<1..8>")
        elif level is None and category != "normal":
            yield Unplaced(path, f"its folder must name a level: {', '.join(LEVELS)}")
        else:
            patient = _normalised(path.parent.name)
            subject = f"meei-{category}-{(level or 'normal').lower()}-{patient}"
            owner = subjects.setdefault(subject, path.parent)
            if owner != path.parent:
                yield Unplaced(path, f"{owner} would be the same patient; rename one folder")
                continue
            extra: dict[str, Any] = {"category": category, "level": level}
            movement = None  # a video shows all
            if match is not None and not video:
                extra["photo"] = int(match["photo"])
                movement = _MEEI_MOVEMENTS[extra["photo"] - 1]
            info = labels.get(path.parent)
            yield (
                path,
                Row(
                    file_name="/".join(parts),
                    subject_id=subject,
                    movement=movement.value if movement else None,
                    side=info.side if info else None,
                    hb_grade="I" if category == "normal" else None,
                    attributes={**extra, **(info.about if info else {})},
                ),
            )
    yield from problems


def _patient_folders(folder: Path, paths: list[Path]) -> dict[Path, Patient | None]:
    """The folders of patients' pictures and videos, and who they are named after."""
    out = {}
    for path in paths:
        parts = path.relative_to(folder).parts
        category, level = _category(parts), _meei_level(parts)
        placed = category is not None and (level is not None or category == "normal")
        if placed and path.suffix.lower() in SUFFIXES | VIDEOS:
            out[path.parent] = patient_of(str(category), level, path.parent.name)
    return out


def _category(parts: tuple[str, ...]) -> str | None:
    """The category of a file, by the first folder of its path."""
    category = parts[0].lower()
    return category if len(parts) > 1 and category in CATEGORIES else None


def _meei_level(parts: tuple[str, ...]) -> str | None:
    """The level that the folders of a file name."""
    text = _normalised("".join(parts[:-1]))
    levels = [level for level in LEVELS if level.lower() in text]
    return levels[0] if levels else None


def _normalised(text: str) -> str:
    """Lower case, letters and digits only, so that the spellings of a patient's name agree; numbers
    stay apart.
    """
    apart = re.sub(r"(?<=[0-9])[\W_]+(?=[0-9])", "-", portable(text).lower())
    return re.sub(r"[^\w-]|_|(?<![0-9])-|-(?![0-9])", "", apart)
