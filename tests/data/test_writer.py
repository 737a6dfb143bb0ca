"""The writer of datasets resumes its own plan, and mixes nothing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from palsynth.data.manifest import Row, read_manifest
from palsynth.data.writer import DatasetWriter
from palsynth.errors import InputError
from palsynth.face.images import write_png


def test_a_writer_refuses_a_folder_with_other_contents(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "file").touch()
    with pytest.raises(InputError, match="is not empty; give a new folder"):
        DatasetWriter(tmp_path / "x", {"seed": 0})
    DatasetWriter(tmp_path / "y", {"seed": 0})
    with pytest.raises(InputError, match="holds an export with other settings: seed is 0, not 1;"):
        DatasetWriter(tmp_path / "y", {"seed": 1})
    (tmp_path / "y" / "plan.json").write_text('{"se')
    with pytest.raises(InputError, match=r"plan\.json: the record is damaged"):
        DatasetWriter(tmp_path / "y", {"seed": 0})
    (tmp_path / "z").touch()
    with pytest.raises(InputError, match="cannot be made"):
        DatasetWriter(tmp_path / "z", {})


def test_a_writer_writes_rows_in_order_beside_their_pictures(tmp_path: Path) -> None:
    folder = tmp_path / "x"
    writer = DatasetWriter(folder, {"seed": 0})
    rows = [
        Row(f"{name}.png", name, side=side, provenance={"seed": seed})
        for name, side, seed in (("b", "left", 2), ("a", "right", 1))
    ]
    for grey, row in enumerate(rows):
        assert not writer.has(row.file_name)
        writer.add(np.full((40, 40, 3), 50 + grey, np.uint8), row)
        assert writer.has(row.file_name)
    assert not writer.complete
    assert writer.finish(["b.png", "a.png"]) == rows[::-1]
    assert read_manifest(folder) == rows[::-1]
    assert writer.complete
    assert sorted(p.name for p in folder.iterdir()) == [
        ".ledger.jsonl",
        "a.png",
        "b.png",
        "metadata.jsonl",
        "plan.json",
    ]
    for name, grey, seed in (("a", 51, 1), ("b", 50, 2)):
        with Image.open(folder / f"{name}.png") as picture:
            assert picture.getpixel((0, 0)) == (grey,) * 3
            assert json.loads(picture.text["palsynth:provenance"]) == {"seed": seed}


def test_a_picture_without_provenance_is_labelled_as_not_generated(tmp_path: Path) -> None:
    writer = DatasetWriter(tmp_path, {})
    writer.add(np.zeros((40, 40, 3), np.uint8), Row("a.png", "a"))
    writer.add(np.zeros((40, 40, 3), np.uint8), Row("b.png", "b", provenance={"seed": 0}))
    for name, start in (("a", "not generated: "), ("b", "synthetic image made by palsynth")):
        with Image.open(tmp_path / f"{name}.png") as picture:
            assert picture.text["Description"].startswith(start)
            assert picture.text["Software"] == "palsynth", "so that it may be replaced"


def test_names_that_differ_only_in_a_slash_have_rows_of_their_own(tmp_path: Path) -> None:
    writer = DatasetWriter(tmp_path, {})
    names = ["a/b.png", "a__b.png", "a/b__c.png", "a__b/c.png"]
    for number, name in enumerate(names):
        assert not writer.has(name)
        writer.add(np.full((40, 40, 3), number, np.uint8), Row(name, str(number)))
    assert [(r.file_name, r.subject_id) for r in writer.finish(names)] == sorted(
        (name, str(number)) for number, name in enumerate(names)
    )


def test_an_export_begun_by_a_former_release_is_resumed(tmp_path: Path) -> None:
    """Up to 0.2 a row's file was named with ``__`` for ``/``."""
    writer = DatasetWriter(tmp_path, {"seed": 0})
    for name in ("a/b.png", "c.png"):
        writer.add(np.zeros((40, 40, 3), np.uint8), Row(name, "former"))
    rows = tmp_path / ".rows"
    (rows / "a" / "b.png.row").rename(rows / "a__b.png.json")
    (rows / "a").rmdir()
    (rows / "c.png.row").rename(rows / "c.png.json")
    write_png(tmp_path / "a__b.png", np.zeros((40, 40, 3), np.uint8))  # and then it was killed
    writer = DatasetWriter(tmp_path, {"seed": 0})
    names = ["a/b.png", "a__b.png", "c.png"]
    assert [writer.has(name) for name in names] == [True, False, True]
    writer.add(np.zeros((40, 40, 3), np.uint8), Row("a__b.png", "new"))
    assert [r.subject_id for r in writer.finish(names)] == ["former", "new", "former"]
    assert not rows.exists()


def test_a_damaged_row_or_a_lost_picture_is_noticed(tmp_path: Path) -> None:
    writer = DatasetWriter(tmp_path, {})
    for name in ("a/b.png", "c.png"):
        writer.add(np.zeros((40, 40, 3), np.uint8), Row(name, name))
    (tmp_path / "c.png").unlink()
    assert not writer.has("c.png")
    with pytest.raises(InputError, match=r"c\.png has not been written; start the export again"):
        writer.finish(["a/b.png", "c.png"])
    for content in ('{"file_name": "a/', "[]", "{}"):
        (tmp_path / ".rows" / "a" / "b.png.row").write_text(content)
        with pytest.raises(InputError, match=r"b\.png\.row: is damaged .*; delete this file"):
            writer.finish(["a/b.png"])


