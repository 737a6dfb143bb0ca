"""Pictures with their words and edges: healthy people who do not exist, and patients of a folder.

Our own Stable Diffusion has seen healthy people only, as the published one has hardly seen a palsy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from palsynth.clinical import YANAGIHARA, Movement, Palsy
from palsynth.data.examples import shuffled
from palsynth.data.kept import KeptParts
from palsynth.data.manifest import Row, read_manifest
from palsynth.errors import InputError
from palsynth.face.detect import read_face
from palsynth.face.framing import PORTRAIT
from palsynth.methods.controlnet.conditioning import plain_edges
from palsynth.methods.controlnet.prompts import DESCRIPTIONS, WHO, shorter
from palsynth.people import EVALUATION_SEEDS, random_view, render, sample
from palsynth.people.description import describe

_NUMBERS = {who: number for number, who in enumerate(DESCRIPTIONS)}

RESTING = 0.4
"""Share of healthy pictures at rest; the others do one of the ten movements."""


@dataclass(frozen=True)
class Told:
    """``image`` (S, S, 3) uint8 RGB, its Canny ``edges`` (S, S) uint8, the number of its
    ``sentence``, and its own ``number`` among the pictures there are, from which it is known
    again."""

    image: np.ndarray
    edges: np.ndarray
    sentence: int
    number: int

    def arrays(self) -> dict[str, np.ndarray]:
        """The fields by name, for a batch."""
        return {name: np.asarray(getattr(self, name)) for name in self.__dataclass_fields__}


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
        rng = np.random.default_rng([self.seed, number, 41])
        person = sample(self.first + number)
        at_rest = rng.random() < RESTING
        movement = Movement.REST if at_rest else YANAGIHARA[int(rng.integers(len(YANAGIHARA)))]
        view = random_view(rng, self.size, PORTRAIT)
        effort = float(rng.uniform(0.6, 1.1))
        portrait = render(person, movement, Palsy.none(), intensity=effort, view=view)
        sentence = _NUMBERS[describe(person)]
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
        index = shuffled(number, self.count, self.seed, 42)
        record, size = np.array(self.record(index)), self.source.size
        image = record[:-1].reshape(size, size, 3)
        return Told(image, plain_edges(image), int(record[-1]), index)


@dataclass(frozen=True)
class PatientsSource:
    """The pictures of some subjects of a dataset folder, cut to portraits, under one prompt.

    Without ``subjects`` the first ``patients`` of those with the most pictures count, as the paper
    has three of 600 each. Nobody of a validation or test split is tuned on.
    """

    folder: Path
    size: int = 512
    patients: int = 3
    subjects: tuple[str, ...] = ()
    seed: int = 0

    @cached_property
    def _all(self) -> list[Row]:
        return read_manifest(self.folder)

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return self.subjects or _most_pictured(self._for_training, self.patients)

    @property
    def _for_training(self) -> list[Row]:
        return [row for row in self._all if row.split in ("train", None)]

    @cached_property
    def rows(self) -> list[Row]:
        """The rows of the subjects. Raises InputError where there are too few, or one is kept for
        tests."""
        found = [row for row in self._all if row.subject_id in self._names]
        for row in found:
            if row.split not in ("train", None):
                raise InputError(
                    f"{self.folder}: subject {row.subject_id} is of split {row.split}; name "
                    "subjects of split train"
                )
        lacking = sorted(set(self._names) - {row.subject_id for row in found})
        if lacking:
            raise InputError(f"{self.folder}: has no pictures of subject {lacking[0]}")
        if len(self._names) < (len(self.subjects) or self.patients):
            raise InputError(
                f"{self.folder}: holds {len(self._names)} subjects to train on, not {self.patients}"
            )
        return found

    @property
    def people(self) -> int | None:
        """How many patients."""
        return len(self._names)

    def subjects_used(self) -> tuple[str, ...]:
        """Who they are, by subject_id."""
        return self._names

    @cached_property
    def _cut(self) -> dict[int, np.ndarray]:
        return {}

    def __getitem__(self, number: int) -> Told:
        index = shuffled(number, len(self.rows), self.seed, 42)
        if index not in self._cut:
            self._cut[index] = self._picture(self.rows[index])
        image = self._cut[index]
        return Told(image, plain_edges(image), _NUMBERS[WHO], index)

    def held(self, count: int) -> list[Told]:
        """Up to ``count`` pictures of other subjects, by chance from all there are; of the healthy
        ones only where nobody else is left."""
        others = [row for row in self._all if row.subject_id not in self._names]
        others = [row for row in others if row.hb_grade != "I"] or others
        order = np.random.default_rng([self.seed, 43]).permutation(len(others))
        chosen = [others[n] for n in order[:count]]
        images = [self._picture(row) for row in chosen]
        return [Told(x, plain_edges(x), _NUMBERS[WHO], n) for n, x in enumerate(images)]

    def _picture(self, row: Row) -> np.ndarray:
        return read_face(self.folder / row.file_name).aligned(PORTRAIT, self.size).image


def shortened(sentences: Tensor, rng: torch.Generator) -> list[int]:
    """Numbers (N,) of sentences, some of them cut short: whoever draws later may say less, too."""
    draws = torch.rand(len(sentences), generator=rng, device=rng.device).tolist()
    return [
        _NUMBERS[shorter(DESCRIPTIONS[n], draw)]
        for n, draw in zip(sentences.tolist(), draws, strict=True)
    ]


def _most_pictured(rows: list[Row], count: int) -> tuple[str, ...]:
    pictures: dict[str, int] = {}
    for row in rows:
        pictures[row.subject_id] = pictures.get(row.subject_id, 0) + 1
    return tuple(sorted(pictures, key=lambda name: (-pictures[name], name))[:count])
