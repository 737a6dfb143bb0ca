"""The ledger of random streams."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import numpy as np

import palsynth
from palsynth.seeds import Stream, make_rng


def test_a_generator_is_a_function_of_its_numbers_and_their_order() -> None:
    first = make_rng(3, 5, Stream.PAIR).random(4)
    assert np.array_equal(first, np.random.default_rng([3, 5, 34]).random(4))
    assert not np.array_equal(first, make_rng(5, 3, Stream.PAIR).random(4))


def test_zeros_at_the_end_count_as_missing() -> None:
    """Why a stream stands last and is not 0, but for those that were so before the ledger."""
    assert make_rng(3, 7).random() == make_rng(3, 7, 0).random()
    assert [s.name for s in Stream if s == 0] == ["SUBJECT_ATTRIBUTES"]


def test_no_new_stream_reuses_a_value() -> None:
    """Streams that share a value did so before the ledger existed; changing them changes data."""
    names = defaultdict(set)
    for name, stream in Stream.__members__.items():
        names[int(stream)].add(name)
    assert {value: shared for value, shared in names.items() if len(shared) > 1} == {
        1: {"SUBJECT_SKIN", "SYNTHETIC_ORDER"},
        2: {"SUBJECT_BACKDROP", "SYNTHETIC_PICTURE"},
        3: {"SUBJECT_CAP", "PHOTOGRAPHS_ORDER"},
        4: {"SUBJECT_CLOTHES", "PHOTOGRAPHS_PICTURE"},
        5: {"CAMERA_NOISE", "FOLDER_ORDER"},
        7: {"MIXTURE", "CALIBRATION_REST_VIEW"},
        35: {"GROUP_DRAFTS", "FOLDER_PAIRS_ORDER"},
        43: {"HELD_OUT_PATIENTS", "FEATURES_ORDER"},
    }


def test_every_random_number_of_the_package_names_its_stream() -> None:
    """No generator is seeded with a list of numbers except in the ledger."""
    unnamed = [
        path.name
        for path in Path(palsynth.__file__).parent.rglob("*.py")
        if path.name != "seeds.py" and re.search(r"default_rng\(\[", path.read_text("utf-8"))
    ]
    assert unnamed == []
