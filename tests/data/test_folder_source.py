"""Sources on disk: splits and labels of a folder, cached examples, mixtures."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from palsynth.clinical import Branch, Palsy, Side, SidePalsy
from palsynth.data.cache import ShardedCache
from palsynth.data.examples import Example, stack
from palsynth.data.folder_source import PART, CachedSource, FolderSource, MixedSource
from palsynth.data.manifest import Row, read_manifest, write_manifest
from palsynth.data.synthetic_source import SyntheticSource
from palsynth.encoders.grader import GraderData
from palsynth.encoders.sources import FacesSettings
from palsynth.errors import InputError
from palsynth.face import topology
from palsynth.records import LEDGER
from tests.data.aligned import fill

SPLITS = {"train": 40, "validation": 120, "test": 200, None: 240}
"""Split -> grey level of its pictures."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures of one person in each split, and of one person without a split."""
    fill(
        tmp_path,
        [
            (Row(f"{split}/{k}.png", f"{split} person", split=split), (grey + k,) * 3)
            for split, grey in SPLITS.items()
            for k in range(2)
        ],
    )
    return tmp_path


def test_a_folder_source_defaults_to_the_train_split(folder: Path) -> None:
    source = FolderSource(folder)
    assert {row.subject_id for row in source.rows} == {"train person"}
    assert source.num_subjects == 1
    assert {int(source[n].image.max()) for n in range(8)} == {40, 41}
    for split, grey in SPLITS.items():
        one = FolderSource(folder, (split,))
        assert {row.subject_id for row in one.rows} == {f"{split} person"}
        assert {int(one[n].image.max()) for n in range(4)} == {grey, grey + 1}
    both = FolderSource(folder, ("train", "validation"))
    assert both.subjects == ["train person", "validation person"]


def test_an_empty_split_is_named(folder: Path) -> None:
    with pytest.raises(InputError, match="no images in split unknown"):
        FolderSource(folder, ("unknown",))[0]


def test_an_impossible_label_is_named(tmp_path: Path) -> None:
    fill(tmp_path, [(Row("a.png", "a", side="up", split="train"), (1, 2, 3))])
    with pytest.raises(InputError, match=r"a\.png: side 'up' is neither left nor right"):
        FolderSource(tmp_path)[0]


def test_a_row_gives_its_labels(tmp_path: Path) -> None:
    weak = Palsy.on(Side.RIGHT, SidePalsy(dict.fromkeys(Branch, 0.25), tone=0.5))
    points = [[0.0, 0.0] for _ in topology.MULTIPIE_60]
    places = list(topology.MULTIPIE_60)
    points[places.index(45)] = [30.0, 20.0]  # the outer corner of the left eye
    points[places.index(36)] = [30.0, 0.0]  # of the right eye: the head lies on its side
    row = Row(
        "b.png",
        "b",
        movement="grin",
        side="right",
        hb_grade="V",
        yanagihara_item=2,
        palsy=weak.to_dict(),
        split="train",
        attributes={"multipie60": points},
    )
    plain = Row("a.png", "c", hb_grade="I", yanagihara_item=4, split="train")
    fill(tmp_path, [(row, (200, 10, 30)), (plain, (7, 7, 7))], shape=(40, 80))
    source = FolderSource(tmp_path, size=160)
    assert source.subjects == ["b", "c"]
    unlabelled, example = source.example(0), source.example(1)
    assert example.image.shape == (160, 160, 3)
    assert example.image[0, 0].tolist() == [200, 10, 30]
    assert (example.subject, example.movement, example.grade, example.item) == (0, 8, 4, 1)
    assert np.allclose(example.function, [[1.0] * 5, [0.25] * 5])
    assert example.tone.tolist() == [1.0, 0.5]
    # the corners are level, 0.44 of the side apart, and 0.461 of the side from the top
    assert example.points[33] == pytest.approx([79.5 - 35.2, 0.461 * 160 - 0.5], abs=1e-4)
    assert example.points[263] == pytest.approx([79.5 + 35.2, 0.461 * 160 - 0.5], abs=1e-4)
    known = np.flatnonzero(~np.isnan(example.points[:, 0]))
    assert known.tolist() == sorted(topology.MULTIPIE_60.values())
    assert (unlabelled.subject, unlabelled.movement, unlabelled.grade, unlabelled.item) == (
        1,
        -1,
        0,
        2,
    )
    assert np.isnan(unlabelled.function).all()
    assert np.isnan(unlabelled.tone).all()