def test_a_writer_does_not_finish_with_missing_images(tmp_path: Path) -> None:
    writer = DatasetWriter(tmp_path / "x", {})
    with pytest.raises(InputError, match=r"a\.png has not been written; start the export again"):
        writer.finish(["a.png"])


def test_a_picture_lost_after_the_export_is_noticed(tmp_path: Path, neutral: np.ndarray) -> None:
    writer = DatasetWriter(tmp_path / "x", {"seed": 0})
    writer.add(neutral, Row("a.png", "a"))
    writer.finish(["a.png"])
    (tmp_path / "x" / "a.png").unlink()
    with pytest.raises(InputError, match=r"a\.png has been lost since the export"):
        DatasetWriter(tmp_path / "x", {"seed": 0}).finish(["a.png"])


def test_a_kill_before_the_plan_is_in_place_does_not_block(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / ".plan.json.partial.json").touch()
    assert not DatasetWriter(tmp_path / "x", {"seed": 0}).complete


def finished(folder: Path) -> None:
    writer = DatasetWriter(folder, {"seed": 0})
    for grey, name in enumerate(("a.png", "b.png")):
        row = Row(name, name, provenance={"name": name})
        writer.add(np.full((40, 40, 3), grey, np.uint8), row)
    writer.finish(["a.png", "b.png"])


@pytest.mark.parametrize("damage", [b"", b"cut", None])
def test_a_changed_picture_of_a_finished_dataset_is_made_again(
    damage: bytes | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    finished(tmp_path)
    path, whole = tmp_path / "a.png", (tmp_path / "a.png").read_bytes()
    path.write_bytes((tmp_path / "b.png").read_bytes() if damage is None else damage)
    writer = DatasetWriter(tmp_path, {"seed": 0})
    assert not writer.has("a.png")
    assert not writer.has("a.png")
    said = capsys.readouterr().err
    assert said.count("it is made again") == 1
    assert "a.png: has been emptied" in said or damage != b""
    with pytest.raises(InputError, match=r"a\.png has been lost since the export; export again"):
        DatasetWriter(tmp_path, {"seed": 0}).finish(["a.png", "b.png"])
    writer.add(np.zeros((40, 40, 3), np.uint8), Row("a.png", "a", provenance={"name": "a.png"}))
    assert path.read_bytes() == whole
    assert len(DatasetWriter(tmp_path, {"seed": 0}).finish(["a.png", "b.png"])) == 2


def test_a_picture_of_others_is_neither_adopted_nor_overwritten(
    tmp_path: Path, neutral: np.ndarray
) -> None:
    finished(tmp_path)
    Image.fromarray(neutral).save(tmp_path / "a.png")
    DatasetWriter(tmp_path / "x", {})
    for content in (b"", b"text", (tmp_path / "a.png").read_bytes()):
        (tmp_path / "x" / "new.png").write_bytes(content)
        with pytest.raises(InputError, match=r"new\.png: was not made here; move it away"):
            DatasetWriter(tmp_path / "x", {}).has("new.png")
        assert (tmp_path / "x" / "new.png").read_bytes() == content
    with pytest.raises(InputError, match=r"a\.png: was not made here"):
        DatasetWriter(tmp_path, {"seed": 0}).has("a.png")


def test_a_dataset_without_a_ledger_is_adopted_by_its_records(tmp_path: Path) -> None:
    """One of an earlier version: a picture must be whole and carry its row's record."""
    finished(tmp_path)
    (tmp_path / ".ledger.jsonl").unlink()
    writer = DatasetWriter(tmp_path, {"seed": 0})
    assert writer.has("a.png")
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes())
    assert not writer.has("b.png")
    assert "b.png" not in (tmp_path / ".ledger.jsonl").read_text()


def test_rows_that_were_taken_out_of_a_manifest_are_missed(tmp_path: Path) -> None:
    finished(tmp_path)
    manifest = tmp_path / "metadata.jsonl"
    manifest.write_text(manifest.read_text().splitlines()[0] + "\n")
    with pytest.raises(InputError, match=r"metadata\.jsonl: has no row of b\.png; delete this"):
        DatasetWriter(tmp_path, {"seed": 0}).finish(["a.png", "b.png"])


def test_no_picture_is_written_outside_the_dataset(tmp_path: Path) -> None:
    writer = DatasetWriter(tmp_path / "x", {})
    (tmp_path / "x" / "far").symlink_to(tmp_path)
    for name in ("../a.png", "/a.png", "far/a.png"):
        with pytest.raises(InputError, match=r"lies outside the folder|leads out of"):
            writer.add(np.zeros((40, 40, 3), np.uint8), Row(name, "a"))
    assert not (tmp_path / "a.png").exists()


def test_a_picture_may_have_the_longest_name(tmp_path: Path) -> None:
    names = [letter * 251 + ".png" for letter in "ab"]
    for name in names:
        writer = DatasetWriter(tmp_path / "set", {})
        writer.add(np.zeros((40, 40, 3), np.uint8), Row(name, "s"))
        assert DatasetWriter(tmp_path / "set", {}).has(name)
    rows = DatasetWriter(tmp_path / "set", {}).finish(names)
    assert [row.file_name for row in rows] == names
