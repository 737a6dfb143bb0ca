"""Validation of the models that know certain people: unseen patients' expressions on them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity, pdist

from palsynth.clinical import YANAGIHARA, Side
from palsynth.encoders.base import SIZE, as_images
from palsynth.face.framing import RECOGNISER
from palsynth.methods.gans.people.sources import resized
from palsynth.seeds import Stream, make_rng
from palsynth.subjects import VALIDATION_SEEDS, View, random_palsy, render, sample

EXPRESSIONS = 24
"""Expressions of the validation, each of another subject."""

FIRST = VALIDATION_SEEDS + 3000
"""Seed of the first of them."""


def to_range(images: Tensor) -> Tensor:
    """Bytes as images in the range of the networks.

    Args:
        images: (N, S, S, 3) uint8.

    Returns:
        (N, 3, S, S) float32, -1 … 1.
    """
    return 2 * as_images(images) - 1


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


def psnr(images: Tensor, truth: Tensor) -> float:
    """Mean PSNR of images.

    Args:
        images: (N, 3, S, S), -1 … 1.
        truth: the same shape and range.

    Returns:
        dB, for the range of 2.
    """
    errors = ((images - truth) / 2).square().flatten(1).mean(1)
    return float((-10 * torch.log10(errors.clamp(min=1e-9))).mean())


def spread(images: Tensor, truth: Tensor, person: Tensor) -> float:
    """How different one person's images are, relative to what they should be: near 0, they show one
    expression whatever is asked for (mode collapse).

    Args:
        images: (N, 3, S, S).
        truth: the same shape.
        person: (N,) who is in each image; two or more images of somebody.

    Returns:
        The mean distance of two images of a person, over that of the true ones.
    """
    distances: list[list[Tensor]] = [[], []]
    for k in torch.unique(person):
        for out, x in zip(distances, (images, truth), strict=True):
            out.append(pdist(x[person == k].flatten(1)))
    made, true = (torch.cat(found).mean() for found in distances)
    return float(made / true)


def agreement(images: Tensor, truth: Tensor, person: Tensor) -> float:
    """Whether one person's images differ as they should, which PSNR hardly sees: an expression is a
    small part of a face.

    Args:
        images: (N, 3, S, S).
        truth: the same shape.
        person: (N,) who is in each image; two or more images of somebody.

    Returns:
        The mean cosine of the difference between two images of a person with that of the true ones:
        1 where the expressions are shown, near 0 where nothing of them is.
    """
    cosines = []
    for k in torch.unique(person):
        made, true = images[person == k].flatten(1), truth[person == k].flatten(1)
        first, second = torch.triu_indices(len(made), len(made), 1)
        cosines.append(cosine_similarity(made[first] - made[second], true[first] - true[second]))
    return float(torch.cat(cosines).mean())


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


def in_rows(*columns: Tensor) -> np.ndarray:
    """Puts images side by side, a row for each number, in two halves.

    Args:
        *columns: (N, S, S, 3) uint8, or (N, 3, S, S), -1 … 1.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    images = [_as_bytes(column) for column in columns]
    rows = [np.hstack([x[k] for x in images]) for k in range(len(images[0]))]
    half = len(rows) // 2
    return np.hstack([np.vstack(rows[:half]), np.vstack(rows[half : 2 * half])])


def _as_bytes(images: Tensor) -> np.ndarray:
    if images.dtype == torch.uint8:
        return images.cpu().numpy()
    scaled = (images.float().clamp(-1, 1) + 1) * 127.5
    return scaled.round().byte().permute(0, 2, 3, 1).cpu().numpy()
