"""The patients whom a ControlNet is tuned on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from palsynth.data.examples import shuffled
from palsynth.data.manifest import Row, read_manifest
from palsynth.errors import InputError
from palsynth.face.detect import read_face
from palsynth.face.framing import PORTRAIT
from palsynth.methods.controlnet.conditioning import plain_edges
from palsynth.methods.controlnet.data.examples import NUMBERS, ControlNetExample
from palsynth.methods.controlnet.prompts import ANYBODY
from palsynth.seeds import Stream, make_rng
from palsynth.settings import Settings


@dataclass(frozen=True)
class PatientsSettings(Settings):
    """The patients whom a ControlNet is tuned on."""

    dataset: Path
    """A dataset folder with a manifest."""
    patients: int = 3
    """How many: those with the most pictures."""
    subjects: tuple[str, ...] = ()
    """Or who, by subject_id."""
    seed: int = 0

    def __post_init__(self) -> None:
        if self.patients < 1:
            raise InputError(f"patients {self.patients}: must be at least 1")

    def build(self, size: int) -> PatientsSource:
        """The source of their pictures."""
        return PatientsSource(self.dataset, size, self.patients, self.subjects, self.seed)


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
    def num_subjects(self) -> int | None:
        """How many patients."""
        return len(self._names)

    def subjects_used(self) -> tuple[str, ...]:
        """Who they are, by subject_id."""
        return self._names

    @cached_property
    def _cut(self) -> dict[int, np.ndarray]:
        return {}

    def __getitem__(self, number: int) -> ControlNetExample:
        index = shuffled(number, len(self.rows), self.seed, Stream.CONTROLNET_ORDER)
        if index not in self._cut:
            self._cut[index] = self._picture(self.rows[index])
        image = self._cut[index]
        return ControlNetExample(image, plain_edges(image), NUMBERS[ANYBODY], index)

    def held(self, count: int) -> list[ControlNetExample]:
        """Up to ``count`` pictures of other subjects, by chance from all there are; of the healthy
        ones only where nobody else is left."""
        others = [row for row in self._all if row.subject_id not in self._names]
        others = [row for row in others if row.hb_grade != "I"] or others
        order = make_rng(self.seed, Stream.HELD_OUT_PATIENTS).permutation(len(others))
        chosen = [others[n] for n in order[:count]]
        images = [self._picture(row) for row in chosen]
        return [
            ControlNetExample(x, plain_edges(x), NUMBERS[ANYBODY], n) for n, x in enumerate(images)
        ]

    def _picture(self, row: Row) -> np.ndarray:
        return read_face(self.folder / row.file_name).aligned(PORTRAIT, self.size).image


def _most_pictured(rows: list[Row], count: int) -> tuple[str, ...]:
    pictures: dict[str, int] = {}
    for row in rows:
        pictures[row.subject_id] = pictures.get(row.subject_id, 0) + 1
    return tuple(sorted(pictures, key=lambda name: (-pictures[name], name))[:count])
