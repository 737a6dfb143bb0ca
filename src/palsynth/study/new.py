"""Which pictures a questionnaire shows: the same pairs of every method, all movements alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from itertools import zip_longest
from pathlib import Path

from palsynth.data.pairs import Pair
from palsynth.errors import InputError
from palsynth.face.images import png_bytes, read_image
from palsynth.seeds import Stream, make_rng
from palsynth.study.store import StudyItem


def chosen(pairs: list[Pair], count: int, seed: int) -> list[Pair]:
    """``count`` pairs by chance, one of each movement in turn."""
    if count > len(pairs):
        raise InputError(f"{count} pairs are more than the set's {len(pairs)}")
    order = make_rng(seed, Stream.STUDY_PAIRS).permutation(len(pairs))
    by_movement: dict[str, list[Pair]] = defaultdict(list)
    for k in order:
        by_movement[pairs[k].movement].append(pairs[k])
    turns = zip_longest(*by_movement.values())
    return [pair for turn in turns for pair in turn if pair is not None][:count]


def shown(folder: Path, pairs: list[Pair], methods: Mapping[str, Path]) -> list[StudyItem]:
    """Every method's picture of every pair beside the patient's. Raises InputError where one is
    missing."""
    out = []
    for pair in pairs:
        patient = png_bytes(read_image(folder / pair.expression))
        for method, place in methods.items():
            path = place / pair.name
            if not path.is_file():
                raise InputError(f"{path}: is missing; {method} has no picture of this pair")
            out.append(StudyItem(pair.name, method, png_bytes(read_image(path)), patient))
    return out
