"""Writes a dataset of synthetic subjects: plan -> subjects -> images and manifest.

Every image is a pure function of (export seed, subject, image number). It therefore does not
depend on the process that renders it, on the order, or on interruptions of the export.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import palsynth
from palsynth.clinical import YANAGIHARA, Side
from palsynth.data.manifest import Row
from palsynth.data.split import split_of
from palsynth.data.writer import DatasetWriter
from palsynth.errors import InputError
from palsynth.face.framing import FRAMINGS
from palsynth.face.measures import SIDED, measure
from palsynth.generation.measured import outline
from palsynth.generation.runner import Planned, generate
from palsynth.locks import lock_folder
from palsynth.methods.base import Request, TargetExpression
from palsynth.methods.subjects import SubjectsMethod
from palsynth.progress import Progress
from palsynth.seeds import Stream, make_rng
from palsynth.settings import FiniteNumbers
from palsynth.subjects import (
    EVALUATION_SEEDS,
    Subject,
    random_palsy,
    random_scene,
    sample,
    subject_name,
)
from palsynth.workers import map_in_processes


@dataclass(frozen=True)
class ExportPlan(FiniteNumbers):
    """All settings that determine the bytes of an export.

    ``subjects`` synthetic subjects have the seeds ``seed * 10,000 + 0, 1, 2, …``; ``size`` is the
    width and height of an image in pixels, 32 to 512; ``framing`` is a key of ``FRAMINGS``;
    ``healthy`` is the fraction of images without a palsy, 0 … 1.

    Raises:
        InputError: a setting is out of range.
    """

    subjects: int = 200
    images_per_subject: int = 40
    size: int = 112
    seed: int = 0
    framing: str = "recogniser"
    healthy: float = 0.15

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.subjects < 1 or self.images_per_subject < 1:
            raise InputError("subjects and images per subject must be at least 1")
        if self.seed < 0:
            raise InputError(f"seed {self.seed}: must be an integer of 0 or more")
        if not 32 <= self.size <= 512:
            raise InputError(f"size {self.size}: must lie between 32 and 512")
        if self.framing not in FRAMINGS:
            raise InputError(f"framing '{self.framing}': choose one of {', '.join(FRAMINGS)}")
        if not 0 <= self.healthy <= 1:
            raise InputError(f"healthy {self.healthy:g}: must lie between 0 and 1")
        if self.subjects > 10_000:
            raise InputError("at most 10,000 subjects per export; use another seed for more")

    def subject_seed(self, number: int) -> int:
        """The seed of a subject.

        Args:
            number: index of the subject in the export, from 0.

        Returns:
            The seed for :func:`palsynth.subjects.sample`.

        Example:
            >>> ExportPlan(seed=3).subject_seed(7)
            30007
        """
        return self.seed * 10_000 + number

    def subject_id(self, number: int) -> str:
        """The identifier of a subject in the manifest.

        Args:
            number: index of the subject in the export, from 0.

        Returns:
            ``person-`` and the seed in seven digits.
        """
        return subject_name(self.subject_seed(number))

    def file_name(self, number: int, image: int) -> str:
        """The path of an image.

        Args:
            number: index of the subject in the export, from 0.
            image: index of the image among the subject's, from 0.

        Returns:
            The path relative to the dataset's folder.
        """
        return f"{self.subject_id(number)}/{image:04d}.png"

    def file_names(self) -> list[str]:
        """The paths of all images, in the order of the manifest."""
        return [
            self.file_name(s, i)
            for s in range(self.subjects)
            for i in range(self.images_per_subject)
        ]


def export(
    folder: Path,
    plan: ExportPlan,
    *,
    workers: int = 1,
    progress: Progress | None = None,
) -> list[Row]:
    """Writes the dataset, or the rest of an interrupted export.

    Args:
        folder: output folder: new, empty or of an export with the same plan.
        plan: the settings.
        workers: number of processes; the output does not depend on it.
        progress: called with the number of finished images and their total.

    Returns:
        The rows of the manifest.

    Raises:
        InputError: the folder has other content or cannot be written.
    """
    record = {"method": "subjects", "version": palsynth.__version__, **asdict(plan)}
    with lock_folder(folder):
        writer = DatasetWriter(folder, record)
        names = plan.file_names()
        missing = {
            subject: [k for k in images if not writer.has(plan.file_name(subject, k))]
            for subject, images in (
                (n, range(plan.images_per_subject)) for n in range(plan.subjects)
            )
        }
        work = partial(_export_subject, folder, record, plan)
        todo = [(subject, left) for subject, left in missing.items() if left]
        done = len(names) - sum(map(len, missing.values()))
        counts = map_in_processes(work, todo, workers) if workers > 1 and todo else map(work, todo)
        for count in counts:
            done += count
            if progress is not None:
                progress(done, len(names))
        return writer.finish(names)


def _export_subject(
    folder: Path, record: dict[str, Any], plan: ExportPlan, missing: tuple[int, list[int]]
) -> int:
    """Writes the missing images of one subject; returns how many they were."""
    writer = DatasetWriter(folder, record)
    number, images = missing
    subject = sample(plan.subject_seed(number))
    for image in images:
        writer.add(*_render(_planned(plan, subject, number, image)))
    return len(images)


def render_image(plan: ExportPlan, number: int, image: int) -> tuple[np.ndarray, Row]:
    """Renders one image of a plan.

    Movements cycle through the Yanagihara ten by image number; side, palsy, effort and view are
    sampled.

    Args:
        plan: the settings.
        number: index of the subject, from 0.
        image: index of the image among the subject's, from 0.

    Returns:
        The image, (S, S, 3) uint8 RGB, and its row of the manifest.
    """
    return _render(_planned(plan, sample(plan.subject_seed(number)), number, image))


def _planned(plan: ExportPlan, subject: Subject, number: int, image: int) -> Planned:
    """An image's request, with what its row says of the subject."""
    rng = make_rng(plan.seed, number, image, Stream.EXPORT_IMAGE)
    movement = YANAGIHARA[image % len(YANAGIHARA)]
    side = Side.LEFT if rng.random() < 0.5 else Side.RIGHT
    target = TargetExpression(
        movement, random_palsy(rng, side, plan.healthy), float(rng.uniform(0.8, 1.1))
    )
    request = Request(
        subject,
        target,
        subject.seed,
        plan.size,
        FRAMINGS[plan.framing],
        scene=random_scene(rng),
    )
    return Planned(
        plan.file_name(number, image),
        subject.name,
        request,
        split=split_of(subject.name),
        attributes={
            "age": subject.age,
            "gender": subject.gender,
            "ethnicity": subject.ethnicity,
            "monk": subject.monk,
        },
    )


