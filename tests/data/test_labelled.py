"""Label files of other programs: blank and unreadable cells are listed, never taken for labels."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import numpy as np
import pytest
from openpyxl import Workbook
from PIL import Image

from palsynth.data.importers import import_dataset
from palsynth.data.manifest import Row
from palsynth.errors import InputError

COLUMNS = "columns: {file_name: file, subject_id: subject, side: side, yanagihara_item: 1}\n"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    image = Image.fromarray(np.zeros((40, 40, 3), np.uint8))
    for name in ("P1/a.png", "P1/b.png", "P2/c.png"):
        path = tmp_path / "src" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path)
    return tmp_path / "src"


def read(source: Path, labels: str) -> tuple[list[Row], dict[str, str]]:
    mapping = source / "map.yaml"
    mapping.write_text(f"labels: {labels}\n{COLUMNS}values: {{side: {{L: left, R: right}}}}\n")
    rows, unplaced = import_dataset("folder", source, source.parent / "out", mapping)
    return rows, {item.path.name: item.rule.replace(f"{source}/", "") for item in unplaced}


ROWS = [Row("P1/a.png", "Müller", side="left", yanagihara_item=2), Row("P1/b.png", "Müller"),
        Row("P2/c.png", "2", side="right")]  # fmt: skip


TEXTS = (
    ("File,Subject,Side,1\nP1/a.png,Müller,L,2\nP1/b.png,Müller,,\nP2/c.png,2,R,\n,,,\n", "utf-8"),
    ("file;subject;side;1\r\nP1/a.png;Müller;L;2.0\r\nP1/b.png;Müller\r\nP2/c.png;2;R;", "cp1252"),
    ("file\tsubject\tside\t1\nP1/a.png\t Müller\tL\t2\nP1/b.png\tMüller\nP2/c.png\t2\tR", "utf-16"),
)


@pytest.mark.parametrize(("text", "encoding"), TEXTS)
@pytest.mark.parametrize("name", ["labels.csv", "labels.tsv"])
def test_text_of_other_programs(source: Path, text: str, encoding: str, name: str) -> None:
    (source / name).write_bytes(text.encode(encoding))
    rows, unplaced = read(source, name)
    assert not unplaced
    assert [(r.file_name, r.subject_id, r.side, r.yanagihara_item) for r in rows] == [
        (r.file_name, r.subject_id, r.side, r.yanagihara_item) for r in ROWS
    ]


def test_blank_cells_are_listed(source: Path) -> None:
    (source / "l.csv").write_text(
        "file,subject,side,1\nP1/a.png,,L,2\nP1/b.png,1,#N/A,\n,2,R,\nP2/c.png,2,R,\n"
    )
    rows, unplaced = read(source, "l.csv")
    assert [row.file_name for row in rows] == ["P2/c.png"]
    assert unplaced == {
        "a.png": "l.csv:2: subject is blank",
        "b.png": "l.csv:3: side holds the error #N/A; type the value, or clear the cell",
        "l.csv": "l.csv:4: file is blank",
    }


def test_blank_values_of_json_lines_are_listed(source: Path) -> None:
    lines = [
        {"file": "P1/a.png", "subject": None, "side": "L", "1": 2},
        {"file": "P1/b.png", "subject": ["x"], "side": None, "1": None},
        {"file": " ", "subject": 2, "side": "R", "1": None},
        {"file": "P2/c.png", "subject": 2.0, "side": "R", "1": 2},
    ]
    (source / "l.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    rows, unplaced = read(source, "l.jsonl")
    assert [(r.file_name, r.subject_id, r.yanagihara_item) for r in rows] == [("P2/c.png", "2", 2)]
    assert unplaced == {
        "a.png": "l.jsonl:1: subject is blank",
        "b.png": "l.jsonl:2: subject must be text or a number, not a list",
        "l.jsonl": "l.jsonl:3: file is blank",
    }


def test_a_workbook_of_labels(source: Path) -> None:
    book = Workbook()
    book.active.append(["Read me"])
    sheet = book.create_sheet("labels")
    for line in (
        ["Labels"],
        ["file", "subject", "side", 1],
        ["P1/a.png", 1.0, "L", 2],
        ["P1/b.png", datetime.datetime(2024, 2, 1), "L", 2],
        ["P2/c.png", 10, "R", None],
    ):
        sheet.append(line)
    book.save(source / "l.xlsx")
    rows, unplaced = read(source, "l.xlsx")
    assert [(r.subject_id, r.side, r.yanagihara_item) for r in rows] == [
        ("1", "left", 2),
        ("10", "right", None),
    ]
    assert list(unplaced) == ["b.png"]
    assert unplaced["b.png"].startswith("l.xlsx: cell B4 (subject) is a date (2024-02-01), which")


def test_a_row_longer_than_the_header_stops_the_import(source: Path) -> None:
    (source / "l.csv").write_text("file,subject,side,1\nP1/a.png,1,L,2,x\n")
    with pytest.raises(InputError, match=r"l\.csv:2: cell 5 \('x'\) has no column name"):
        read(source, "l.csv")
    assert not (source.parent / "out").exists()


def test_columns_of_a_mapping_are_names(source: Path) -> None:
    (source / "m.yaml").write_text("labels: l.csv\ncolumns: {file_name: [a], subject_id: null}\n")
    with pytest.raises(InputError, match=r"columns\.file_name must be the name of a column"):
        import_dataset("folder", source, source.parent / "out", source / "m.yaml")
