"""The patients of the MEEI standard set, as ``pat_info.xlsx`` describes them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from palsynth.data.placing import Unplaced
from palsynth.errors import InputError
from palsynth.tables import SUFFIXES, TableRow, read_table

CATEGORIES = ("flaccid", "synkinetic", "normal")
LEVELS = ("NearNormal", "Mild", "Moderate", "Severe", "Complete")
OLDEST = 130
"""Greatest age that is taken for one, years."""
_SIDES = {"left": "left", "l": "left", "right": "right", "r": "right"}
_NUMBER = re.compile(r"0*([0-9]+)(\.0*)?")
_NAME = re.compile(r"([^0-9]*)([0-9]+)")


class Patient(NamedTuple):
    """What a patient is known by.

    Attributes:
        category: one of CATEGORIES.
        level: one of LEVELS; empty for healthy people.
        number: the number without leading zeros.
    """

    category: str
    level: str
    number: str


@dataclass
class PatientInfo:
    """The labels of a patient.

    Attributes:
        side: weak side of the patient; None if it is blank, bilateral or cannot be read.
        about: gender, age and, where it is so, ``bilateral``.
        line: the row.
        problems: the cells that cannot be read, one sentence each.
    """

    side: str | None
    about: dict[str, str | float | bool | None]
    line: int
    problems: list[str] = field(default_factory=list)


def patient_of(category: str, level: str | None, name: str) -> Patient | None:
    """Finds the patient that a folder is named after, as in ``MildFlaccid01`` or ``7``.

    Args:
        category: the category that the folder lies in.
        level: the level that its path names.
        name: its name.

    Returns:
        The patient; None if the name has no number at its end, or other words than these two.
    """
    match = _NAME.fullmatch(name)
    category, level = category.lower(), level or ""
    low = level.lower()
    if match is None or _letters(match[1]) not in (
        "",
        category,
        low,
        low + category,
        category + low,
    ):
        return None
    return Patient(category, level, _plain_number(match[2]) or "")


def find_table(folder: Path) -> Path | None:
    """Finds ``pat_info.xlsx``, or another table of that name.

    Args:
        folder: the dataset.

    Returns:
        The file; None if there is none.

    Raises:
        InputError: there are several.
    """
    found = sorted(
        path
        for path in folder.iterdir()
        if path.stem.lower() == "pat_info" and path.suffix.lower() in SUFFIXES
    )
    if len(found) > 1:
        names = ", ".join(path.name for path in found)
        raise InputError(f"{folder}: holds {names}; keep one of them")
    return found[0] if found else None


def read_patients(
    path: Path, folders: Mapping[Path, Patient | None]
) -> tuple[dict[Path, PatientInfo], list[Unplaced]]:
    """Reads the labels of patients, and lists what they and the folders do not agree on.

    Args:
        path: the table.
        folders: folder of each patient -> the patient; None if its name tells none.

    Returns:
        The labels of the folders that have a row; rows that name no patient, no folder, or the
        patient of another row, folders without a row of their own, and cells that cannot be read.
        Healthy people need no row.

    Raises:
        InputError: the table cannot be read or lacks a column.
    """
    patients, problems = _read_rows(path)
    named = Counter(folders.values())
    labels = {}
    for folder, patient in folders.items():
        if patient is None:
            fault = f"its name is no level, category and number, as {path.name} names patients"
        elif named[patient] > 1:
            fault = "another folder is named after the same patient; rename one"
        elif patient in patients:
            labels[folder] = patients[patient]
            continue
        elif patient.category == "normal":
            continue
        else:
            fault = f"{path.name} has no row of its own for it"
        problems.append(Unplaced(folder, fault, imported=True))
    for patient, info in patients.items():
        if patient not in named:
            name = " ".join(word for word in patient if word)
            problems.append(Unplaced(path, f"row {info.line} ({name}) has no folder of pictures"))
        problems += [_listed(path, text, imported=True) for text in info.problems]
    return labels, problems


def _read_rows(path: Path) -> tuple[dict[Patient, PatientInfo], list[Unplaced]]:
    """The patients with one row each, and the rows that name none or the same."""
    table = read_table(path, ("sub-category", "category", "#", "side"), ("gender", "age"))
    patients: dict[Patient, list[PatientInfo]] = {}
    problems = []
    for row in table.rows:
        try:
            patient = _patient(row)
        except InputError as error:
            problems.append(_listed(path, str(error)))
        else:
            patients.setdefault(patient, []).append(_info(row, patient))
    for rows in patients.values():
        if len(rows) > 1:
            numbers = ", ".join(str(info.line) for info in rows)
            problems.append(Unplaced(path, f"rows {numbers} name the same patient; keep one"))
    return {patient: rows[0] for patient, rows in patients.items() if len(rows) == 1}, problems


def _listed(table: Path, problem: str, imported: bool = False) -> Unplaced:
    return Unplaced(table, problem.removeprefix(f"{table}:").lstrip(), imported)


def _patient(row: TableRow) -> Patient:
    words = [row.text("sub-category"), row.text("category")]
    kind = _kind("".join(dict.fromkeys(word.lower() for word in words if word)))
    number = _plain_number(row.required("#"))
    if kind is None:
        shown = " ".join(word for word in words if word)
        raise InputError(
            f"row {row.line}: '{shown}' is no level ({', '.join(LEVELS)}) and category "
            f"({', '.join(CATEGORIES)})"
        )
    if number is None:
        raise InputError(f"{row.place('#')} '{row.text('#')}' is not a whole number")
    return Patient(*kind, number)


def _info(row: TableRow, patient: Patient) -> PatientInfo:
    info = PatientInfo(None, {"gender": None, "age": None}, row.line)
    for read in (_read_side, _read_gender, _read_age):
        try:
            read(row, patient, info)
        except InputError as error:
            info.problems.append(str(error))
    return info


def _read_side(row: TableRow, patient: Patient, info: PatientInfo) -> None:
    text = row.text("side")
    if text is None:
        return
    if patient.category == "normal":
        raise InputError(f"{row.place('side')} '{text}' is the side of a healthy person; clear it")
    if text.lower() == "bilateral":
        info.about["bilateral"] = True
    elif text.lower() in _SIDES:
        info.side = _SIDES[text.lower()]
    else:
        raise InputError(f"{row.place('side')} '{text}' is not left, right, bilateral or blank")


def _read_gender(row: TableRow, patient: Patient, info: PatientInfo) -> None:
    text = row.text("gender")
    if text is not None and not text.replace("-", "").replace(" ", "").isalpha():
        raise InputError(f"{row.place('gender')} '{text}' is not a word")
    info.about["gender"] = text


def _read_age(row: TableRow, patient: Patient, info: PatientInfo) -> None:
    age = row.number("age")
    if age is not None and not 0 <= age <= OLDEST:
        raise InputError(f"{row.place('age')} '{row.text('age')}' is not an age in years")
    info.about["age"] = int(age) if age is not None and age.is_integer() else age


def _letters(text: str) -> str:
    return "".join(letter for letter in text.lower() if letter.isalnum())


def _kind(text: str) -> tuple[str, str] | None:
    """Category and level of a text that names nothing else, in either order."""
    letters = _letters(text)
    for category in CATEGORIES:
        for level in (*LEVELS, ""):
            if letters in (level.lower() + category, category + level.lower()):
                return category, level
    return None


def _plain_number(text: str) -> str | None:
    """A whole number without leading zeros; None for any other text."""
    match = _NUMBER.fullmatch(text)
    return match[1] if match else None
