"""Importer of the MEEI standard set (Greene 2020) in the layout of its distribution."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from palsynth.clinical import Movement
from palsynth.data.manifest import Row
from palsynth.data.placing import Placed, Unplaced, files
from palsynth.data.videos import VIDEOS
from palsynth.errors import InputError
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

_MEEI_LEVELS = ("NearNormal", "Mild", "Moderate", "Severe", "Complete")
_MEEI_NAME = re.compile(r"^(?P<patient>.+?)_(?P<photo>\d+)$")


def meei(folder: Path, mapping: Path | None) -> Iterator[Placed | Unplaced]:
    """Imports ``Flaccid|Synkinetic/<Level>…/<patient>/<patient>_<1..8>.jpg`` and
    ``Normal/<patient>/…``, with side, gender and age from ``pat_info.xlsx`` if it exists. A video
    shows its patient in all movements.

    Args:
        folder: the dataset.
        mapping: not used.

    Yields:
        Each placed picture or video with its row, or an unplaced file.

    Raises:
        InputError: if ``pat_info.xlsx`` cannot be read.
    """
    patients = _meei_patients(folder)
    paths, unplaced = files(folder)
    yield from unplaced
    for path in paths:
        parts = path.relative_to(folder).parts
        category = parts[0].lower() if len(parts) > 1 else ""
        match = _MEEI_NAME.match(path.stem)
        video = path.suffix.lower() in VIDEOS
        if path.suffix.lower() not in SUFFIXES and not video:
            if path.name != "pat_info.xlsx":
                yield Unplaced(path, "not a picture")
        elif category not in ("flaccid", "synkinetic", "normal"):
            yield Unplaced(path, "must lie below Flaccid/, Synkinetic/ or Normal/")
        elif not video and (match is None or not 1 <= int(match["photo"]) <= 8):
            yield Unplaced(path, "must be called <patient>_<1..8>")
        else:
            level = _meei_level("".join(parts[:-1]))
            if level is None and category != "normal":
                yield Unplaced(path, f"its folder must name a level: {', '.join(_MEEI_LEVELS)}")
                continue
            patient = path.parent.name
            extra: dict[str, Any] = {"category": category, "level": level}
            movement = None  # a video shows all
            if match is not None and not video:
                extra["photo"] = int(match["photo"])
                movement = _MEEI_MOVEMENTS[extra["photo"] - 1]
            info = patients.get(_normalised(patient), {})
            extra.update({k: v for k, v in info.items() if k != "side"})
            yield (
                path,
                Row(
                    file_name="/".join(parts),
                    subject_id=f"meei-{category}-{(level or 'normal').lower()}-"
                    f"{_normalised(patient)}",
                    movement=movement.value if movement else None,
                    side=info.get("side"),
                    hb_grade="I" if category == "normal" else None,
                    attributes=extra,
                ),
            )


def _meei_level(path: str) -> str | None:
    text = _normalised(path)
    levels = [level for level in _MEEI_LEVELS if level.lower() in text]
    return levels[0] if levels else None


def _normalised(text: str) -> str:
    """Lower case, letters and digits only, so that the spellings of a patient's name agree."""
    return re.sub(r"[\W_]", "", portable(text).lower())


def _meei_patients(folder: Path) -> dict[str, dict[str, Any]]:
    """Normalised name -> side, gender and age, from ``pat_info.xlsx`` if it exists."""
    path = folder / "pat_info.xlsx"
    if not path.exists():
        return {}
    try:
        from openpyxl import load_workbook
    except ImportError:
        raise InputError(f"{path}: reading it needs openpyxl; install palsynth[fit]") from None
    try:
        sheet = load_workbook(path, read_only=True).active
        lines = list(sheet.iter_rows(values_only=True))
    except Exception as error:
        raise InputError(f"{path}: not an Excel file ({error})") from None
    header = [str(cell or "").strip().lower() for cell in lines[0]] if lines else []
    required = ("sub-category", "category", "#", "side")
    missing = [name for name in required if name not in header]
    if missing:
        raise InputError(f"{path}: column {', '.join(missing)} is missing")
    out = {}
    for line in lines[1:]:
        cell = dict(zip(header, line, strict=False))
        side = str(cell.get("side") or "").strip().lower()
        key = _normalised(f"{cell['sub-category'] or ''}{cell['category'] or ''}{cell['#'] or ''}")
        out[key] = {
            "side": {"l": "left", "r": "right"}.get(side[:1]),
            "gender": cell.get("gender"),
            "age": cell.get("age"),
        }
    return out
