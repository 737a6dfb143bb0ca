"""Tables of other programs: what is read, and what is refused with its place."""

from __future__ import annotations

import datetime
import re
import zipfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from palsynth.errors import InputError
from palsynth.tables import read_table, text, workbook

Rows = list[tuple[int, dict[str, str]]]


def rows(path: Path, *required: str) -> Rows:
    return [(row.line, dict(row.cells)) for row in read_table(path, required).rows]


TEXTS: dict[str, tuple[bytes, Rows]] = {
    "plain": (b"a,b\n1,x\n", [(2, {"a": "1", "b": "x"})]),
    "mark": (b"\xef\xbb\xbfa,b\n1,x\n", [(2, {"a": "1", "b": "x"})]),
    "utf-16": ("a\tb\n1\tü\n".encode("utf-16"), [(2, {"a": "1", "b": "ü"})]),
    "utf-16-be": (b"\xfe\xff" + "a,b\n1,ü\n".encode("utf-16-be"), [(2, {"a": "1", "b": "ü"})]),
    "windows-1252": (b"a;b\n1;M\xfcller\x80\n", [(2, {"a": "1", "b": "Müller€"})]),
    "semicolons": (b"a;b\r\n1;0,5\r\n", [(2, {"a": "1", "b": "0,5"})]),
    "tabs": (b"a\tb\n1\tx;y,z\n", [(2, {"a": "1", "b": "x;y,z"})]),
    "commas in quotes": (b'"a";"b"\n"1,2";"x"\n', [(2, {"a": "1,2", "b": "x"})]),
    "required columns decide": (b"a,b;c\n1,x\n", [(2, {"a": "1", "b;c": "x"})]),
    "stated": (b"sep=;\na;b\n1;x\n", [(3, {"a": "1", "b": "x"})]),
    "one column": (b"a\n1\n2\n", [(2, {"a": "1"}), (3, {"a": "2"})]),
    "old line ends": (b"a,b\r1,x\r", [(2, {"a": "1", "b": "x"})]),
    "trailing": (b"a,b,,\n1,x,,\n,,,\n\n , \n", [(2, {"a": "1", "b": "x"})]),
    "blank first": (b"\n\na,b\n1,x\n", [(4, {"a": "1", "b": "x"})]),
    "short rows": (b"a,b\n1\n,x\n", [(2, {"a": "1"}), (3, {"b": "x"})]),
    "words": (b"a,b\nnan,None\n", [(2, {"a": "nan", "b": "None"})]),
    "space": (b'a , "b"\n 1 ,\xc2\xa0x\n', [(2, {"a": "1", "b": "x"})]),
    "line break": (b'a,b\n1,"x\ny"\n,z\n', [(2, {"a": "1", "b": "x\ny"}), (4, {"b": "z"})]),
    "column called 1": (b"A,1\n1,x\n", [(2, {"a": "1", "1": "x"})]),
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_texts(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "t.csv"
    data, expected = TEXTS[name]
    path.write_bytes(data)
    assert rows(path, "a") == expected
    note = f"note: {path}: not UTF-8; read as Windows-1252\n" if name == "windows-1252" else ""
    assert capsys.readouterr().err == note


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", ": column a is missing; it is empty"),
        (b"b,c\n1,2\n", ": column a is missing; its columns are b, c"),
        (b"a|b\n1|2\n", ": column a is missing; its columns are a|b"),
        (b"a x,b;c\n1,2\n", ": its header has commas or semicolons; separate the columns by one"),
        (b"a,b\n1,2,3\n", ":2: cell 3 ('3') has no column name in the header (line 1); name"),
        (b"a,,b\n1,2,3\n", ":2: cell 2 ('2') has no column name in the header (line 1)"),
        (b"a,b\n0,5,1\n", ":2: cell 3 ('1') has no column name"),
        (b"a;b, c\n1;2\n3;4;5\n", ":3: cell 3 ('5') has no column name"),
        (b"a,B,b\n1,2,3\n", ": two columns are called 'b'; rename one"),
        ("a,é,e\u0301\n1,2,3\n".encode(), ": two columns are called"),
        (b'a,b\n1,"2\n3,4\n', ":2: unexpected end of data; check its quotation marks"),
        (b"a,b\n1,2\n1," + b"x" * 200_000, ":3: field larger than field limit (131072); check"),
        (b"a,b\n1,\0\n", ":2: has a NUL byte; save it as CSV (UTF-8)"),
        (b"a\0,\0b\0\n\0", ":1: has a NUL byte; save it as CSV (UTF-8)"),
        (b"a,b\n\xc3\xbc,\xfc\n", ":2: is neither UTF-8 nor Windows-1252; save it as CSV"),
        (b"a,b\n\x81,\xfc\n", ":2: is neither UTF-8 nor Windows-1252; save it as CSV"),
        (b"\xff\xfea", ": is damaged (utf-16); save it as CSV (UTF-8)"),
        (b"PK\x03\x04", ": is a workbook, not text; save it as .xlsx and call it so"),
    ],
)
def test_faults_of_texts(tmp_path: Path, data: bytes, fault: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(data)
    with pytest.raises(InputError) as error:
        read_table(path, ["a"])
    assert str(error.value).startswith(f"{path}{fault}")
    assert "\n" not in str(error.value)


def test_texts_that_are_no_files_or_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match=r"t\.csv: cannot be read \(No such file"):
        read_table(tmp_path / "t.csv")
    (tmp_path / "t.csv").mkdir()
    with pytest.raises(InputError, match=r"t\.csv: is not a file"):
        read_table(tmp_path / "t.csv")
    (tmp_path / "u.csv").write_text("a\n1\n")
    monkeypatch.setattr(text, "MAX_BYTES", 3)
    with pytest.raises(InputError, match=r"u\.csv: is too large"):
        read_table(tmp_path / "u.csv")


