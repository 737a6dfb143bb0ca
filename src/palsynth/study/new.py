"""The images of a study: the same pairs for every method, balanced over the movements."""

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


def choose_pairs(pairs: list[Pair], count: int, seed: int) -> list[Pair]:
    """Chooses random pairs, one of each movement in turn.

    Args:
        pairs: the pairs of the set.
        count: how many to choose.
        seed: seed of the choice.

    Returns:
        ``count`` pairs.

    Raises:
        InputError: the set has fewer pairs.
    """
    if count > len(pairs):
        raise InputError(f"{count} pairs are more than the set's {len(pairs)}")
    order = make_rng(seed, Stream.STUDY_PAIRS).permutation(len(pairs))
    by_movement: dict[str, list[Pair]] = defaultdict(list)
    for k in order:
        by_movement[pairs[k].movement].append(pairs[k])
    turns = zip_longest(*by_movement.values())
    return [pair for turn in turns for pair in turn if pair is not None][:count]


def read_items(folder: Path, pairs: list[Pair], methods: Mapping[str, Path]) -> list[StudyItem]:
    """Reads every method's image of every pair, and the patient's.

    Args:
        folder: folder of the set.
        pairs: the chosen pairs.
        methods: name of each method -> folder of its images.

    Returns:
        One item per pair and method.

    Raises:
        InputError: an image is missing or cannot be read.
    """
    items = []
    for pair in pairs:
        patient = png_bytes(read_image(folder / pair.expression))
        for method, images in methods.items():
            path = images / pair.name
            if not path.is_file():
                raise InputError(f"{path}: is missing; {method} has no picture of this pair")
            items.append(StudyItem(pair.name, method, png_bytes(read_image(path)), patient))
    return items
