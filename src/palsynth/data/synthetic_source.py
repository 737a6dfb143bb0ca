"""Sources of generated examples: synthetic subjects, and photographs moved by the simulator."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from palsynth.clinical import YANAGIHARA, Movement, Palsy, Side
from palsynth.data.examples import Example, labels, shuffled
from palsynth.errors import InputError
from palsynth.face import topology
from palsynth.face.detect import read_face
from palsynth.face.face import Face
from palsynth.face.framing import RECOGNISER, Framing
from palsynth.face.photographs import (
    EXPRESSIONS,
    Expression,
    PhotographedSubject,
    check_photographs,
    read_subjects,
)
from palsynth.seeds import Stream, make_rng
from palsynth.settings import FiniteNumbers
from palsynth.simulator.photo import simulate
from palsynth.subjects import EVALUATION_SEEDS, random_palsy, random_view, render, sample

_WORKING = Framing("working", 0.75 * RECOGNISER.outer_eyes, RECOGNISER.eye_line)
"""Photographs are cached with a margin, so that crops can be jittered."""


@dataclass(frozen=True)
class SyntheticSource(FiniteNumbers):
    """Pictures of synthetic subjects, each with a random movement, palsy and view.

    Attributes:
        first: seed of the first subject.
        count: number of subjects, with consecutive seeds.
        size: image side in pixels.
        healthy: share of examples without palsy.
        seed: seed of the examples; it does not change the subjects.
    """

    first: int = 0
    count: int = 4000
    size: int = 112
    healthy: float = 0.15
    seed: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.first + self.count > EVALUATION_SEEDS:
            raise InputError(
                f"subjects {self.first} to {self.first + self.count - 1}: seeds from "
                f"{EVALUATION_SEEDS:,} on are for evaluation and must not be trained on"
            )

    @property
    def num_subjects(self) -> int:
        """Number of subjects."""
        return self.count

    def __getitem__(self, number: int) -> Example:
        class_number = shuffled(number, self.count, self.seed, Stream.SYNTHETIC_ORDER)
        rng = make_rng(self.seed, number, Stream.SYNTHETIC_PICTURE)
        movement, palsy, effort = _random_expression(rng, self.healthy)
        view = random_view(rng, self.size, RECOGNISER)
        portrait = render(
            sample(self.first + class_number), movement, palsy, intensity=effort, view=view
        )
        return Example(
            portrait.image, class_number, points=portrait.landmarks, **labels(movement, palsy)
        )


@dataclass(frozen=True)
class PhotographsSource(FiniteNumbers):
    """The train split of a London-set folder, as photographed and as moved by the simulator.

    A quarter of the examples are the photographs themselves (neutral or smiling, the smile being
    a healthy grin); the others are neutral photographs moved by the simulator. Crops are jittered.

    Attributes:
        folder: folder of the London set.
        size: image side in pixels.
        healthy: share of moved examples without palsy.
        seed: seed of the examples.
    """

    folder: Path
    size: int = 112
    healthy: float = 0.15
    seed: int = 0

    @cached_property
    def _subjects(self) -> dict[str, PhotographedSubject]:
        return {subject.name: subject for subject in read_subjects(self.folder, "train")}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the people in the train split, in the order of their class numbers."""
        return tuple(self._subjects)

    def check(self) -> None:
        """Checks the folder, before anything that takes long.

        Raises:
            InputError: a table cannot be read, or a photograph is missing.
        """
        check_photographs(self._subjects.values())

    @cached_property
    def _faces(self) -> dict[tuple[str, Expression], Face]:
        """Each person's neutral and smiling face, at about twice the resolution of the crop."""
        faces = {}
        for name, subject in self._subjects.items():
            for kind in EXPRESSIONS:
                face = read_face(subject.path(kind))
                faces[name, kind] = face.aligned(_WORKING, round(2.4 * self.size))
        return faces

    def face(self, name: str, kind: Expression) -> Face:
        """A person's face, reduced, with a margin around the crop.

        Args:
            name: one of ``names``.
            kind: "neutral" or "smiling".

        Returns:
            The face.
        """
        return self._faces[name, kind]

    @property
    def num_subjects(self) -> int:
        """Number of people."""
        return len(self.names)

    def __getitem__(self, number: int) -> Example:
        class_number = shuffled(number, self.num_subjects, self.seed, Stream.PHOTOGRAPHS_ORDER)
        rng = make_rng(self.seed, number, Stream.PHOTOGRAPHS_PICTURE)
        movement, palsy, effort = _random_expression(rng, self.healthy)
        kind = rng.random()
        if kind < 0.25:
            smiling = kind < 0.125
            face = self._faces[self.names[class_number], "smiling" if smiling else "neutral"]
            known_labels = labels(Movement.GRIN if smiling else Movement.REST, Palsy.none())
            image, points = face.image, face.landmarks
        else:
            face = self._faces[self.names[class_number], "neutral"]
            known_labels = labels(movement, palsy)
            moved = simulate(face, movement, palsy, intensity=effort)
            irises = np.full((10, 3), np.nan, np.float32)  # they may have rolled up
            image, points = moved.image, np.vstack([moved.points[: topology.SKIN_POINTS], irises])
        zoom, height = rng.normal(1, 0.02), rng.normal(0, 0.008)
        framing = Framing("crop", RECOGNISER.outer_eyes * zoom, RECOGNISER.eye_line + height)
        crop = Face(image, points).aligned(framing, self.size)
        return Example(crop.image, class_number, points=crop.landmarks[:, :2], **known_labels)


def _random_expression(rng: np.random.Generator, healthy: float) -> tuple[Movement, Palsy, float]:
    movement = YANAGIHARA[int(rng.integers(len(YANAGIHARA)))]
    side = Side.LEFT if rng.random() < 0.5 else Side.RIGHT
    return movement, random_palsy(rng, side, healthy), float(rng.uniform(0.8, 1.1))
