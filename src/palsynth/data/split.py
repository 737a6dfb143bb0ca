"""Which split a subject belongs to: decided by its name, so that it never changes."""

from __future__ import annotations

import hashlib

TRAIN, VALIDATION = 0.8, 0.1


def split_of(subject_id: str) -> str:
    """train (80 %), validation (10 %) or test (10 %), by a hash of the subject's name."""
    digest = hashlib.sha256(subject_id.encode()).digest()
    share = int.from_bytes(digest[:8], "big") / 2**64
    if share < TRAIN:
        return "train"
    return "validation" if share < TRAIN + VALIDATION else "test"
