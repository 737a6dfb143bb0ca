"""What cameras, crops and compression do to an example, by chance."""

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
    """Standard deviations, except where a range or a share is said.

    ``turn`` degrees; ``zoom`` a factor's logarithm; ``shift`` share of the side; ``light`` of
    gain and of bias (relative to 255); ``colour`` gain of each channel; ``blur`` largest, pixels;
    ``noise`` largest, grey levels; ``grey`` share turned grey; ``mirror`` share mirrored;
    ``cover`` share of examples with a covered rectangle; ``backdrop`` share whose surroundings
    (hair, clothes, wall: everything outside the face's oval) are painted over.
    """

    turn: float = 4.0
    zoom: float = 0.04
    shift: float = 0.015
    light: float = 0.12
    colour: float = 0.05
    blur: float = 1.0
    noise: float = 6.0
    grey: float = 0.05
    mirror: float = 0.5
    cover: float = 0.0
    backdrop: float = 0.0

    def __call__(self, example: Example, rng: np.random.Generator) -> Example:
        """The example as another camera would have caught it. Labels follow the pixels."""
        if rng.random() < self.mirror:
            example = example.mirrored()
        if rng.random() < self.backdrop:
            example = replace(example, image=_on_backdrop(example, rng))
        size = example.image.shape[0]
        scale = float(np.exp(rng.normal(0, self.zoom)))
        middle = (size / 2 - 0.5, size / 2 - 0.5)
        affine = cv2.getRotationMatrix2D(middle, float(rng.normal(0, self.turn)), scale)
        affine[:, 2] += rng.normal(0, self.shift, 2) * size
        image = cv2.warpAffine(
            example.image, affine, (size, size), None, cv2.INTER_LINEAR, cv2.BORDER_REPLICATE
        )
        points = (example.points @ affine[:, :2].T + affine[:, 2]).astype(np.float32)
        return replace(example, image=self._pixels(image, rng), points=points)

    def _pixels(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        sigma = float(rng.uniform(0, self.blur))
        if sigma > 0.25:
            image = cv2.GaussianBlur(image, (0, 0), sigma)
        out = image.astype(np.float32)
        if rng.random() < self.grey:
            out[:] = out.mean(-1, keepdims=True)
        gain = np.exp(rng.normal(0, self.light) + rng.normal(0, self.colour, 3))
        middle = 127.5 * (1 + rng.normal(0, self.light))
        out = (out - 127.5) * gain.astype(np.float32) + np.float32(middle)
        out += rng.standard_normal(out.shape, np.float32) * np.float32(rng.uniform(0, self.noise))
        if rng.random() < self.cover:
            height, width = rng.uniform(0.1, 0.4, 2) * image.shape[0]
            top, left = rng.uniform(0, 1, 2) * (image.shape[0] - np.array([height, width]))
            rows = slice(int(top), int(top + height))
            out[rows, int(left) : int(left + width)] = rng.uniform(0, 255, 3)
        return out.clip(0, 255).astype(np.uint8)


def _on_backdrop(example: Example, rng: np.random.Generator) -> np.ndarray:
    """The image with all but the face painted over by two colours that run into each other."""
    oval = example.points[list(topology.FACE_OVAL)]
    if np.isnan(oval).any():
        return example.image
    size = example.image.shape[0]
    inside = np.zeros((size, size), np.float32)
    cv2.fillPoly(inside, [np.round(oval * 16).astype(np.int32)], 1.0, cv2.LINE_AA, 4)
    inside = cv2.GaussianBlur(inside, (0, 0), size / 80)[..., None]
    across = rng.normal(size=2)
    rows, columns = np.mgrid[:size, :size] / size - 0.5
    ramp = np.clip(across[0] * rows + across[1] * columns + 0.5, 0, 1)[..., None]
    one, other = rng.uniform(0, 255, (2, 3))
    painted = one * ramp + other * (1 - ramp)
    return (example.image * inside + painted * (1 - inside)).round().astype(np.uint8)


@dataclass(frozen=True)
class AugmentedSource:
    """A source whose examples are augmented, each number in its own way."""

    source: Source
    augmentation: Augmentation
    seed: int = 0

    @property
    def num_subjects(self) -> int | None:
        """As in the source."""
        return self.source.num_subjects

    def __getitem__(self, number: int) -> Example:
        return self.augmentation(
            self.source[number], make_rng(self.seed, number, Stream.AUGMENTATION)
        )
