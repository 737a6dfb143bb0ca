"""Assignment of subjects to splits by their names, so that it never changes."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping

TRAIN, VALIDATION = 0.8, 0.1
"""Shares of the subjects; the others are for test."""

MIDDLES = {
    "train": TRAIN / 2,
    "validation": TRAIN + VALIDATION / 2,
    "test": (1 + TRAIN + VALIDATION) / 2,
}
"""Split -> the middle of its range of hashes."""


def split_of(subject_id: str) -> str:
    """The split of a subject, by a hash of its name.

    Args:
        subject_id: the subject's name.

    Returns:
        "train" (80 %), "validation" (10 %) or "test" (10 %).

    Example:
        >>> split_of("subject-0")
        'validation'
    """
    number = _hash(subject_id)
    if number < TRAIN:
        return "train"
    return "validation" if number < TRAIN + VALIDATION else "test"


def splits_of(subjects: Iterable[str], given: Mapping[str, str] | None = None) -> dict[str, str]:
    """The splits of all subjects of a dataset, none of them empty where there are three subjects.

    They are those of :func:`split_of`, unless one would be empty, as among few subjects. The
    largest split then gives it the subject whose hash is nearest to its own.

    Args:
        subjects: the subjects' names, in any order.
        given: subject -> split, of subjects whose split is fixed.

    Returns:
        Subject -> split.

    Example:
        >>> splits_of(["subject-1", "subject-2", "subject-3"])
        {'subject-1': 'validation', 'subject-2': 'train', 'subject-3': 'test'}
    """
    given = given or {}
    names = sorted(set(subjects))
    splits = {name: given.get(name) or split_of(name) for name in names}
    for empty, middle in MIDDLES.items():
        counts = Counter(splits.values())
        spare = [name for name in names if name not in given and counts[splits[name]] > 1]
        if counts[empty] or not spare:
            continue
        largest = max(counts[splits[name]] for name in spare)
        spare = [name for name in spare if counts[splits[name]] == largest]
        splits[min(spare, key=lambda name: abs(_hash(name) - middle))] = empty
    return splits


def _hash(subject_id: str) -> float:
    """A number in 0 … 1."""
    checksum = hashlib.sha256(subject_id.encode()).digest()
    return int.from_bytes(checksum[:8], "big") / 2**64
