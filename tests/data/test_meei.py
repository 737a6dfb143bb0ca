"""The patients of ``pat_info.xlsx`` and their folders: nobody gets another's labels, in silence."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from openpyxl import Workbook
from PIL import Image

from palsynth.cli import main
from palsynth.data.importers import import_dataset
from palsynth.data.manifest import Row
from palsynth.data.meei_patients import Patient, patient_of
from palsynth.data.placing import Unplaced
from palsynth.errors import InputError

HEADER = ["Sub-category", "Category", "#", "Side", "Gender", "Age"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Patients 1, 2 and 10, and a healthy person."""
    image = Image.fromarray(np.zeros((40, 40, 3), np.uint8))
    for place in ("Flaccid/MildFlaccid/MildFlaccid1", "Flaccid/MildFlaccid/Mild_Flaccid-02",
                  "Flaccid/MildFlaccid/10", "Normal/Normal1"):  # fmt: skip
        folder = tmp_path / "MEEI" / place
        folder.mkdir(parents=True)
        image.save(folder / f"{folder.name}_6.png")
    return tmp_path / "MEEI"


def read(root: Path, *lines: list[Any]) -> tuple[dict[str, Row], list[Unplaced]]:
    """Rows by the name of their patient's folder, and the list."""
    book = Workbook()
    for line in (HEADER, *lines):
        book.active.append(line)
    book.save(root / "pat_info.xlsx")
    rows, unplaced = import_dataset("meei", root, root.parent / "out")
    return {row.file_name.split("/")[-2]: row for row in rows}, unplaced


def listed(unplaced: list[Unplaced]) -> list[tuple[str, str, bool]]:
    return [(item.path.name, item.rule, item.imported) for item in unplaced]


GOOD = (
    ["Mild", "Flaccid", 1, "L", "F", 40],
    ["Mild", "flaccid", "02", "Right", "M", "50"],
    ["FLACCID", "mild", 10.0, "bilateral", "non-binary", 60.5],
)


def test_numbers_are_compared_as_numbers(root: Path) -> None:
    rows, unplaced = read(root, *GOOD)
    assert not unplaced
    assert {name: row.side for name, row in rows.items()} == {
        "MildFlaccid1": "left",
        "Mild_Flaccid-02": "right",
        "10": None,
        "Normal1": None,
    }
    about = {"category": "flaccid", "level": "Mild", "photo": 6}
    assert rows["MildFlaccid1"].attributes == {**about, "gender": "F", "age": 40}
    assert rows["10"].attributes == {
        **about, "gender": "non-binary", "age": 60.5, "bilateral": True,
    }  # fmt: skip
    assert isinstance(rows["Mild_Flaccid-02"].attributes["age"], int)


def test_patients_without_a_row_and_rows_without_a_folder_are_listed(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows, unplaced = read(root, GOOD[0], ["Severe", "Flaccid", 1, "R", "F", 40], GOOD[2])
    assert rows["Mild_Flaccid-02"].side is None
    assert listed(unplaced) == [
        ("Mild_Flaccid-02", "pat_info.xlsx has no row of its own for it", True),
        ("pat_info.xlsx", "row 3 (flaccid Severe 1) has no folder of pictures", False),
    ]
    with pytest.raises(SystemExit) as end:
        main(["data", "import", "meei", str(root), str(root.parent / "again")])
    assert end.value.code == 2
    printed = capsys.readouterr().out
    assert "\nnot placed: 1\n  " in printed
    assert "\nimported without labels: 1\n  " in printed


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        (3, "LR", "cell D2 (side) 'LR' is not left, right, bilateral or blank"),
        (3, "links", "cell D2 (side) 'links' is not left, right, bilateral or blank"),
        (3, datetime.datetime(2024, 1, 2), "cell D2 (side) is a date (2024-01-02), which Excel"),
        (4, 1, "cell E2 (gender) '1' is not a word"),
        (5, "0,5", "cell F2 (age) '0,5' is not a number, write a decimal point"),
        (5, 400, "cell F2 (age) '400' is not an age in years"),
        (5, datetime.datetime(1900, 2, 9), "cell F2 (age) is a date (1900-02-09), which Excel"),
        (5, "=1+1", "cell F2 (age) is a formula without a value; open and save it in Excel"),
    ],
)
def test_a_cell_that_cannot_be_read_is_listed(
    root: Path, column: int, value: Any, rule: str
) -> None:
    """Its label is left out; the others of the row stay."""
    line = list(GOOD[0])
    line[column] = value
    rows, unplaced = read(root, line, *GOOD[1:])
    ((name, found, imported),) = listed(unplaced)
    assert (name, imported) == ("pat_info.xlsx", True)
    assert found.startswith(rule)
    row = rows["MildFlaccid1"]
    labels = [row.side, row.attributes["gender"], row.attributes["age"]]
    expected = ["left", "F", 40]
    expected[column - 3] = None
    assert labels == expected


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        (["Mild", "Facial", 1, "R"], "row 5: 'Mild Facial' is no level (NearNormal, Mild, Mod"),
        ([None, None, 1, "R"], "row 5: '' is no level"),
        (["Mild", "Flaccid", None, "R"], "cell C5 (#) is blank"),
        (["Mild", "Flaccid", 1.5, "R"], "cell C5 (#) '1.5' is not a whole number"),
        (["Mild", "Flaccid", "1_0", "R"], "cell C5 (#) '1_0' is not a whole number"),
    ],
)
def test_a_row_that_names_no_patient_is_listed(root: Path, line: list[Any], rule: str) -> None:
    rows, unplaced = read(root, *GOOD, line)
    assert rows["MildFlaccid1"].side == "left"
    ((name, found, imported),) = listed(unplaced)
    assert (name, imported) == ("pat_info.xlsx", False)
    assert found.startswith(rule)


