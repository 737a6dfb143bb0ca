"""Validation of the models that know certain people: unseen patients' expressions on them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from palsynth.clinical import YANAGIHARA, Side
from palsynth.encoders.base import SIZE
from palsynth.face.framing import RECOGNISER
from palsynth.methods.gans.objective.validation import agreement, psnr, spread, to_range
from palsynth.methods.gans.people.sources import resized
from palsynth.seeds import Stream, make_rng
from palsynth.subjects import VALIDATION_SEEDS, View, random_palsy, render, sample

EXPRESSIONS = 24
"""Expressions of the validation, each of another subject."""

FIRST = VALIDATION_SEEDS + 3000
"""Seed of the first of them."""


@lru_cache(maxsize=2)
def validation_swaps(people: tuple[int, ...], size: int) -> dict[str, Tensor]:
    """Expressions of unseen subjects, and the same expressions of public people: the truth.

    Args:
        people: seeds of the public people.
        size: side of the images in pixels.

    Returns:
        ``expression`` and ``target`` (24, size, size, 3) uint8 RGB, and ``person`` (24,) int64, the
        number of the public person in the target.
    """
    side = max(size, SIZE)
    rows: dict[str, list[np.ndarray]] = {"expression": [], "target": []}
    for k in range(EXPRESSIONS):
        rng = make_rng(FIRST + k, Stream.PEOPLE_VALIDATION)
        movement = YANAGIHARA[k % len(YANAGIHARA)]
        palsy = random_palsy(rng, Side.LEFT if rng.random() < 0.5 else Side.RIGHT, healthy=0.1)
        for name, seed in (("expression", FIRST + k), ("target", people[k % len(people)])):
            portrait = render(sample(seed), movement, palsy, view=View(side, RECOGNISER))
            rows[name].append(resized(portrait.image, size))
    out = {name: torch.from_numpy(np.stack(images)) for name, images in rows.items()}
    return {**out, "person": torch.arange(EXPRESSIONS) % len(people)}


def validate_swaps(images: Tensor, batch: dict[str, Tensor]) -> dict[str, float]:
    """Compares images with the truth.

    Args:
        images: (24, 3, S, S), -1 … 1, made from the ``expression`` of the batch.
        batch: of :func:`validation_swaps`.

    Returns:
        Name of a metric -> its value: PSNR in dB, that of the expression image as it is, the
        spread and the agreement.
    """
    truth = to_range(batch["target"]).to(images.device)
    expression = to_range(batch["expression"]).to(images.device)
    person = batch["person"].to(images.device)
    return {
        "validation/psnr_made": psnr(images, truth),
        "validation/psnr_expression": psnr(expression, truth),
        "validation/spread": spread(images, truth, person),
        "validation/agreement": agreement(images, truth, person),
    }
