"""Mappings of labels, and labels in JSON lines, that mean something else or nothing at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from palsynth.data.importers import import_dataset
from palsynth.errors import InputError

COLUMNS = "labels: x\ncolumns: {file_name: f, subject_id: s}\n"


@pytest.fixture
def clinic(tmp_path: Path) -> Path:
    root = tmp_path / "clinic"
    for number, name in enumerate(("p1/a.jpg", "p1/b.jpg", "p2/c.jpg")):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((64, 64, 3), number, np.uint8)).save(root / name)
    return root


def fault(clinic: Path, mapping: str, name: str = "m.yaml") -> str:
    (clinic / name).write_text(mapping)
    with pytest.raises(InputError) as error:
        import_dataset("folder", clinic, clinic.parent / "out", clinic / name)
    assert not (clinic.parent / "out").exists()
    assert "\n" not in str(error.value)
    return str(error.value)


def test_words_and_numbers_of_a_mapping_are_taken_as_written(clinic: Path, tmp_path: Path) -> None:
    """``Yes`` and ``01`` are no boolean and no 1, and a column may be called 1."""
    (clinic / "l.csv").write_text("f,1,used,score\np1/a.jpg,7,Yes,01\np2/c.jpg,8,No,2\n")
    (clinic / "m.yaml").write_text(
        "labels: l.csv\n"
        "columns: {file_name: f, subject_id: 1, split: used, yanagihara_item: score}\n"
        "values:\n  split: {Yes: train, No: test}\n  yanagihara_item: {01: 4, 1: 0}\n"
    )
    rows, _ = import_dataset("folder", clinic, tmp_path / "out", clinic / "m.yaml")
    assert [(r.subject_id, r.split, r.yanagihara_item) for r in rows] == [
        ("7", "train", 4),
        ("8", "test", 2),
    ]


def test_a_value_that_is_null_is_unknown(clinic: Path, tmp_path: Path) -> None:
    (clinic / "l.jsonl").write_text('{"f": "p1/a.jpg", "s": 7, "palsied": true, "side": "x"}\n')
    (clinic / "m.json").write_text(
        '\ufeff{"labels": "l.jsonl", "columns": {"file_name": "f", "subject_id": "s", '
        '"split": "palsied", "side": "side"},\n\t"values": {"split": {"true": "test"}, '
        '"side": {"x": null}}}'
    )
    [row], _ = import_dataset("folder", clinic, tmp_path / "out", clinic / "m.json")
    assert (row.subject_id, row.split, row.side) == ("7", "test", None)


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ("", "m.yaml: is empty"),
        ("[closed]", "m.yaml: not a mapping file (holds a list)"),
        ("word", "m.yaml: not a mapping file (holds text)"),
        ("labels: [x]\ncolumns: {file_name: y}\n", "a mapping needs 'labels' (a file)"),
        ("labels: x\ncolumns: null\n", "a mapping needs 'labels' (a file) and 'columns'"),
        ("labels: x\ncolumns: {file_name: null, subject_id: s}\n",
         "columns.file_name must be the name of a column, not nothing; write text, in quotes"),
        ("labels: x\ncolumns: {file_name: [f], subject_id: s}\n", "name of a column, not a list"),
        ("labels: x\ncolumns: {file_name: f, subject_id: 1.5}\n", "of a column, not a number"),
        ("labels: x\ncolumns: {file_name: f, subject_id: true}\n", "column, not true or false"),
        (COLUMNS + "values: {side: {L: [left]}}", "values.side.L must be one of our values"),
        (COLUMNS + "values: {side: null}", "'values' needs tables"),
        (COLUMNS + "values: {sid: {L: left}}", "no field sid; fields are file_name"),
        (COLUMNS + "values: {side: {L: left}}", "'values' has side, but 'columns' names no column"),
        (COLUMNS + "values: {split: {a: train, 'a ': test}}", "values.split: 'a' stands twice"),
        (COLUMNS, "x: cannot be read (no such file); "),
        (COLUMNS + "value: {}", "m.yaml: no key value; keys are labels, columns, values"),
        (COLUMNS + "labels: y\n", "m.yaml:3: the key 'labels' stands twice"),
        (COLUMNS + "values:\n  side: {L: left, L: right}\n", "m.yaml:4: the key 'L' stands"),
        (COLUMNS + "values: {side: {? [L] : left}}\n", "m.yaml:3: a list or a mapping stands for"),
        ('labels: "a\\0b"\n', "m.yaml:1: text with a NUL character"),
    ],
)  # fmt: skip
def test_bad_mappings(clinic: Path, mapping: str, message: str) -> None:
    assert message in fault(clinic, mapping)


def test_a_mapping_in_json_is_read_as_json(clinic: Path) -> None:
    assert "m.json:2: the key 'a' stands twice" in fault(clinic, '[\n{"a": 1, "a": 2}]', "m.json")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"f": "p1/a.jpg", "s": 1, "s": 2}', "l.jsonl:3: the key 's' stands twice"),
        ('{"f": "p1/a\\u0000.jpg", "s": 1}', "l.jsonl:3: text with a NUL character"),
        ('{"f": "p1/a.jpg"', "l.jsonl:3: not JSON"),
        ("[]", "l.jsonl:3: a row must be an object"),
    ],
)
def test_bad_jsonl_labels(clinic: Path, line: str, message: str) -> None:
    (clinic / "l.jsonl").write_text('{"f": "p1/b.jpg", "s": true}\n\n' + line + "\n")
    mapping = "labels: l.jsonl\ncolumns: {file_name: f, subject_id: s}\n"
    assert message in fault(clinic, mapping)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"f": ["a.jpg"], "s": 1}', "l.jsonl:3: f must be text or a number, not a list"),
        ('{"f": "p1/a.jpg", "s": {}}', "l.jsonl:3: s must be text or a number, not a mapping"),
    ],
)
def test_jsonl_labels_of_a_wrong_kind_are_listed(clinic: Path, line: str, message: str) -> None:
    (clinic / "l.jsonl").write_text('{"f": "p1/b.jpg", "s": true}\n\n' + line + "\n")
    (clinic / "m.yaml").write_text("labels: l.jsonl\ncolumns: {file_name: f, subject_id: s}\n")
    rows, unplaced = import_dataset("folder", clinic, clinic.parent / "out", clinic / "m.yaml")
    assert [(row.file_name, row.subject_id) for row in rows] == [("p1/b.jpg", "true")]
    assert message in [item.rule for item in unplaced]


def test_space_around_their_values_makes_no_difference(clinic: Path) -> None:
    (clinic / "l.csv").write_text("f,s,m\np1/a.jpg,p1,grin \n")
    (clinic / "m.yaml").write_text(
        "labels: l.csv\ncolumns: {file_name: f, subject_id: s, movement: m}\n"
        "values: {movement: {' grin ': rest}}\n"
    )
    rows, _ = import_dataset("folder", clinic, clinic.parent / "out", clinic / "m.yaml")
    assert [row.movement for row in rows] == ["rest"]


@pytest.mark.parametrize("score", ["1" * 30, "1" * 5000, "4.", "\u0664", "2,0"])
def test_a_score_that_is_no_number_is_listed_with_its_line(clinic: Path, score: str) -> None:
    (clinic / "l.csv").write_text(f'f,s,y\np1/a.jpg,p1,"{score}"\np1/b.jpg,p1,2.0\n', "utf-8")
    (clinic / "m.yaml").write_text(
        "labels: l.csv\ncolumns: {file_name: f, subject_id: s, yanagihara_item: y}\n"
    )
    rows, unplaced = import_dataset("folder", clinic, clinic.parent / "out", clinic / "m.yaml")
    assert [(row.file_name, row.yanagihara_item) for row in rows] == [("p1/b.jpg", 2)]
    assert f"l.csv:2: yanagihara_item '{score[:30]}" in unplaced[0].rule
    assert len(unplaced[0].rule) < 150