def test_two_rows_of_one_patient_give_no_label(root: Path) -> None:
    rows, unplaced = read(root, *GOOD, ["Mild", "Flaccid", "01", "R", "F", 40])
    assert rows["MildFlaccid1"].side is None
    assert listed(unplaced) == [
        ("pat_info.xlsx", "rows 2, 5 name the same patient; keep one", False),
        ("MildFlaccid1", "pat_info.xlsx has no row of its own for it", True),
    ]


def test_two_folders_of_one_patient_get_no_label(root: Path) -> None:
    folder = root / "Flaccid" / "MildFlaccid" / "MildFlaccid01"
    (root / "Flaccid" / "MildFlaccid" / "MildFlaccid1").rename(folder)
    other = folder.with_name("Flaccid Mild 1")
    other.mkdir()
    (folder / "MildFlaccid1_6.png").rename(folder / "a_6.png")
    (other / "a_6.png").write_bytes((folder / "a_6.png").read_bytes())
    rows, unplaced = read(root, *GOOD)
    assert rows["MildFlaccid01"].side is rows["Flaccid Mild 1"].side is None
    rule = "another folder is named after the same patient; rename one"
    assert listed(unplaced) == [("Flaccid Mild 1", rule, True), ("MildFlaccid01", rule, True)]


def test_two_folders_are_not_one_subject(root: Path) -> None:
    """Their pictures would share a name in the manifest, and a split."""
    folder = root / "Flaccid" / "MildFlaccid" / "mild-flaccid1"
    folder.mkdir()
    picture = root / "Flaccid" / "MildFlaccid" / "MildFlaccid1" / "MildFlaccid1_6.png"
    (folder / "x_6.png").write_bytes(picture.read_bytes())
    rows, unplaced = import_dataset("meei", root, root.parent / "out")
    assert len(rows) == len({row.subject_id for row in rows}) == 4
    assert [item.path for item in unplaced] == [folder / "x_6.png"]
    assert unplaced[0].rule.endswith("MildFlaccid1 would be the same patient; rename one folder")


def test_a_healthy_person_has_no_side(root: Path) -> None:
    normal = ["Normal", "Normal", 1, "L", "F", 30]
    rows, unplaced = read(root, *GOOD, normal)
    assert (rows["Normal1"].side, rows["Normal1"].attributes["age"]) == (None, 30)
    rule = "cell D5 (side) 'L' is the side of a healthy person; clear it"
    assert listed(unplaced) == [("pat_info.xlsx", rule, True)]


@pytest.mark.parametrize(
    ("level", "name", "number"),
    [
        ("Mild", "MildFlaccid1", "1"),
        ("Mild", "Flaccid_Mild 010", "10"),
        ("Mild", "Mild-7", "7"),
        ("NearNormal", "NearNormalFlaccid0", "0"),
        ("Mild", "7", "7"),
        ("Mild", "P7", None),
        ("Mild", "SevereFlaccid7", None),
        ("Mild", "Mild2Flaccid7", None),
        ("Mild", "MildFlaccid", None),
        ("Mild", "MildFlaccid7b", None),
    ],
)
def test_names_of_folders(level: str, name: str, number: str | None) -> None:
    expected = None if number is None else Patient("flaccid", level, number)
    assert patient_of("flaccid", level, name) == expected


def test_other_tables_of_that_name(root: Path) -> None:
    (root / "Pat_Info.csv").write_text("Sub-category;Category;#;Side\nMild;Flaccid;1;L\n")
    rows, _ = import_dataset("meei", root, root.parent / "out")
    assert [row.side for row in rows if "MildFlaccid1" in row.file_name] == ["left"]
    (root / "pat_info.xls").touch()
    with pytest.raises(InputError, match=r"MEEI: holds Pat_Info\.csv, pat_info\.xls; keep one"):
        import_dataset("meei", root, root.parent / "again")
    (root / "Pat_Info.csv").unlink()
    with pytest.raises(InputError, match=r"pat_info\.xls: \.xls is not read; save it as \.xlsx"):
        import_dataset("meei", root, root.parent / "again")