def test_cells_say_where_they_are(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('a;b\n1;"0,5"\n;1e3\n#N/A;inf\n;N/A\n')
    decimal, blank, error, unknown = read_table(path, ["a"], ["B", "c"]).rows
    assert (decimal.required("a"), decimal.number("a"), decimal.text("c")) == ("1", 1.0, None)
    assert (blank.text("a"), blank.number("a"), blank.number("B")) == (None, None, 1000.0)
    assert unknown.number("B") is None
    for call, fault in (
        (lambda: decimal.number("B"), ":2: B '0,5' is not a number, write a decimal point"),
        (lambda: blank.required("a"), ":3: a is blank"),
        (lambda: error.text("a"), ":4: a holds the error #N/A; type the value, or clear the cell"),
        (lambda: error.number("B"), ":4: B 'inf' is not a number"),
    ):
        with pytest.raises(InputError) as raised:
            call()
        assert str(raised.value) == f"{path}{fault}"


def test_rows_by_a_column_that_must_be_filled_and_differ(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,x\n2,y\n")
    assert list(read_table(path).by("a")) == ["1", "2"]
    path.write_text("a,b\n1,x\n1,y\n")
    with pytest.raises(InputError, match=r"t\.csv:3: a '1' stands in line 2 too"):
        read_table(path).by("a")
    path.write_text("a,b\n,x\n")
    with pytest.raises(InputError, match=r"t\.csv:2: a is blank"):
        read_table(path).by("a")


def book(path: Path, *lines: list[Any], merged: Sequence[str] = ()) -> Path:
    made = Workbook()
    for line in lines:
        made.active.append(line)
    for cells in merged:
        made.active.merge_cells(cells)
    made.save(path)
    return path


def edited(path: Path, pattern: bytes, new: bytes, part: str = "xl/worksheets/sheet1.xml") -> None:
    """Changes a part of a workbook as another program would have written it."""
    packed = BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(packed, "w") as out:
        for item in old.infolist():
            data = old.read(item)
            if item.filename == part:
                data, count = re.subn(pattern, new, data)
                assert count, pattern
            out.writestr(item, data)
    path.write_bytes(packed.getvalue())


def test_a_workbook(tmp_path: Path) -> None:
    path = book(
        tmp_path / "t.xlsx",
        ["Patients of the year"],
        [],
        ["A", " b", 1, None, "when"],
        [1.0, "x ", 0.1 + 0.2, None, datetime.datetime(2024, 5, 1)],
        [None, None, None],
        [True, "01", 10],
    )
    table = read_table(path, ["a"], ["B"])
    assert table.columns == ("a", "B", "1", "when")
    first, second = table.rows
    assert [first.text(c) for c in ("a", "B", "1")] == ["1", "x", "0.3"]
    assert [second.text(c) for c in ("a", "B", "1", "when")] == ["TRUE", "01", "10", None]
    with pytest.raises(InputError) as error:
        first.text("when")
    assert str(error.value).startswith(f"{path}: cell E4 (when) is a date (2024-05-01), which ")


def test_numbers_as_other_programs_write_them(tmp_path: Path) -> None:
    path = book(tmp_path / "t.xlsx", ["a"], [1], [10])
    edited(path, rb"<v>(1|10)</v>", rb"<v>\1.0</v>")
    assert rows(path, "a") == [(2, {"a": "1"}), (3, {"a": "10"})]


def test_the_stated_size_of_a_sheet_does_not_count(tmp_path: Path) -> None:
    path = book(tmp_path / "t.xlsx", ["a", "b"], [1, 2])
    edited(path, rb'<dimension ref="[^"]*"', rb'<dimension ref="A1"')
    assert rows(path, "a", "b") == [(2, {"a": "1", "b": "2"})]


def test_merged_cells_give_their_value_to_all(tmp_path: Path) -> None:
    lines = ["a", "b", "c"], ["x", 1], [None, 2], [None, 3]
    path = book(tmp_path / "t.xlsx", *lines, merged=["A2:A4", "B4:C4"])
    edited(path, b"A2:A4", b"A2:A1048576")
    expected = [(2, {"a": "x", "b": "1"}), (3, {"a": "x", "b": "2"})]
    assert rows(path, "a", "b") == [*expected, (4, {"a": "x", "b": "3", "c": "3"})]


def test_a_value_hidden_in_merged_cells_is_refused(tmp_path: Path) -> None:
    path = book(tmp_path / "t.xlsx", ["a"], ["x"], ["y"])
    edited(path, b"</sheetData>", b'</sheetData><mergeCells><mergeCell ref="A2:A3"/></mergeCells>')
    first, second = read_table(path, ["a"]).rows
    assert first.text("a") == "x"
    with pytest.raises(InputError, match=r"cell A3 \(a\) hides a value in merged cells; unmerge"):
        second.text("a")


@pytest.mark.parametrize(
    ("value", "expected"), [(b"<v>2</v>", "2"), (b"<v>0.5</v>", "0.5"), (b"<v></v>", None)]
)
def test_formulas_give_the_value_beside_them(
    tmp_path: Path, value: bytes, expected: str | None
) -> None:
    path = book(tmp_path / "t.xlsx", ["a", "b"], ["=1+1", "x"])
    edited(path, rb"</f><v ?/?>(</v>)?", b"</f>" + value)
    (row,) = read_table(path, ["a"]).rows
    if expected is None:
        with pytest.raises(InputError, match=r"cell A2 \(a\) is a formula without a value; open"):
            row.text("a")
    else:
        assert row.text("a") == expected


def test_a_formula_whose_value_is_an_empty_text_is_blank(tmp_path: Path) -> None:
    path = book(tmp_path / "t.xlsx", ["a", "b"], ['=""', "x"])
    edited(path, rb'r="A2"([^>]*)>', rb'r="A2" t="str"\1>')
    assert rows(path, "a") == [(2, {"b": "x"})]


def test_errors_and_numbers_without_end_are_refused(tmp_path: Path) -> None:
    path = book(tmp_path / "t.xlsx", ["a", "b"], ["#N/A", 1])
    edited(path, rb"<v>1</v>", rb"<v>1e999</v>")
    (row,) = read_table(path, ["a"]).rows
    with pytest.raises(InputError, match=r"cell A2 \(a\) holds the error #N/A; type the value"):
        row.text("a")
    with pytest.raises(InputError, match=r"cell B2 \(b\) is not a finite number"):
        row.text("b")


def sheets(path: Path, **columns: str) -> Path:
    made = Workbook()
    made.remove(made.active)
    for title, names in columns.items():
        made.create_sheet(title).append(list(names))
        made[title].append([title] * len(names))
    made.save(path)
    return path


def test_the_sheet_is_the_one_with_the_columns(tmp_path: Path) -> None:
    path = sheets(tmp_path / "t.xlsx", notes="n", data="ab", more="a")
    assert rows(path, "a", "b") == [(2, {"a": "data", "b": "data"})]
    with pytest.raises(InputError, match=r"t\.xlsx: sheets 'data', 'more' have the same columns"):
        read_table(path, ["a"])
    with pytest.raises(InputError, match=r"column c is missing; its columns are a, b"):
        read_table(path, ["a", "b", "c"])


def test_hidden_sheets_are_not_read(tmp_path: Path) -> None:
    path = sheets(tmp_path / "t.xlsx", old="ab", new="ab", notes="n")
    edited(path, b'name="old"( sheetId="1") state="visible"', rb'name="old"\1 state="hidden"',
           "xl/workbook.xml")  # fmt: skip
    assert rows(path, "a", "b") == [(2, {"a": "new", "b": "new"})]
    edited(path, b'name="new"( sheetId="2") state="visible"', rb'name="new"\1 state="veryHidden"',
           "xl/workbook.xml")  # fmt: skip
    with pytest.raises(InputError, match=r"t\.xlsx: the sheet 'old' is hidden; unhide it"):
        read_table(path, ["a"])
    with pytest.raises(InputError, match=r"column a, c is missing; its columns are n$"):
        read_table(path, ["a", "c"])


def test_cells_beside_the_table_are_refused(tmp_path: Path) -> None:
    path = book(tmp_path / "t.xlsx", ["a"], [1, None, "see B"])
    with pytest.raises(InputError, match=r"t\.xlsx:2: cell C2 \('see B'\) has no column name"):
        read_table(path, ["a"])


def test_what_is_no_workbook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = book(tmp_path / "good.xlsx", ["a"])
    damaged = tmp_path / "damaged.xlsx"
    damaged.write_bytes(good.read_bytes())
    edited(damaged, b"<sheetData>.*", b"<sheetData><row r='x'>")
    (tmp_path / "text.xlsx").write_text("a,b\n")
    (tmp_path / "password.xlsx").write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 600)
    for name in ("old.xls", "open.ods"):
        (tmp_path / name).write_bytes(b"\0" * 100)
    for name, fault in (
        ("damaged.xlsx", "not an Excel file ("),
        ("text.xlsx", "not an Excel file (File is not a zip file); save it as .xlsx again"),
        ("password.xlsx", "has a password, or is an old .xls; save it without one as .xlsx"),
        ("old.xls", ".xls is not read; save it as .xlsx"),
        ("open.ods", ".ods is not read; save it as .xlsx"),
        ("none.xlsx", "cannot be read (No such file or directory)"),
    ):
        with pytest.raises(InputError) as error:
            read_table(tmp_path / name)
        assert str(error.value).startswith(f"{tmp_path / name}: {fault}")
        assert "\n" not in str(error.value)
    assert rows(good, "a") == []
    monkeypatch.setattr(workbook, "MAX_UNPACKED", 1000)
    with pytest.raises(InputError, match=r"good\.xlsx: unpacks to 0 MB, more than 0; keep only"):
        read_table(good)


def _saved(tmp_path: Path, book: Workbook) -> Path:
    path = tmp_path / "t.xlsx"
    book.save(path)
    return path


@pytest.mark.parametrize("number_format", ["0%", "0.00%", '0.0" p"%', "[Red]0%;0%"])
def test_a_number_in_percent_is_not_the_number_that_the_sheet_shows(
    tmp_path: Path, number_format: str
) -> None:
    book = Workbook()
    sheet: Any = book.active
    sheet.append(["a", "b"])
    sheet.append([1, 0.4])
    sheet["B2"].number_format = number_format
    (row,) = read_table(_saved(tmp_path, book)).rows
    assert (row.text("a"), row.faults["b"].split(";")[0]) == ("1", "is in percent")


@pytest.mark.parametrize("number_format", ["General", "0.00", '0" %"', "0\\%", "@"])
def test_other_formats_leave_a_number_as_it_is(tmp_path: Path, number_format: str) -> None:
    book = Workbook()
    sheet: Any = book.active
    sheet.append(["a"])
    sheet.append([0.4])
    sheet["A2"].number_format = number_format
    assert rows(_saved(tmp_path, book)) == [(2, {"a": "0.4"})]


def test_a_carriage_return_of_excel_is_space(tmp_path: Path) -> None:
    book = Workbook()
    sheet: Any = book.active
    sheet.append(["a", "b"])
    sheet.append(["left_x000D_", "x_x000D_\ny"])
    assert rows(_saved(tmp_path, book)) == [(2, {"a": "left", "b": "x\r\ny"})]


def test_strict_open_xml_is_refused_not_empty(tmp_path: Path) -> None:
    book = Workbook()
    sheet: Any = book.active
    sheet.append(["a"])
    path = _saved(tmp_path, book)
    with zipfile.ZipFile(path) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    usual = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    with zipfile.ZipFile(path, "w") as package:
        for name, part in parts.items():
            package.writestr(
                name, part.replace(usual, b"http://purl.oclc.org/ooxml/spreadsheetml/main")
            )
    with pytest.raises(InputError, match=r"Strict Open XML'; save it as 'Excel Workbook"):
        read_table(path, ["a"])