def test_every_epoch_has_every_picture_in_another_order(tmp_path: Path) -> None:
    fill(tmp_path, [(Row(f"{k}.png", "a", split="train"), (10 * k,) * 3) for k in range(8)])

    def order(seed: int, start: int) -> list[int]:
        source = FolderSource(tmp_path, seed=seed)
        return [int(source[n].image.max()) for n in range(start, start + 8)]

    orders = [order(0, 0), order(0, 8), order(1, 0)]
    assert all(sorted(o) == [0, 10, 20, 30, 40, 50, 60, 70] for o in orders)
    assert len({tuple(o) for o in orders}) == 3


class Counted:
    """Example n has n in every field."""

    num_subjects = 5

    def __getitem__(self, number: int) -> Example:
        return Example(
            np.full((4, 4, 3), number, np.uint8),
            number,
            movement=number,
            points=np.full((topology.POINTS, 2), number, np.float32),
            function=np.full((2, 5), number / 10, np.float32),
            tone=np.array([number / 10, 1], np.float32),
        )

    def __repr__(self) -> str:
        return "Counted"


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shards of two records, generated in this process."""
    monkeypatch.setattr(
        "palsynth.data.cache.map_in_processes", lambda work, items, _: map(work, items)
    )
    monkeypatch.setattr(CachedSource, "part", 2)


@pytest.mark.usefixtures("small_shards")
def test_records_are_read_from_several_shards(tmp_path: Path) -> None:
    cached = CachedSource(Counted(), tmp_path, 5)
    seen: list[tuple[int, int]] = []
    cached.build(progress=lambda done, of: seen.append((done, of)))
    assert seen == [(2, 5), (4, 5), (5, 5)]
    names = sorted(p.name for p in tmp_path.glob("*.npy"))
    assert names == ["part-00000.npy", "part-00001.npy", "part-00002.npy"]
    assert [int(cached.record(n)["subject"]) for n in range(5)] == [0, 1, 2, 3, 4]
    (tmp_path / "part-00001.npy").unlink()
    with pytest.raises(InputError, match=r"part-00001\.npy has not been built yet"):
        CachedSource(Counted(), tmp_path, 5).record(0)
    seen.clear()
    cached.build(progress=lambda done, of: seen.append((done, of)))
    assert seen == [(5, 5)], "only the missing shard"
    examples = [CachedSource(Counted(), tmp_path, 5)[n] for n in range(5)]
    assert sorted(e.subject for e in examples) == [0, 1, 2, 3, 4]
    for e in examples:
        assert (e.image == e.subject).all()
        assert (e.points == e.subject).all()
        assert e.movement == e.subject
        assert np.allclose(e.function, e.subject / 10)
        assert e.tone == pytest.approx([e.subject / 10, 1])


@pytest.mark.usefixtures("small_shards")
def test_only_its_owner_reads_a_cache(tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "photographs"
    CachedSource(Counted(), folder, 3).build()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.glob("*.npy")} == {0o600}


@pytest.mark.usefixtures("small_shards")
def test_what_a_killed_build_left_is_removed(tmp_path: Path) -> None:
    killed, running = (tmp_path / f".part-00001.npy.{n}.partial.npy" for n in ("a1", "b2"))
    for path in (killed, running):
        path.touch()
    os.utime(killed, (0, 0))
    CachedSource(Counted(), tmp_path, 3).build()
    names = sorted(path.name for path in tmp_path.glob("*.npy"))
    assert names == [running.name, "part-00000.npy", "part-00001.npy"]


@pytest.mark.usefixtures("small_shards")
def test_epochs_of_a_cache_have_their_own_orders(tmp_path: Path) -> None:
    cached = CachedSource(Counted(), tmp_path, 20)
    cached.build()
    other = CachedSource(Counted(), tmp_path, 20, seed=1)
    orders = [
        [s[n].subject for n in range(b, b + 20)] for s, b in ((cached, 0), (cached, 20), (other, 0))
    ]
    assert all(sorted(order) == list(range(20)) for order in orders)
    assert len({tuple(order) for order in orders}) == 3


def test_uncached_records_are_generated_by_number() -> None:
    class Uncached(ShardedCache):
        uncached = True

        def records(self, numbers):  # type: ignore[no-untyped-def]
            return np.array(numbers) * 10

    assert Uncached().record(7) == 70


def test_cached_examples_are_generated_once_by_other_processes(tmp_path: Path) -> None:
    source = SyntheticSource(first=40, count=4, size=64, seed=2)
    cached = CachedSource(source, tmp_path / "cache", count=3, seed=3)
    with pytest.raises(InputError, match=r"part-00000.npy has not been built yet"):
        cached[0]
    cached.build()
    generated, read = (stack([s[n] for n in range(3)]) for s in (source, cached))
    order = [read["image"].tolist().index(image) for image in generated["image"].tolist()]
    assert sorted(order) == [0, 1, 2]
    for name in ("subject", "movement", "points", "function", "tone"):
        assert np.allclose(read[name][order], generated[name], atol=1e-4)
    before = (tmp_path / "cache" / "part-00000.npy").stat().st_mtime_ns
    cached.build()
    assert (tmp_path / "cache" / "part-00000.npy").stat().st_mtime_ns == before
    with pytest.raises(InputError, match="holds examples of another source"):
        CachedSource(SyntheticSource(size=64), tmp_path / "cache", count=PART).build()
    with pytest.raises(InputError, match="count is 3, not 4; delete it, or give another folder"):
        CachedSource(source, tmp_path / "cache", count=4).build()
    (tmp_path / "cache" / "source.json").unlink()
    with pytest.raises(InputError, match=r"is not empty; .* \(part-00000\.npy is there"):
        cached.build()


def test_mixtures_number_subjects_consecutively_and_respect_their_shares() -> None:
    class Grey:
        def __init__(self, grey: int, num_subjects: int | None) -> None:
            self.grey, self.num_subjects = grey, num_subjects

        def __getitem__(self, number: int) -> Example:
            return Example(
                np.full((1, 1, 3), self.grey, np.uint8), number % (self.num_subjects or 1)
            )

    mixture = MixedSource([Grey(10, 4), Grey(20, 3), Grey(30, 2)], [1.0, 6.0, 3.0], seed=1)
    assert mixture.num_subjects == 9
    examples = [mixture[n] for n in range(500)]
    subjects = {10: range(4), 20: range(4, 7), 30: range(7, 9)}
    for grey, numbers in subjects.items():
        assert {e.subject for e in examples if e.image.max() == grey} == set(numbers)
    counts = [sum(int(e.image.max()) == grey for e in examples) for grey in subjects]
    assert counts == pytest.approx([50, 300, 150], abs=35)
    again = replace(mixture, seed=2)
    assert [again[n].subject for n in range(20)] != [e.subject for e in examples[:20]]
    assert MixedSource([Grey(1, 4), Grey(2, None)], [1, 1]).num_subjects is None


def test_a_dataset_is_checked_before_anything_else(folder: Path, tmp_path: Path) -> None:
    """A missing or unreadable picture, or landmarks that are none, stop a training at its start."""
    FolderSource(folder).check()
    cache = tmp_path / "cache"
    settings = FacesSettings(subjects=4, dataset=folder, cache_dir=cache)
    first = folder / "train" / "0.png"
    whole = first.read_bytes()
    first.unlink()
    for build in (settings.build, GraderData((folder,)).build):
        with pytest.raises(InputError, match=r"train/0\.png: no such picture, but metadata\.jsonl"):
            build()
    first.write_text("text")
    with pytest.raises(InputError, match=r"train/0\.png: is not a picture"):
        settings.build()
    first.write_bytes(whole)
    rows = read_manifest(folder)
    for points in ([], [[1, 2]], "x", None, [[1, "x"]] * 58, [[1, 2, 3]] * 58, {"a": 1}):
        attributes = {"multipie60": points}
        write_manifest(folder, [replace(row, attributes=attributes) for row in rows])
        with pytest.raises(InputError, match=r"train/0\.png: multipie60 must be 58 pairs of"):
            settings.build()
    assert not cache.exists()


@pytest.mark.usefixtures("small_shards")
@pytest.mark.parametrize("damage", ["emptied", "changed", "foreign"])
def test_a_shard_that_is_not_as_it_was_generated_is_generated_again(
    damage: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cached = CachedSource(Counted(), tmp_path, 5)
    cached.build()
    path, other = tmp_path / "part-00001.npy", tmp_path / "part-00000.npy"
    whole = path.read_bytes()
    path.write_bytes(b"" if damage == "emptied" else other.read_bytes())
    if damage == "foreign":
        ledger = tmp_path / LEDGER
        lines = ledger.read_text().splitlines(keepends=True)
        ledger.write_text("".join(line for line in lines if path.name not in line))
    assert cached.missing() == (0 if damage == "changed" else 2), "sizes alone"
    cached.build()
    assert path.read_bytes() == whole
    said = {"foreign": "is not in the ledger"}.get(damage, f"has been {damage}")
    assert capsys.readouterr().err == f"note: {path}: {said}; it is made again\n"
    cached.build()
    assert capsys.readouterr().err == ""
