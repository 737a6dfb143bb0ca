"""A folder holds what its record says, and nothing of other settings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from palsynth.errors import InputError
from palsynth.records import (
    EXCERPT,
    LEDGER,
    Ledger,
    claim_folder,
    files_sha256,
    first_difference,
    flattened,
)

RECORD = {"method": "b", "settings": {"steps": 5, "framing": "portrait"}, "size": 64}


def claim(folder: Path, record: dict[str, Any], **options: Any) -> None:
    claim_folder(folder / "r.json", record, "other pictures", "give another --out", **options)


def refusal(folder: Path, record: dict[str, Any], **options: Any) -> str:
    with pytest.raises(InputError) as error:
        claim(folder, record, **options)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_new_folder_gets_the_record_and_an_equal_one_is_accepted(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    claim(folder, RECORD)
    assert [path.name for path in folder.iterdir()] == ["r.json"]
    text = (
        '{\n "method": "b",\n "settings": {\n  "steps": 5,\n  "framing": "portrait"\n },\n'
        ' "size": 64\n}\n'
    )
    assert (folder / "r.json").read_text() == text
    (folder / "picture.png").touch()
    claim(folder, dict(reversed(RECORD.items())))
    assert (folder / "r.json").read_text() == text, "it is left as it is"
    claim(tmp_path / "sorted", RECORD, sort_keys=True)
    assert (tmp_path / "sorted" / "r.json").read_text().index("framing") < text.index("steps") + 9


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"method": "a", "size": 65}, 'method is "b", not "a"'),
        ({"settings": {"steps": 5, "framing": "x"}}, 'settings.framing is "portrait", not "x"'),
        ({"settings": {"framing": "portrait", "steps": True}}, "settings.steps is 5, not true"),
        ({"size": 64.0}, "size is 64, not 64.0"),
        ({"seed": None}, "seed is missing, not null"),
        ({"settings": {"steps": 5}}, 'settings.framing is "portrait", not missing'),
    ],
)
def test_another_record_is_refused_by_its_first_difference(
    tmp_path: Path, change: dict[str, Any], text: str
) -> None:
    claim(tmp_path, RECORD)
    before = (tmp_path / "r.json").read_bytes()
    wanted = f"{tmp_path}: holds other pictures: {text}; give another --out"
    assert refusal(tmp_path, {**RECORD, **change}) == wanted
    assert (tmp_path / "r.json").read_bytes() == before


def test_long_values_are_cut_around_their_difference() -> None:
    shared = "x" * 200
    change = first_difference({"a": f"{shared}one{shared}"}, {"a": f"{shared}two\n{shared}"})
    assert change is not None
    assert change[1].startswith("…xxx")
    assert "xxxonexxx" in change[1]
    assert r"xxxtwo\nxxx" in change[2]
    assert max(map(len, change[1:])) == EXCERPT + 2
    change = first_difference({"a": shared}, {"a": shared + "y"})
    assert change is not None
    assert change[1:] == ("…" + "x" * 59 + '"', "…" + "x" * 58 + 'y"')
    assert first_difference({"a": shared}, {"a": shared}) is None


def test_nested_fields_have_dotted_names() -> None:
    nested = {"a": {"b": {"c": 1}, "d": [{"e": 2}]}, "f": {}}
    assert flattened(nested) == {"a.b.c": 1, "a.d": [{"e": 2}], "f": {}}
    assert first_difference({"f": {}}, {}) == ("f", "{}", "missing")


@pytest.mark.parametrize(
    "content", [b"", b'{"method": "b", "se', b"[]", b"\xff\x00", b"[" * 100_000]
)
def test_a_damaged_record_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "r.json").write_bytes(content)
    fault = refusal(tmp_path, RECORD)
    assert fault.startswith(f"{tmp_path / 'r.json'}: the record is damaged (")
    assert fault.endswith("; give another --out")
    assert (tmp_path / "r.json").read_bytes() == content


def test_a_folder_with_foreign_content_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".r.json.0123.partial.json").touch()  # a kill left it
    (tmp_path / "shard-1.npy").touch()
    fault = refusal(tmp_path, RECORD)
    assert fault == (
        f"{tmp_path}: is not empty; give a new folder (shard-1.npy is there, but no r.json that "
        "says what it was made with)"
    )
    assert not (tmp_path / "r.json").exists()
    assert "shard-1.npy is there" in refusal(tmp_path, RECORD, foreign=["a", "shard-*"])
    claim(tmp_path, RECORD, foreign=["*.png", "shard-*/r.yaml"])
    claim(tmp_path, RECORD)


def test_folders_that_cannot_hold_a_record(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "file: cannot be made (" in refusal(tmp_path / "file", RECORD)
    (tmp_path / "r.json").mkdir()
    assert "r.json: cannot be read (" in refusal(tmp_path, RECORD)


def test_a_ledger_knows_the_files_as_they_were_written(tmp_path: Path) -> None:
    names = ["b/1.png", "a.png", "Zoë.png"]
    (tmp_path / "b").mkdir()
    ledger = Ledger(tmp_path)
    for name in names:
        (tmp_path / name).write_bytes(name.encode())
        ledger.add(name)
    again = Ledger(tmp_path)
    assert [again.fault(name) for name in names] == [None] * 3
    assert "c.png" not in again
    (tmp_path / "b/1.png").unlink()
    (tmp_path / "a.png").write_bytes(b"")
    (tmp_path / "Zoë.png").write_bytes(b"12345.png")
    (tmp_path / "Zoë.png").write_bytes(b"Zoe_.png")
    faults = [again.fault(name) for name in names]
    assert faults == ["has been deleted", "has been emptied", "has been changed"]
    assert again.fault("Zoë.png", contents=False) is None, "of the same size"
    (tmp_path / "a.png").write_bytes(b"new")
    again.add("a.png")
    assert Ledger(tmp_path).fault("a.png") is None, "the last line counts"


def test_a_ledger_survives_a_line_cut_short_and_others_that_append(tmp_path: Path) -> None:
    for name in ("b", "a", "c"):
        (tmp_path / name).write_text(name)
    one, other = Ledger(tmp_path), Ledger(tmp_path)
    one.add("b")
    with (tmp_path / LEDGER).open("ab") as file:
        file.write(b'{"file": "x", "si')
    other.add("a")
    one.add("c")
    assert "a" not in one or "b" in one
    one.read()
    assert all(one.fault(name) is None for name in "abc")
    assert "x" not in one
    one.tidy()
    lines = [json.loads(line) for line in (tmp_path / LEDGER).read_text().splitlines()]
    assert [line["file"] for line in lines] == ["a", "b", "c"]
    assert lines[0]["size"] == 1
    for damaged in (b"\xff\n", b"[]\n5\n{}", b"[" * 5000, b'{"file": "a", "size": null}'):
        (tmp_path / LEDGER).write_bytes(damaged)
        assert "a" not in Ledger(tmp_path)
    (tmp_path / LEDGER).unlink()
    (tmp_path / LEDGER).mkdir()
    with pytest.raises(InputError, match=r"ledger\.jsonl: cannot be written"):
        Ledger(tmp_path).add("a")


def test_the_hash_of_files_depends_on_names_and_contents(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_text(name)
    a, b = tmp_path / "a", tmp_path / "b"
    first = files_sha256({"x": a, "y": b})
    assert files_sha256({"y": b, "x": a}) == first
    others = [files_sha256(files) for files in ({"x": b, "y": a}, {"x": a, "z": b}, {"x": a})]
    assert len({first, *others}) == 4
    with pytest.raises(InputError, match="gone: cannot be read"):
        files_sha256({"x": tmp_path / "gone"})
