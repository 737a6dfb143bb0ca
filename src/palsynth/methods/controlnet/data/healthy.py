"""Healthy synthetic subjects, each in one picture: what the small Stable Diffusion learns from.

It has seen healthy people only, as the published one has hardly seen a palsy.
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
from palsynth.encoders.validation import FIRST
from palsynth.errors import InputError
from palsynth.face.framing import PORTRAIT
from palsynth.methods.controlnet.conditioning import plain_edges
from palsynth.methods.controlnet.data.examples import NUMBERS, ControlNetExample, in_batch
from palsynth.progress import progress_bar
from palsynth.seeds import Stream, make_rng
from palsynth.settings import Settings
from palsynth.subjects import EVALUATION_SEEDS, random_view, render, sample
from palsynth.subjects.description import describe

HELD = 12
"""Pictures of people whom nothing trains on."""


@dataclass(frozen=True)
class HealthySettings(Settings):
    """Healthy people who do not exist, each in one picture."""

    subjects: int = 6000
    """How many."""
    first_subject: int = 500_000
    """Seed of the first."""
    cache_dir: Path = Path("runs/cache-healthy")
    """Folder where their pictures are kept."""
    render_workers: int = 2
    """Processes that draw them."""
    seed: int = 0

    def __post_init__(self) -> None:
        if self.subjects < 1 or self.render_workers < 1:
            raise InputError("subjects and render_workers must be at least 1")
        if self.first_subject + self.subjects > FIRST:
            raise InputError(
                f"first_subject {self.first_subject} with subjects {self.subjects}: seeds from {FIRST:,} "
                "on are for validation and evaluation"
            )

    def build(self, size: int, build_cache: bool = True) -> Source:
        """The source of pictures (size, size, 3); draws them first, unless ``build_cache`` is False."""
        synthetic = HealthySource(self.first_subject, size, self.seed)
        cached = CachedHealthy(
            synthetic, self.cache_dir, self.subjects, self.seed, uncached=not build_cache
        )
        if build_cache:
            with progress_bar("drawing healthy people") as progress:
                cached.build(self.render_workers, progress)
        return cached


@lru_cache(maxsize=2)
def held_out(size: int) -> dict[str, Tensor]:
    """A batch of healthy people whom nothing trains on."""
    synthetic = HealthySource(FIRST + 4000, size, seed=7)
    examples = []
    for number in range(HELD):
        record = synthetic[number]
        image = record[:-1].reshape(size, size, 3)
        examples.append(ControlNetExample(image, plain_edges(image), int(record[-1]), number))
    return in_batch(examples)


RESTING = 0.4
"""Share of healthy pictures at rest; the others do one of the ten movements."""


@dataclass(frozen=True)
class HealthySource:
    """Healthy people from ``first`` on, each picture of another: uint8 records (S * S * 3 + 1),
    the picture and the number of its sentence."""

    first: int
    size: int = 128
    seed: int = 0

    def __getitem__(self, number: int) -> np.ndarray:
        if self.first + number >= EVALUATION_SEEDS:
            raise InputError(f"people from {EVALUATION_SEEDS:,} on are for evaluation")
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
    """The first ``count`` pictures of healthy people, drawn once and kept; a source of examples."""

    what: ClassVar[str] = "pictures of healthy people"
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
        """One a picture."""
        return self.count

    def records(self, numbers: Sequence[int]) -> np.ndarray:
        """Some pictures, drawn."""
        return np.stack([self.source[n] for n in numbers])

    def __getitem__(self, number: int) -> ControlNetExample:
        index = shuffled(number, self.count, self.seed, Stream.CONTROLNET_ORDER)
        record, size = np.array(self.record(index)), self.source.size
        image = record[:-1].reshape(size, size, 3)
        return ControlNetExample(image, plain_edges(image), int(record[-1]), index)
