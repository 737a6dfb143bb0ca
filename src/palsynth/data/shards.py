"""WebDataset shards: the pictures of a data set in tar files that are read from first to last."""

from __future__ import annotations

import io
import json
import tarfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from palsynth.data.hub import hub_row
from palsynth.data.manifest import Row
from palsynth.data.writer import CLIP
from palsynth.files import atomic_write


def write_shards(folder: Path, rows: Iterable[Row], target: Path, size: int) -> list[Path]:
    """Packs a data set into shards named ``train-00000.tar``.

    A sample is ``KEY.png`` and ``KEY.json``, the row in one level of columns; of clips it is
    ``KEY.mp4``, ``KEY.json`` and ``KEY.csv``, the table. The same set gives the same bytes.

    Args:
        folder: the data set.
        rows: its rows.
        target: folder of the shards; created if missing.
        size: samples in a shard.

    Returns:
        The shards, in order.
    """
    by_split: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_split[row.split or "train"].append(row)
    target.mkdir(parents=True, exist_ok=True)
    shards = []
    for split, own in sorted(by_split.items()):
        for number, start in enumerate(range(0, len(own), size)):
            shard = target / f"{split}-{number:05d}.tar"
            with atomic_write(shard) as temporary, tarfile.open(temporary, "w") as file:
                for row in own[start : start + size]:
                    _add(file, folder, row)
            shards.append(shard)
    return shards


def _add(file: tarfile.TarFile, folder: Path, row: Row) -> None:
    path = folder / row.file_name
    name = row.file_name.removeprefix(f"{row.split}/").removesuffix(path.suffix)
    key = name.replace("/", "_")
    label = json.dumps({"split": row.split, **hub_row(row)}, ensure_ascii=False).encode()
    members = [(f"{key}.json", label), (f"{key}{path.suffix}", path.read_bytes())]
    if path.suffix == CLIP:
        members.append((f"{key}.csv", path.with_suffix(".csv").read_bytes()))
    for name, data in members:
        member = tarfile.TarInfo(name)  # no time, owner or mode of this machine
        member.size = len(data)
        file.addfile(member, io.BytesIO(data))