def _render(planned: Planned) -> tuple[np.ndarray, Row]:
    """An image, and its row with the true landmarks and measures."""
    (picture,) = generate(SubjectsMethod(), [planned.request])
    assert picture.landmarks is not None
    row = planned.row(picture, **_true_measures(picture.landmarks))
    return picture.image, replace(row, attributes=row.attributes | outline(picture.landmarks))


def _true_measures(landmarks: np.ndarray) -> dict[str, Any]:
    """Left minus right of each measure, as fractions, from the ground-truth landmarks."""
    measures = measure(landmarks).fractions()
    return {name: round(measures.sided[name].asymmetry, 4) for name in SIDED}


def check_training_seeds(plan: ExportPlan, evaluation: bool = False) -> None:
    """Checks that an export does not use subjects reserved for evaluation by accident.

    Args:
        plan: the settings.
        evaluation: allow those subjects.

    Raises:
        InputError: a subject's seed is :data:`EVALUATION_SEEDS` or more, and ``evaluation`` is
            false.
    """
    last = plan.subject_seed(plan.subjects - 1)
    if last >= EVALUATION_SEEDS and not evaluation:
        raise InputError(
            f"seed {plan.seed}: subject seeds from {EVALUATION_SEEDS:,} on are for evaluation; "
            "choose a seed below 100 or give --evaluation"
        )
