"""Photographs are identified by names and contents; their people by two tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from palsynth.errors import InputError
from palsynth.face.photographs import (
    PhotographedSubject,
    photographs_sha256,
    read_subjects,
    reported,
)


def test_other_photographs_have_another_hash(tmp_path: Path) -> None:
    for name in ("neutral/a.jpg", "smiling/a.jpg"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"12")
    first = photographs_sha256(tmp_path)
    (tmp_path / "notes.txt").touch()
    assert photographs_sha256(tmp_path) == first
    (tmp_path / "smiling" / "a.jpg").write_bytes(b"123")
    longer = photographs_sha256(tmp_path)
    (tmp_path / "smiling" / "a.jpg").rename(tmp_path / "smiling" / "b.jpg")
    renamed = photographs_sha256(tmp_path)
    (tmp_path / "split.csv").write_text("face_id,split\n")
    tables = photographs_sha256(tmp_path)
    (tmp_path / "smiling" / "b.jpg").rename(tmp_path / "neutral" / "b.jpg")
    (tmp_path / "neutral" / "a.jpg").rename(tmp_path / "smiling" / "a.jpg")
    assert len({first, longer, renamed, tables, photographs_sha256(tmp_path)}) == 5


def test_tables_of_other_programs(tmp_path: Path) -> None:
    (tmp_path / "split.csv").write_bytes(b"\xef\xbb\xbfFace_ID;Split\r\n001;Train\r\n002;\r\n;\r\n")
    (tmp_path / "info.csv").write_text("face_id,age,gender,ethnicity\n001,24.5,female,\n003,,,\n")
    (subject,) = read_subjects(tmp_path, "train")
    assert subject == PhotographedSubject(tmp_path, "001", "train", 24.5, "female", "")
    assert {name: s.split for name, s in reported(tmp_path).items()} == {
        "001": "train",
        "002": "",
        "003": "",
    }


@pytest.mark.parametrize(
    ("split", "info", "fault"),
    [
        ("face_id,split\n1,train\n1,test\n", "", "split.csv:3: face_id '1' stands in line 2 too"),
        ("face_id,split\n1,train\n,test\n", "", "split.csv:3: face_id is blank"),
        ("face_id,split\n1,train\n", "name,age\n1,2\n", "info.csv: column face_id is missing"),
        ("face_id,split\n1,train\n", 'face_id,age\n1,"2,5"\n', "info.csv:2: age '2,5' is not a nu"),
    ],
)
def test_faults_of_tables(tmp_path: Path, split: str, info: str, fault: str) -> None:
    (tmp_path / "split.csv").write_text(split)
    if info:
        (tmp_path / "info.csv").write_text(info)
    for read in (lambda: read_subjects(tmp_path, "train"), lambda: reported(tmp_path)):
        with pytest.raises(InputError) as error:
            read()
        assert str(error.value).startswith(f"{tmp_path}/{fault}")


def test_photographs_of_the_same_sizes_have_another_hash(tmp_path: Path) -> None:
    for name in ("neutral/a.jpg", "smiling/a.jpg"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"12")
    first = photographs_sha256(tmp_path)
    (tmp_path / "smiling" / "a.jpg").write_bytes(b"21")
    assert photographs_sha256(tmp_path) != first


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["../1"], "../1 is a path; give a name"),
        (["/etc/1"], "/etc/1 is a path"),
        (["a", "A"], "A and a are one file on some systems"),
        (["x" * 300], "has a part of more than 255 bytes"),
        (["linked"], "linked leads out of"),
    ],
)
def test_names_in_a_table_are_those_of_photographs(
    tmp_path: Path, names: list[str], message: str
) -> None:
    (tmp_path / "set" / "neutral").mkdir(parents=True)
    (tmp_path / "set" / "neutral" / "linked.jpg").symlink_to(tmp_path / "private.jpg")
    rows = "".join(f"{name},train\n" for name in ["1", *names])
    (tmp_path / "set" / "split.csv").write_text(f"face_id,split\n../of-another,test\n{rows}")
    with pytest.raises(InputError) as error:
        read_subjects(tmp_path / "set", "train")
    assert str(error.value).startswith(f"{tmp_path}/set/split.csv: face_id: ")
    assert message in str(error.value)
