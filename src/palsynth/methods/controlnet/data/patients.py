"""Images of the patients that a ControlNet is fine-tuned on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from palsynth.data.examples import shuffled
from palsynth.data.manifest import Row, check_files, read_manifest
from palsynth.errors import InputError
from palsynth.face.detect import read_face
from palsynth.face.framing import PORTRAIT
from palsynth.face.images import read_image
from palsynth.methods.controlnet.conditioning import canny_edges
from palsynth.methods.controlnet.config import PatientsSettings
from palsynth.methods.controlnet.data.examples import NUMBERS, ControlNetExample
from palsynth.methods.controlnet.prompts import DEFAULT_DESCRIPTION
from palsynth.seeds import Stream, make_rng


def patients_source(settings: PatientsSettings, size: int) -> PatientsSource:
    """The source of images of patients.

    Args:
        settings: the dataset, and which of its patients.
        size: side of the images, pixels.

    Returns:
        A source of :class:`ControlNetExample`.

    Raises:
        InputError: the settings name no dataset, or it lacks patients or pictures.
    """
    if settings.dataset is None:
        raise InputError("patients of no dataset; give its folder as dataset")
    source = PatientsSource(
        settings.dataset, size, settings.patients, settings.subjects, settings.seed
    )
    source.check()
    return source


@dataclass(frozen=True)
class PatientsSource:
    """The images of some subjects of a dataset folder, cropped to portraits, under one prompt.

    Without ``subjects``, the ``patients`` with the largest number of images count; the paper has
    three of 600 each (section IV.A). Subjects of a validation or test split are refused.
    """

    folder: Path
    size: int = 512
    patients: int = 3
    subjects: tuple[str, ...] = ()
    seed: int = 0

    @cached_property
    def _all_rows(self) -> list[Row]:
        return read_manifest(self.folder)

    @cached_property
    def _selected(self) -> tuple[str, ...]:
        return self.subjects or _most_pictured(self._train_rows, self.patients)

    @property
    def _train_rows(self) -> list[Row]:
        return [row for row in self._all_rows if row.split in ("train", None)]

    @cached_property
    def rows(self) -> list[Row]:
        """The rows of the patients.

        Raises:
            InputError: there are too few patients, or one is of another split than train.
        """
        rows = [row for row in self._all_rows if row.subject_id in self._selected]
        for row in rows:
            if row.split not in ("train", None):
                raise InputError(
                    f"{self.folder}: subject {row.subject_id} is of split {row.split}; name "
                    "subjects of split train"
                )
        missing = sorted(set(self._selected) - {row.subject_id for row in rows})
        if missing:
            raise InputError(f"{self.folder}: has no images of subject {missing[0]}")
        if len(self._selected) < (len(self.subjects) or self.patients):
            raise InputError(
                f"{self.folder}: holds {len(self._selected)} subjects to train on, not "
                f"{self.patients}"
            )
        return rows

    def check(self) -> None:
        """Checks the dataset, before anything that takes long.

        Raises:
            InputError: there are too few patients, a picture of theirs is missing, or the first
                cannot be read.
        """
        check_files(self.folder, self.rows)
        read_image(self.folder / self.rows[0].file_name)

    @property
    def num_subjects(self) -> int | None:
        """Number of patients."""
        return len(self._selected)

    def subjects_used(self) -> tuple[str, ...]:
        """The patients by subject_id."""
        return self._selected

    @cached_property
    def _portraits(self) -> dict[int, np.ndarray]:
        return {}

    def __getitem__(self, number: int) -> ControlNetExample:
        index = shuffled(number, len(self.rows), self.seed, Stream.CONTROLNET_ORDER)
        if index not in self._portraits:
            self._portraits[index] = self._portrait(self.rows[index])
        image = self._portraits[index]
        return ControlNetExample(image, canny_edges(image), NUMBERS[DEFAULT_DESCRIPTION], index)

    def held(self, count: int) -> list[ControlNetExample]:
        """Images of subjects that are not trained on, chosen at random.

        Healthy subjects (grade I) are used only if the dataset has no other subject.

        Args:
            count: the largest number of images.

        Returns:
            Up to ``count`` examples; none if all subjects are trained on.
        """
        candidates = [row for row in self._all_rows if row.subject_id not in self._selected]
        candidates = [row for row in candidates if row.hb_grade != "I"] or candidates
        order = make_rng(self.seed, Stream.HELD_OUT_PATIENTS).permutation(len(candidates))
        images = [self._portrait(candidates[n]) for n in order[:count]]
        return [
            ControlNetExample(x, canny_edges(x), NUMBERS[DEFAULT_DESCRIPTION], n)
            for n, x in enumerate(images)
        ]

    def _portrait(self, row: Row) -> np.ndarray:
        return read_face(self.folder / row.file_name).aligned(PORTRAIT, self.size).image


def _most_pictured(rows: list[Row], count: int) -> tuple[str, ...]:
    """The ``count`` subjects with the largest number of images."""
    images: dict[str, int] = {}
    for row in rows:
        images[row.subject_id] = images.get(row.subject_id, 0) + 1
    return tuple(sorted(images, key=lambda name: (-images[name], name))[:count])
