from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path

from palsynth.data.shards import write_shards
from tests.data.test_hub import SPLITS, fill


def test_shards_hold_every_picture_once_beside_its_row(tmp_path: Path) -> None:
    rows = fill(tmp_path)
    shards = write_shards(tmp_path, rows, tmp_path / "shards", 2)
    assert [shard.name for shard in shards] == [
        "test-00000.tar",
        "train-00000.tar",
        "train-00001.tar",
        "validation-00000.tar",
    ]
    pictures = {}
    for shard in shards:
        with tarfile.open(shard) as file:
            members = file.getmembers()
            assert all(m.mtime == m.uid == m.gid == 0 for m in members)
            assert [m.name.split(".")[0] for m in members[::2]] == [
                m.name.split(".")[0] for m in members[1::2]
            ], "a row, then its picture"
            for label, picture in zip(members[::2], members[1::2], strict=True):
                data = json.load(file.extractfile(label))  # type: ignore[arg-type]
                name = f"{data['split']}/{data['file_name']}"
                assert shard.name.startswith(data["split"])
                pictures[name] = file.extractfile(picture).read()  # type: ignore[union-attr]
    assert pictures == {row.file_name: (tmp_path / row.file_name).read_bytes() for row in rows}
    assert len(pictures) == sum(SPLITS.values())


def test_the_same_set_gives_the_same_bytes(tmp_path: Path) -> None:
    rows = fill(tmp_path / "one")
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    written = [
        [shard.read_bytes() for shard in write_shards(folder, rows, folder / "shards", 4)]
        for folder in (tmp_path / "one", tmp_path / "two")
    ]
    assert written[0] == written[1]
