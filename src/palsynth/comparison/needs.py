"""What a comparison needs of a benchmark set, checked before any work."""

from __future__ import annotations

from pathlib import Path

from palsynth.data.pairs import Pair
from palsynth.errors import InputError
from palsynth.paths import FileNames


def check_needs(
    folder: Path, pairs: list[Pair], rest: bool = False, expressions: Path | None = None
) -> None:
    """Checks that a set has what is needed of every pair.

    Args:
        folder: folder of the set.
        pairs: its requests.
        rest: whether the expression's person at rest is needed, as for the way back of aFID.
        expressions: folder of the expression images; default: that of the set.

    Raises:
        InputError: a pair lacks something, or one of its files does not exist; names the first.
    """
    of_set = FileNames(folder, "set")
    made = of_set if expressions is None else FileNames(expressions)
    for pair in pairs:
        if rest and not pair.expression_identity:
            raise InputError(
                f"{pair.name}: pairs.csv has no expression_identity, the expression's person at "
                "rest: aFID's way back, methods that compare with it and --rest need it"
            )
        needed = [(of_set, pair.identity), (made, pair.expression)]
        if rest:
            needed.append((of_set, pair.expression_identity))
        for names, name in needed:
            if name and not (path := names.join(name, pair.name)).is_file():
                raise InputError(f"{path}: no such file, but pairs.csv names it")
