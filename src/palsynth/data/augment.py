"""Random augmentation of training examples: camera, crop, occlusion and background."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from palsynth.data.examples import Example, Source
from palsynth.face import topology
from palsynth.seeds import Stream, make_rng
from palsynth.settings import Settings


@dataclass(frozen=True)
class Augmentation(Settings):
    """Random augmentation of an example; the labels follow the pixels."""

    turn: float = 4.0
    """Standard deviation of the rotation, degrees."""
    zoom: float = 0.04
    """Standard deviation of the logarithm of the scale."""
    shift: float = 0.015
    """Standard deviation of the translation, as a fraction of the image side."""
    light: float = 0.12
    """Standard deviation of the log gain, and of the brightness relative to mid-grey."""
    colour: float = 0.05
    """Standard deviation of the log gain of each channel."""
    blur: float = 1.0
    """Largest sigma of the Gaussian blur, pixels."""
    noise: float = 6.0
    """Largest standard deviation of the Gaussian noise, grey levels."""
    grey: float = 0.05
    """Share of examples converted to grey."""
    mirror: float = 0.5
    """Share of examples mirrored."""
    cover: float = 0.0
    """Share of examples with a rectangle of one colour over them."""
    backdrop: float = 0.0
    """Share of examples whose background (hair, clothes, wall: all pixels beyond the face oval) is
    painted over."""

    def __call__(self, example: Example, rng: np.random.Generator) -> Example:
        """Augments an example.

        Args:
            example: the example; its image is square.
            rng: source of randomness.

        Returns:
            A new example of the same size.
        """
        if rng.random() < self.mirror:
            example = example.mirrored()
        if rng.random() < self.backdrop:
            example = replace(example, image=_replace_background(example, rng))
        size = example.image.shape[0]
        scale = float(np.exp(rng.normal(0, self.zoom)))
        centre = (size / 2 - 0.5, size / 2 - 0.5)
        affine = cv2.getRotationMatrix2D(centre, float(rng.normal(0, self.turn)), scale)
        affine[:, 2] += rng.normal(0, self.shift, 2) * size
        image = cv2.warpAffine(
            example.image, affine, (size, size), None, cv2.INTER_LINEAR, cv2.BORDER_REPLICATE
        )
        points = (example.points @ affine[:, :2].T + affine[:, 2]).astype(np.float32)
        return replace(example, image=self._augment_pixels(image, rng), points=points)

    def _augment_pixels(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        sigma = float(rng.uniform(0, self.blur))
        if sigma > 0.25:
            image = cv2.GaussianBlur(image, (0, 0), sigma)
        out = image.astype(np.float32)
        if rng.random() < self.grey:
            out[:] = out.mean(-1, keepdims=True)
        gain = np.exp(rng.normal(0, self.light) + rng.normal(0, self.colour, 3))
        mid_grey = 127.5 * (1 + rng.normal(0, self.light))
        out = (out - 127.5) * gain.astype(np.float32) + np.float32(mid_grey)
        out += rng.standard_normal(out.shape, np.float32) * np.float32(rng.uniform(0, self.noise))
        if rng.random() < self.cover:
            height, width = rng.uniform(0.1, 0.4, 2) * image.shape[0]
            top, left = rng.uniform(0, 1, 2) * (image.shape[0] - np.array([height, width]))
            rows = slice(int(top), int(top + height))
            out[rows, int(left) : int(left + width)] = rng.uniform(0, 255, 3)
        return out.clip(0, 255).astype(np.uint8)


def _replace_background(example: Example, rng: np.random.Generator) -> np.ndarray:
    """Replaces all but the face oval by a gradient between two random colours."""
    oval = example.points[list(topology.FACE_OVAL)]
    if np.isnan(oval).any():
        return example.image
    size = example.image.shape[0]
    mask = np.zeros((size, size), np.float32)
    cv2.fillPoly(mask, [np.round(oval * 16).astype(np.int32)], 1.0, cv2.LINE_AA, 4)
    mask = cv2.GaussianBlur(mask, (0, 0), size / 80)[..., None]
    direction = rng.normal(size=2)
    rows, columns = np.mgrid[:size, :size] / size - 0.5
    ramp = np.clip(direction[0] * rows + direction[1] * columns + 0.5, 0, 1)[..., None]
    colours = rng.uniform(0, 255, (2, 3))
    gradient = colours[0] * ramp + colours[1] * (1 - ramp)
    return (example.image * mask + gradient * (1 - mask)).round().astype(np.uint8)


@dataclass(frozen=True)
class AugmentedSource:
    """A source whose examples are augmented; example n depends on ``seed`` and n only."""

    source: Source
    augmentation: Augmentation
    seed: int = 0

    @property
    def num_subjects(self) -> int | None:
        """Number of subjects of the wrapped source."""
        return self.source.num_subjects

    def __getitem__(self, number: int) -> Example:
        return self.augmentation(
            self.source[number], make_rng(self.seed, number, Stream.AUGMENTATION)
        )
