"""Where the pictures come from that our own Stable Diffusion learns from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from palsynth.data.examples import Source, stack
from palsynth.encoders.validation import FIRST
from palsynth.errors import InputError
from palsynth.methods.controlnet.conditioning import plain_edges
from palsynth.methods.controlnet.pictures import HealthySource, KeptHealthy, Told
from palsynth.settings import Settings

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
            from palsynth.progress import progress_bar

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


def in_batch(told: list[Told]) -> dict[str, Tensor]:
    """Pictures as a batch of the loop holds them."""
    return {name: torch.from_numpy(array) for name, array in stack(told).items()}
