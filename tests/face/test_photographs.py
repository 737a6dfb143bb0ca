"""Photographs are identified by their names and sizes."""

from __future__ import annotations

from pathlib import Path

from palsynth.face.photographs import photographs_sha256


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
