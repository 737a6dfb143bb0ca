"""Subjects keep the split of their name, unless a split of a small clinic would be empty."""

from __future__ import annotations

from collections import Counter

import pytest

from palsynth.data.manifest import SPLITS
from palsynth.data.split import split_of, splits_of


@pytest.mark.parametrize("count", [3, 4, 5, 8, 13, 20])
def test_no_split_of_three_subjects_or_more_is_empty(count: int) -> None:
    filled = 0
    for clinic in range(60):
        names = [f"clinic{clinic}-patient{n}" for n in range(count)]
        splits = splits_of(names)
        assert set(splits.values()) == set(SPLITS), names
        assert splits_of(reversed([*names, *names])) == splits, "order and repetition do not count"
        by_name = {name: split_of(name) for name in names}
        moved = [name for name in names if splits[name] != by_name[name]]
        assert len(moved) == 3 - len(set(by_name.values())), "no more than are needed"
        filled += bool(moved)
    assert filled > 0


def test_a_split_is_filled_from_the_largest_with_the_nearest_name() -> None:
    names = [n for k in range(400) if split_of(n := f"patient-{k}") == "train"][:8]
    splits = splits_of(names)
    assert Counter(splits.values()) == {"train": 6, "validation": 1, "test": 1}
    more = [n for k in range(400) if split_of(n := f"patient-{k}") != "train"]
    assert splits_of([*names, *more]) == {name: split_of(name) for name in [*names, *more]}


def test_two_subjects_leave_a_split_empty_and_given_splits_stay() -> None:
    assert set(splits_of(["subject-1", "subject-2"]).values()) == {"train", "validation"}
    given = dict.fromkeys(("a", "b", "c"), "train")
    assert splits_of(given, given) == given
    names = ("a", "b", "c", "subject-2")  # of which only the last may move
    assert splits_of(names, given)["subject-2"] == "validation"
    assert splits_of([]) == {}
