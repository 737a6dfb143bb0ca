"""Which identity image a pair of a dataset has."""

from __future__ import annotations

from pathlib import Path

from palsynth.data.folder_pairs import FolderPairs
from palsynth.data.manifest import Row
from tests.data.test_folder_source import fill


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
