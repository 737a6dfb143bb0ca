"""Other programs read the splits of a data set."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from palsynth.data.hub import hub_row, write_splits
from palsynth.data.manifest import Row
from palsynth.data.shards import write_shards
from palsynth.face.images import write_png

SPLITS = {"train": 3, "validation": 1, "test": 2}


def fill(folder: Path) -> list[Row]:
    """Six pictures in folders of splits; of the first of each, less is known."""
    rows = []
    for split, count in SPLITS.items():
        for number in range(count):
            name = f"{split}/person-{len(rows)}/{number:07d}-grin.png"
            write_png(folder / name, np.full((16, 16, 3), 40 * len(rows), np.uint8))
            rows.append(
                Row(
                    name,
                    f"person-{len(rows)}",
                    "grin",
                    side="left",
                    split=split,
                    palsy={"left": {}} if number else None,
                    provenance={"seed": number},
                    measured={"asymmetry": 1.5} if number else None,
                    attributes={"age": 30 + number, "multipie60": [[1.0, 2.0]]},
                )
            )
    return rows


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("datasets")
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)  # else it reports its use


def test_a_row_is_one_level_of_columns() -> None:
    row = Row(
        "train/a/0.png",
        "a",
        "grin",
        split="train",
        palsy={"left": {"tone": 1.0}},
        measured={"asymmetry": 2.0},
        attributes={"age": 40, "multipie60": [[1, 2]]},
    )
    flat = hub_row(row)
    assert flat["file_name"] == "a/0.png"
    assert json.loads(flat["palsy"]) == {"left": {"tone": 1.0}}
    assert (flat["measured_asymmetry"], flat["age"], flat["side"]) == (2.0, 40, None)
    assert not any(isinstance(value, (dict, list)) for value in flat.values())


def test_datasets_gives_the_splits_with_their_labels(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    write_splits(tmp_path / "set", fill(tmp_path / "set"))
    loaded = datasets.load_dataset(
        "imagefolder", data_dir=str(tmp_path / "set"), cache_dir=str(tmp_path / "cache")
    )
    assert {split: len(part) for split, part in loaded.items()} == SPLITS
    for split, part in loaded.items():
        for number, example in enumerate(part):
            assert example["image"].size == (16, 16)
            assert example["age"] == 30 + number
            assert example["side"] == "left"
            assert (example["palsy"] == "") == (number == 0)
            assert "measured_asymmetry" not in example, "the validation split has none"
        assert len(set(part["subject_id"])) == SPLITS[split]


def test_shards_are_read_with_their_splits(tmp_path: Path) -> None:
    """By ``datasets``; and by ``webdataset`` where it is installed."""
    datasets = pytest.importorskip("datasets")
    shards = write_shards(tmp_path, fill(tmp_path), tmp_path / "shards", 2)
    files = {split: [str(s) for s in shards if s.name.startswith(split)] for split in SPLITS}
    loaded = datasets.load_dataset(
        "webdataset", data_files=files, cache_dir=str(tmp_path / "cache")
    )
    assert {split: len(part) for split, part in loaded.items()} == SPLITS
    for split, part in loaded.items():
        assert all(example["json"]["split"] == split for example in part)
        assert [example["json"]["age"] for example in part] == [30, 31, 32][: len(part)]
        assert all(example["png"].size == (16, 16) for example in part)


def test_webdataset_reads_the_shards(tmp_path: Path) -> None:
    webdataset = pytest.importorskip("webdataset")
    shards = write_shards(tmp_path, fill(tmp_path), tmp_path / "shards", 2)
    found = webdataset.WebDataset([str(s) for s in shards], shardshuffle=False).decode("pil")
    samples = list(found)
    assert len(samples) == 6
    assert {sample["json"]["split"] for sample in samples} == set(SPLITS)
    assert all(sample["png"].size == (16, 16) for sample in samples)
