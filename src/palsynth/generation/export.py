"""A dataset of people who do not exist: plan -> subjects -> images and manifest.

Every image is a pure function of (export seed, subject, image number), so it does not
matter which process draws it, in which order, or how often the export was interrupted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import palsynth
from palsynth.clinical import YANAGIHARA, Side, house_brackmann, item_score
from palsynth.data.manifest import Row
from palsynth.data.split import split_of
from palsynth.data.writer import DatasetWriter
from palsynth.errors import InputError
from palsynth.face import topology
from palsynth.face.framing import FRAMINGS
from palsynth.face.measures import SIDED, measure
from palsynth.seeds import Stream, make_rng
from palsynth.subjects import EVALUATION_SEEDS, random_palsy, random_view, render, sample
from palsynth.workers import map_in_processes


@dataclass(frozen=True)
class ExportPlan:
    """What decides every byte of an export.

    Subjects are people ``seed * 10,000 + 0, 1, 2, …``; ``healthy`` is the share of images
    without a palsy.
    """

    subjects: int = 200
    images_per_subject: int = 40
    size: int = 112
    seed: int = 0
    framing: str = "recogniser"
    healthy: float = 0.15

    def __post_init__(self) -> None:
        if self.subjects < 1 or self.images_per_subject < 1:
            raise InputError("subjects and images per subject must be at least 1")
        if self.seed < 0:
            raise InputError(f"seed {self.seed}: a seed is a whole number from 0 on")
        if not 32 <= self.size <= 512:
            raise InputError(f"size {self.size}: people are drawn from 32 to 512 px")
        if self.framing not in FRAMINGS:
            raise InputError(f"framing '{self.framing}': choose one of {', '.join(FRAMINGS)}")
        if not 0 <= self.healthy <= 1:
            raise InputError(f"healthy {self.healthy:g}: a share lies between 0 and 1")
        if self.subjects > 10_000:
            raise InputError("at most 10,000 subjects an export; use another seed for more")

    def subject_seed(self, number: int) -> int:
        """Seed of the synthetic subject of a number."""
        return self.seed * 10_000 + number

    def subject_id(self, number: int) -> str:
        """A subject's name in the manifest."""
        return f"person-{self.subject_seed(number):07d}"

    def file_name(self, number: int, image: int) -> str:
        """Where an image lies below the dataset."""
        return f"{self.subject_id(number)}/{image:04d}.png"

    def file_names(self) -> list[str]:
        """All images in order."""
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
    progress: Callable[[int, int], None] | None = None,
) -> list[Row]:
    """Writes the dataset, or what an interrupted export left to write.

    Raises InputError where the folder holds something else.
    """
    record = {"method": "subjects", "version": palsynth.__version__, **asdict(plan)}
    writer = DatasetWriter(folder, record)
    names = plan.file_names()
    if not writer.complete:
        todo = range(plan.subjects)
        work = partial(_export_subject, folder, record, plan)
        done = 0
        for count in map_in_processes(work, todo, workers) if workers > 1 else map(work, todo):
            done += count
            if progress is not None:
                progress(done, len(names))
    return writer.finish(names)


def _export_subject(folder: Path, record: dict[str, Any], plan: ExportPlan, number: int) -> int:
    """Writes one subject's missing images; returns how many it now has."""
    writer = DatasetWriter(folder, record)
    for image in range(plan.images_per_subject):
        if not writer.has(plan.file_name(number, image)):
            pixels, row = render_image(plan, number, image)
            writer.add(pixels, row)
    return plan.images_per_subject


def render_image(plan: ExportPlan, number: int, image: int) -> tuple[np.ndarray, Row]:
    """One image of a plan, (S, S, 3) uint8, and its row."""
    subject = sample(plan.subject_seed(number))
    rng = make_rng(plan.seed, number, image, Stream.EXPORT_IMAGE)
    movement = YANAGIHARA[image % len(YANAGIHARA)]
    side = Side.LEFT if rng.random() < 0.5 else Side.RIGHT
    palsy = random_palsy(rng, side, plan.healthy)
    intensity = float(rng.uniform(0.8, 1.1))
    view = random_view(rng, plan.size, FRAMINGS[plan.framing])
    portrait = render(subject, movement, palsy, intensity=intensity, view=view)
    weak = palsy.weak_side
    points = portrait.landmarks[list(topology.MULTIPIE_60.values())]
    row = Row(
        file_name=plan.file_name(number, image),
        subject_id=plan.subject_id(number),
        movement=movement.value,
        side=weak.value if weak else None,
        hb_grade=house_brackmann(palsy).value,
        yanagihara_item=item_score(palsy, movement),
        palsy=palsy.to_dict(),
        split=split_of(plan.subject_id(number)),
        provenance={
            "method": "subjects",
            "weights_sha256": None,
            "seed": plan.subject_seed(number),
            "identity": plan.subject_id(number),
            "expression": f"{movement.value}, effort {intensity:.2f}",
            "version": palsynth.__version__,
        },
        measured=_true_measures(portrait.landmarks),
        attributes={
            "age": subject.age,
            "gender": subject.gender,
            "ethnicity": subject.ethnicity,
            "monk": subject.monk,
            "multipie60": [[round(float(x), 2), round(float(y), 2)] for x, y in points],
        },
    )
    return portrait.image, row


def _true_measures(landmarks: np.ndarray) -> dict[str, Any]:
    """Left minus right of each measure, from the true landmarks."""
    found = measure(landmarks).fractions()
    return {name: round(found.sided[name].asymmetry, 4) for name in SIDED}


def check_training_seeds(plan: ExportPlan, evaluation: bool = False) -> None:
    """Raises InputError where an export would take evaluation people without being told to."""
    last = plan.subject_seed(plan.subjects - 1)
    if last >= EVALUATION_SEEDS and not evaluation:
        raise InputError(
            f"seed {plan.seed}: person seeds from {EVALUATION_SEEDS:,} on are for evaluation; "
            "choose a seed below 100 or say --evaluation"
        )
