"""Assignment of subjects to splits by their names, so that it never changes."""

from __future__ import annotations

import hashlib

TRAIN, VALIDATION = 0.8, 0.1
"""Shares of the subjects; the others are for test."""


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
    checksum = hashlib.sha256(subject_id.encode()).digest()
    share = int.from_bytes(checksum[:8], "big") / 2**64
    if share < TRAIN:
        return "train"
    return "validation" if share < TRAIN + VALIDATION else "test"
