"""Images of the patients that a ControlNet is fine-tuned on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from palsynth.data.examples import shuffled
from palsynth.data.faces import FoundFace, find_faces, usable_faces
from palsynth.data.manifest import Row, check_files, read_manifest
from palsynth.errors import InputError
from palsynth.face.face import Face
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
    three of 600 each (section IV.A). Subjects of a validation or test split are refused. Pictures
    without one usable face are left out, and listed on standard error.
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

    def prepare(self) -> None:
        """Finds the faces now, before several processes that use the source would.

        Raises:
            InputError: as for :attr:`rows`.
        """
        _ = self.rows

    @cached_property
    def rows(self) -> list[Row]:
        """The rows of the patients whose pictures have a usable face.

        Raises:
            InputError: there are too few patients, one is of another split than train, or one has
                no picture with a usable face.
        """
        return self._faces[0]

    @cached_property
    def _faces(self) -> tuple[list[Row], dict[str, FoundFace]]:
        """The usable rows, and what was found in the pictures."""
        usable, found = usable_faces(self.folder, self._patients_rows())
        without = set(self._selected) - {row.subject_id for row in usable}
        if without:
            raise InputError(
                f"{self.folder}: no picture of subject {min(without)} has a usable face"
            )
        return usable, found

    def _patients_rows(self) -> list[Row]:
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
            row = self.rows[index]
            self._portraits[index] = self._portrait(row, self._faces[1][row.file_name])
        image = self._portraits[index]
        return ControlNetExample(image, canny_edges(image), NUMBERS[DEFAULT_DESCRIPTION], index)

    def held(self, count: int) -> list[ControlNetExample]:
        """Images of subjects that are not trained on, chosen at random.

        Healthy subjects (grade I) are used only if the dataset has no other subject.

        Args:
            count: the largest number of images.

        Returns:
            Up to ``count`` examples; none if all subjects are trained on. Pictures without one
            usable face are passed over.
        """
        candidates = [row for row in self._all_rows if row.subject_id not in self._selected]
        candidates = [row for row in candidates if row.hb_grade != "I"] or candidates
        order = make_rng(self.seed, Stream.HELD_OUT_PATIENTS).permutation(len(candidates))
        images: list[np.ndarray] = []
        for start in range(0, len(order), count):
            rows = [candidates[n] for n in order[start : start + count]]
            found = find_faces(self.folder, rows)
            usable = [row for row in rows if found[row.file_name].points is not None]
            images += [self._portrait(row, found[row.file_name]) for row in usable]
            if len(images) >= count:
                break
        return [
            ControlNetExample(x, canny_edges(x), NUMBERS[DEFAULT_DESCRIPTION], n)
            for n, x in enumerate(images[:count])
        ]

    def portraits(self) -> Portraits:
        """The images of the patients, in the order of ``rows``."""
        return Portraits(self.folder, self.size, *self._faces)

    def _portrait(self, row: Row, found: FoundFace) -> np.ndarray:
        return _portrait(self.folder / row.file_name, found, self.size)


@dataclass(frozen=True)
class Portraits:
    """Any pictures of a dataset as a ControlNet's examples, cropped as in :class:`PatientsSource`.

    Their numbers differ between datasets too, so that no latent is taken for another's.
    """

    folder: Path
    size: int
    rows: list[Row]
    faces: Mapping[str, FoundFace]
    """What was found in the pictures, by file name."""

    def example(self, index: int) -> ControlNetExample:
        """The example of a row.

        Args:
            index: index into ``rows``.

        Returns:
            The portrait with its edges, under the patients' prompt.
        """
        name = self.rows[index].file_name
        path = self.folder / name
        image = _portrait(path, self.faces[name], self.size)
        number = int.from_bytes(hashlib.sha256(str(path.resolve()).encode()).digest()[:7])
        return ControlNetExample(image, canny_edges(image), NUMBERS[DEFAULT_DESCRIPTION], number)


def _portrait(path: Path, found: FoundFace, size: int) -> np.ndarray:
    return Face(read_image(path), found.landmarks()).aligned(PORTRAIT, size).image


def _most_pictured(rows: list[Row], count: int) -> tuple[str, ...]:
    """The ``count`` subjects with the largest number of images."""
    images: dict[str, int] = {}
    for row in rows:
        images[row.subject_id] = images.get(row.subject_id, 0) + 1
    return tuple(sorted(images, key=lambda name: (-images[name], name))[:count])
