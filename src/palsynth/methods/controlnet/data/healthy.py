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
from palsynth.data.cache import KeptParts
from palsynth.data.examples import Source, shuffled
from palsynth.encoders.validation import FIRST
from palsynth.errors import InputError
from palsynth.face.framing import PORTRAIT
from palsynth.methods.controlnet.conditioning import plain_edges
from palsynth.methods.controlnet.data.examples import NUMBERS, Told, in_batch
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

    people: int = 6000
    """How many."""
    first_person: int = 500_000
    """Seed of the first."""
    keep: Path = Path("runs/kept-healthy")
    """Folder where their pictures are kept."""
    drawing_workers: int = 2
    """Processes that draw them."""
    seed: int = 0

    def __post_init__(self) -> None:
        if self.people < 1 or self.drawing_workers < 1:
            raise InputError("people and drawing_workers must be at least 1")
        if self.first_person + self.people > FIRST:
            raise InputError(
                f"first_person {self.first_person} with people {self.people}: seeds from {FIRST:,} "
                "on are for validation and evaluation"
            )

    def build(self, size: int, draw: bool = True) -> Source:
        """The source of pictures (size, size, 3); draws them first, unless ``draw`` is False."""
        drawn = HealthySource(self.first_person, size, self.seed)
        kept = KeptHealthy(drawn, self.keep, self.people, self.seed, live=not draw)
        if draw:
            with progress_bar("drawing healthy people") as progress:
                kept.draw(self.drawing_workers, progress)
        return kept


@lru_cache(maxsize=2)
def held_out(size: int) -> dict[str, Tensor]:
    """A batch of healthy people whom nothing trains on."""
    drawn = HealthySource(FIRST + 4000, size, seed=7)
    told = []
    for number in range(HELD):
        record = drawn[number]
        image = record[:-1].reshape(size, size, 3)
        told.append(Told(image, plain_edges(image), int(record[-1]), number))
    return in_batch(told)


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
        person = sample(self.first + number)
        at_rest = rng.random() < RESTING
        movement = Movement.REST if at_rest else YANAGIHARA[int(rng.integers(len(YANAGIHARA)))]
        view = random_view(rng, self.size, PORTRAIT)
        effort = float(rng.uniform(0.6, 1.1))
        portrait = render(person, movement, Palsy.none(), intensity=effort, view=view)
        sentence = NUMBERS[describe(person)]
        return np.append(portrait.image.reshape(-1), np.uint8(sentence))


@dataclass(frozen=True)
class KeptHealthy(KeptParts):
    """The first ``count`` pictures of healthy people, drawn once and kept; a source of examples."""

    what: ClassVar[str] = "pictures of healthy people"
    record_file: ClassVar[str] = "healthy.json"
    stem: ClassVar[str] = "healthy"
    part: ClassVar[int] = 100

    source: HealthySource
    folder: Path
    count: int
    seed: int = 0
    live: bool = False

    @property
    def people(self) -> int | None:
        """One a picture."""
        return self.count

    def records(self, numbers: Sequence[int]) -> np.ndarray:
        """Some pictures, drawn."""
        return np.stack([self.source[n] for n in numbers])

    def __getitem__(self, number: int) -> Told:
        index = shuffled(number, self.count, self.seed, Stream.CONTROLNET_ORDER)
        record, size = np.array(self.record(index)), self.source.size
        image = record[:-1].reshape(size, size, 3)
        return Told(image, plain_edges(image), int(record[-1]), index)
