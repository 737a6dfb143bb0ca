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
