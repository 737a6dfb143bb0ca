"""Pairs of a folder are two pictures of one subject of a split."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from palsynth.clinical import Palsy, Side
from palsynth.data.folder_pairs import FolderPairs
from palsynth.data.manifest import Row
from palsynth.data.training_pairs import PairExample
from palsynth.errors import InputError
from tests.data.aligned import fill


def test_folder_pairs_default_to_the_train_split(tmp_path: Path) -> None:
    rows = [
        (Row(f"{split}/{k}.png", f"{split} person", split=split), (grey + k,) * 3)
        for split, grey in (("train", 40), ("validation", 120), ("test", 200))
        for k in range(2)
    ]
    fill(tmp_path, rows)

    def pictures(pairs: FolderPairs) -> set[int]:
        return {int(p.max()) for n in range(6) for p in (pairs[n].identity, pairs[n].target)}

    assert pictures(FolderPairs(tmp_path)) == {40, 41}
    assert pictures(FolderPairs(tmp_path, ("validation",))) == {120, 121}


def test_pairs_of_a_folder_are_two_pictures_of_one_subject(tmp_path: Path) -> None:
    movements = ("rest", "grin", "whistle")
    rows = [
        (
            Row(f"{s}/{k}.png", s, movements[k], palsy=palsy.to_dict(), split="train"),
            (base + 10 * k,) * 3,
        )
        for s, base, palsy in (("a", 10, Palsy.weakness(Side.LEFT, 0.8)), ("b", 110, Palsy.none()))
        for k in range(3)
    ]
    fill(tmp_path, rows)
    pairs = FolderPairs(tmp_path, size=16)

    def grey(pair: PairExample, name: str) -> int:
        return int(getattr(pair, name).max())

    examples = [pairs[n] for n in range(60)]
    targets = [grey(p, "target") for p in examples]
    assert sorted(targets[:6]) == [10, 20, 30, 110, 120, 130], "every picture once per epoch"
    assert targets[:6] != targets[6:12]
    for pair in examples:
        target, identity = grey(pair, "target"), grey(pair, "identity")
        assert grey(pair, "expression") == target, "as in the paper's training"
        assert grey(pair, "draft") == identity
        assert identity != target
        assert identity // 100 == target // 100, "the same subject"
        assert pair.movement == {10: 0, 20: 8, 30: 7}[target % 100]
        weak = 1.0 if target > 100 else 0.2
        assert np.allclose(pair.function, [[weak] * 5, [1.0] * 5])
        assert pair.tone == pytest.approx([1.0 if target > 100 else 0.4, 1.0])
    assert {(grey(p, "identity"), grey(p, "target")) for p in examples} == {
        (i + b, t + b) for b in (0, 100) for i in (10, 20, 30) for t in (10, 20, 30) if i != t
    }
    assert examples[0].target.shape == (16, 16, 3)
    fill(tmp_path, rows[:4])
    with pytest.raises(InputError, match="b has one image only; a pair needs two"):
        FolderPairs(tmp_path)[0]


def test_a_fixed_identity_image_is_the_first_at_rest_or_the_first(tmp_path: Path) -> None:
    movements = {"a": ("grin", "rest", "rest"), "b": (None, "grin", "whistle")}
    rows = [
        (Row(f"{s}{k}.png", s, movement, split="train"), (base + 10 * k,) * 3)
        for s, base in (("a", 10), ("b", 110))
        for k, movement in enumerate(movements[s])
    ]
    fill(tmp_path, rows)
    pairs = FolderPairs(tmp_path, size=16, fixed_identity=True)
    shown = [(int(pairs[n].target.max()), int(pairs[n].identity.max())) for n in range(12)]
    every = {(10, 20), (20, 20), (30, 20), (110, 110), (120, 110), (130, 110)}
    assert set(shown[:6]) == set(shown[6:]) == every, "every picture once per epoch"
    free = FolderPairs(tmp_path, size=16)
    assert [int(free[n].target.max()) for n in range(12)] == [target for target, _ in shown]
