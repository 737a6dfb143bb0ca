"""Healthy synthetic subjects, one image each: training data of the small Stable Diffusion.

It is trained on healthy faces only, as the published one contains hardly any palsy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import numpy as np
from torch import Tensor

from palsynth.clinical import YANAGIHARA, Movement, Palsy
from palsynth.data.cache import ShardedCache
from palsynth.data.examples import Source, shuffled
from palsynth.errors import InputError
from palsynth.face.framing import PORTRAIT
from palsynth.methods.controlnet.conditioning import canny_edges
from palsynth.methods.controlnet.config import HealthySettings
from palsynth.methods.controlnet.data.examples import NUMBERS, ControlNetExample, collate
from palsynth.progress import progress_bar
from palsynth.seeds import Stream, make_rng
from palsynth.subjects import EVALUATION_SEEDS, VALIDATION_SEEDS, random_view, render, sample
from palsynth.subjects.description import describe

HELD = 12
"""Images in a held-out batch."""


def healthy_source(settings: HealthySettings, size: int, build_cache: bool = True) -> Source:
    """The source of images of healthy synthetic subjects.

    Args:
        settings: which subjects, and where their images are cached.
        size: side of the images, pixels.
        build_cache: render what the cache lacks first, with progress shown; if False, images are
            rendered one by one as they are read and nothing is written.

    Returns:
        A source of :class:`ControlNetExample`.

    Raises:
        InputError: the cache holds the images of other settings.
    """
    subjects = HealthySource(settings.first_subject, size, settings.seed)
    cached = CachedHealthy(
        subjects, settings.cache_dir, settings.subjects, settings.seed, uncached=not build_cache
    )
    if build_cache:
        with progress_bar("rendering healthy subjects") as progress:
            cached.build(settings.render_workers, progress)
    return cached


@lru_cache(maxsize=2)
def held_out(size: int) -> dict[str, Tensor]:
    """A batch of healthy subjects that no training uses.

    Args:
        size: side of the images, pixels.

    Returns:
        What :func:`.examples.collate` gives of 12 examples.
    """
    source = HealthySource(VALIDATION_SEEDS + 4000, size, seed=7)
    examples = []
    for number in range(HELD):
        record = source[number]
        image = record[:-1].reshape(size, size, 3)
        examples.append(ControlNetExample(image, canny_edges(image), int(record[-1]), number))
    return collate(examples)


RESTING = 0.4
"""Share of healthy subjects at rest; the remainder perform one of the ten movements."""


@dataclass(frozen=True)
class HealthySource:
    """Healthy subjects, one image each: subject n has seed ``first`` + n.

    Records are uint8 (S * S * 3 + 1): the image, and the index of its caption.
    """

    first: int
    size: int = 128
    seed: int = 0

    def __getitem__(self, number: int) -> np.ndarray:
        if self.first + number >= EVALUATION_SEEDS:
            raise InputError(f"subjects from seed {EVALUATION_SEEDS:,} on are for evaluation")
        rng = make_rng(self.seed, number, Stream.HEALTHY_PICTURE)
        subject = sample(self.first + number)
        at_rest = rng.random() < RESTING
        movement = Movement.REST if at_rest else YANAGIHARA[int(rng.integers(len(YANAGIHARA)))]
        view = random_view(rng, self.size, PORTRAIT)
        effort = float(rng.uniform(0.6, 1.1))
        portrait = render(subject, movement, Palsy.none(), intensity=effort, view=view)
        sentence = NUMBERS[describe(subject)]
        return np.append(portrait.image.reshape(-1), np.uint8(sentence))


@dataclass(frozen=True)
class CachedHealthy(ShardedCache):
    """The first ``count`` images of healthy subjects, rendered once and cached; a source of
    examples."""

    what: ClassVar[str] = "images of healthy subjects"
    record_file: ClassVar[str] = "healthy.json"
    stem: ClassVar[str] = "healthy"
    part: ClassVar[int] = 100

    source: HealthySource
    folder: Path
    count: int
    seed: int = 0
    uncached: bool = False

    @property
    def num_subjects(self) -> int | None:
        """Number of subjects: one per image."""
        return self.count

    def records(self, numbers: Sequence[int]) -> np.ndarray:
        """Renders some images."""
        return np.stack([self.source[n] for n in numbers])

    def __getitem__(self, number: int) -> ControlNetExample:
        index = shuffled(number, self.count, self.seed, Stream.CONTROLNET_ORDER)
        record, size = np.array(self.record(index)), self.source.size
        image = record[:-1].reshape(size, size, 3)
        return ControlNetExample(image, canny_edges(image), int(record[-1]), index)
