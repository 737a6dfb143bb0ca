"""Between two instants of a movement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import numpy as np

from palsynth.simulator.drive import Drive, SideDrive

Key = TypeVar("Key")


def blended(before: Drive, after: Drive, share: float) -> Drive:
    """What drives the face between two instants.

    Args:
        before: what drives it at the first.
        after: what drives it at the second.
        share: 0 (as before) … 1 (as after).

    Returns:
        The two in that proportion.
    """
    if share <= 0:
        return before
    if share >= 1:
        return after
    return Drive(
        _side(before.left, after.left, share),
        _side(before.right, after.right, share),
        drag=_number(before.drag, after.drag, share),
        jaw=_number(before.jaw, after.jaw, share),
        sealed=_number(before.sealed, after.sealed, share),
        offset=_offset(before.offset, after.offset, share),
    )


def _side(before: SideDrive, after: SideDrive, share: float) -> SideDrive:
    return SideDrive(
        _mapping(before.fields, after.fields, share),
        closure=_number(before.closure, after.closure, share),
        bell=_number(before.bell, after.bell, share),
        folds=_mapping(before.folds, after.folds, share),
        smile=_number(before.smile, after.smile, share),
        forces=_mapping(before.forces, after.forces, share),
    )


def _mapping(
    before: Mapping[Key, float], after: Mapping[Key, float], share: float
) -> dict[Key, float]:
    return {
        key: _number(before.get(key, 0.0), after.get(key, 0.0), share)
        for key in dict.fromkeys([*before, *after])
    }


def _number(before: float, after: float, share: float) -> float:
    return before + share * (after - before)


def _offset(before: np.ndarray | None, after: np.ndarray | None, share: float) -> np.ndarray | None:
    if before is None and after is None:
        return None
    zero = np.zeros_like(before if after is None else after)
    first, second = (zero if one is None else one for one in (before, after))
    return np.asarray((1 - share) * first + share * second, zero.dtype)
