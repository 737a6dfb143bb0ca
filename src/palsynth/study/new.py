"""The images of a study: the same pairs for every method, balanced over the movements.

All images have one size and one form of file, so that neither tells the method.
"""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Mapping
from itertools import zip_longest
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from palsynth.data.pairs import Pair
from palsynth.errors import InputError
from palsynth.face.images import read_image
from palsynth.seeds import Stream, make_rng
from palsynth.study.store import StudyItem

MAX_SIDE = 512
"""Largest side of an image in a study, pixels: a page shows it at half of that or less."""


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
    """Reads every method's image of every pair, and the patient's, moving and at rest.

    All are brought to the least width and height among them, at most ``MAX_SIDE``: larger ones are
    reduced by Lanczos' filter, and where shapes differ, cut at the margins.

    Args:
        folder: folder of the set.
        pairs: the chosen pairs.
        methods: name of each method -> folder of its images.

    Returns:
        One item per pair and method.

    Raises:
        InputError: an image is missing or cannot be read.
    """
    for method, images in methods.items():
        for pair in pairs:
            if not (images / pair.name).is_file():
                raise InputError(
                    f"{images / pair.name}: is missing; {method} has no picture of this pair"
                )
    size = _least_size(
        [folder / file for p in pairs for file in (p.expression, p.expression_identity) if file]
        + [images / pair.name for pair in pairs for images in methods.values()]
    )
    items = []
    for pair in pairs:
        patient = _encoded(folder / pair.expression, size)
        rest = (
            _encoded(folder / pair.expression_identity, size) if pair.expression_identity else b""
        )
        for method, images in methods.items():
            made = _encoded(images / pair.name, size)
            items.append(StudyItem(pair.name, method, made, patient, pair.movement, rest))
    return items


def picture_size(items: list[StudyItem]) -> tuple[int, int]:
    """The size that all images of a study have.

    Args:
        items: the items.

    Returns:
        Width and height, pixels.
    """
    with Image.open(io.BytesIO(items[0].made)) as picture:
        return picture.size


def _least_size(files: list[Path]) -> tuple[int, int]:
    """The least width and the least height of some images, at most MAX_SIDE."""
    shapes = np.array([read_image(path).shape[:2] for path in files])
    height, width = np.minimum(shapes.min(0), MAX_SIDE).tolist()
    return width, height


def _encoded(path: Path, size: tuple[int, int]) -> bytes:
    """An image as PNG without text. It is not compressed: the length would tell of the contents."""
    image = ImageOps.fit(Image.fromarray(read_image(path)), size, Image.Resampling.LANCZOS)
    data = io.BytesIO()
    image.save(data, "PNG", compress_level=0)
    return data.getvalue()
