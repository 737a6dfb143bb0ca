"""What a comparison needs of a benchmark set, checked before any work."""

from __future__ import annotations

from pathlib import Path

from palsynth.data.pairs import Pair
from palsynth.errors import InputError


def check_needs(folder: Path, pairs: list[Pair], rest: bool = False) -> None:
    """Checks that a set has what is needed of every pair.

    Args:
        folder: folder of the set.
        pairs: its requests.
        rest: whether the expression's person at rest is needed, as for the way back of aFID.

    Raises:
        InputError: a pair lacks something, or one of its files does not exist; names the first.
    """
    for pair in pairs:
        if rest and not pair.expression_identity:
            raise InputError(
                f"{pair.name}: pairs.csv has no expression_identity, which the way back needs and "
                "--rest too: the expression's person at rest"
            )
        for name in (pair.identity, pair.expression, pair.expression_identity if rest else ""):
            if name and not (folder / name).is_file():
                raise InputError(f"{folder / name}: no such file, but pairs.csv names it")
