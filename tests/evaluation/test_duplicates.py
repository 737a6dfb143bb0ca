"""Planted copies are found after every transformation, and other faces are not matched."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from palsynth.evaluation.duplicates import DUPLICATE, duplicates, prepared
from palsynth.face.framing import RECOGNISER
from palsynth.subjects import random_view, render, sample


def faces(first: int, count: int) -> list[np.ndarray]:
    rng = np.random.default_rng(first)
    return [
        render(sample(first + k), view=random_view(rng, 112, RECOGNISER)).image
        for k in range(count)
    ]


def stacks(images: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    pairs = [prepared(image) for image in images]
    return np.stack([a for a, _ in pairs]), np.stack([b for _, b in pairs])


def shifted(image: np.ndarray) -> np.ndarray:
    return cv2.warpAffine(
        image, np.float32([[1, 0, 3], [0, 1, -3]]), (112, 112), borderMode=cv2.BORDER_REPLICATE
    )


def compressed(image: np.ndarray) -> np.ndarray:
    return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 75])[1], 1)


TRANSFORMATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "none": lambda image: image,
    "compressed": compressed,
    "shifted": shifted,
    "mirrored": lambda image: image[:, ::-1],
    "brightened": lambda image: (image * 1.25 + 20).clip(0, 255).astype(np.uint8),
    "all": lambda i: compressed(shifted((i[:, ::-1] * 1.2 + 15).clip(0, 255).astype(np.uint8))),
    "larger": lambda image: cv2.resize(image, (300, 300), interpolation=cv2.INTER_CUBIC),
}


@pytest.fixture(scope="module")
def gallery() -> list[np.ndarray]:
    return faces(700, 12)


@pytest.mark.parametrize("transformation", TRANSFORMATIONS)
def test_a_transformed_copy_is_found(gallery: list[np.ndarray], transformation: str) -> None:
    chosen = [1, 4, 9]
    probes = [np.ascontiguousarray(TRANSFORMATIONS[transformation](gallery[k])) for k in chosen]
    found = duplicates(stacks(probes), stacks(gallery))
    assert found.index.tolist() == chosen
    assert found.correlation.min() > DUPLICATE


def test_other_faces_are_not(gallery: list[np.ndarray]) -> None:
    found = duplicates(stacks(faces(800, 12)), stacks(gallery))
    assert found.correlation.max() < DUPLICATE


def test_a_similar_wall_and_cap_are_not_enough(gallery: list[np.ndarray]) -> None:
    """Another face in the middle of the same picture."""
    probe, other = gallery[0].copy(), faces(900, 1)[0]
    probe[30:90, 30:82] = other[30:90, 30:82]
    assert duplicates(stacks([probe]), stacks(gallery)).correlation[0] < DUPLICATE


def test_a_flat_picture_has_no_match(gallery: list[np.ndarray]) -> None:
    grey = np.full((112, 112, 3), 90, np.uint8)
    assert duplicates(stacks([grey]), stacks(gallery)).correlation[0] < DUPLICATE
