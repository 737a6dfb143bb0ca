"""Training pairs from a dataset folder, as in the paper: two pictures of the same patient."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from palsynth.clinical import Movement
from palsynth.data.examples import Example, shuffled
from palsynth.data.faces import Crop
from palsynth.data.folder_source import FolderSource
from palsynth.data.manifest import Row
from palsynth.data.training_pairs import PairExample
from palsynth.errors import InputError
from palsynth.seeds import Stream, make_rng


@dataclass(frozen=True)
class FolderPairs:
    """Every image of a folder's splits as expression and target, with another image of the same
    subject as the identity. There is no draft, so the identity image takes its place.

    Subjects of whom fewer than two images have a usable face are left out.

    Attributes:
        folder: the dataset.
        splits: splits to use.
        size: side of the crops in pixels.
        seed: seed of the order, reshuffled every epoch, and of the choice of identity images.
        fixed_identity: whether a subject has one identity image in all its pairs, also in the one
            with itself: the first at rest, or the first.
        crop: how faces are cropped.
        skip_single: whether subjects with one image only are left out; otherwise they are an error.
    """

    folder: Path
    splits: tuple[str | None, ...] = ("train",)
    size: int = 112
    seed: int = 0
    fixed_identity: bool = False
    crop: Crop = "eyes"
    skip_single: bool = False

    def prepare(self) -> None:
        """Finds the faces now, before several processes that use the source would.

        Raises:
            InputError: a subject has only one image, or no subject has two usable ones.
        """
        self._source.check()
        _ = self._indices

    @cached_property
    def _source(self) -> FolderSource:
        return FolderSource(self.folder, self.splits, self.size, self.seed, self.crop)

    @cached_property
    def _rows_by_subject(self) -> dict[str, list[int]]:
        """Subject -> its rows. Raises InputError if a subject has only one image and must not."""
        counts = Counter(row.subject_id for row in self._source.all_rows)
        single = [name for name, count in counts.items() if count < 2]
        if single and not self.skip_single:
            raise InputError(
                f"{self.folder}: subject {single[0]} has one image only; a pair needs two"
            )
        rows_by_subject: dict[str, list[int]] = defaultdict(list)
        for number, row in enumerate(self._source.rows):
            rows_by_subject[row.subject_id].append(number)
        return {name: rows for name, rows in rows_by_subject.items() if len(rows) > 1}

    @cached_property
    def _indices(self) -> list[int]:
        """The rows that have a partner."""
        indices = sorted(number for rows in self._rows_by_subject.values() for number in rows)
        if not indices:
            raise InputError(f"{self.folder}: no subject has two images with a usable face")
        return indices

    def _fixed_identity(self, subject: str) -> int:
        """The first row of a subject at rest, or its first row."""
        numbers, rows = self._rows_by_subject[subject], self._source.rows
        at_rest = [k for k in numbers if rows[k].movement == Movement.REST.value]
        return (at_rest or numbers)[0]

    @property
    def num_subjects(self) -> int | None:
        """Not counted."""
        return None

    @property
    def rows(self) -> list[Row]:
        """The rows that have a partner."""
        return [self._source.rows[index] for index in self._indices]

    def example(self, index: int) -> PairExample:
        """The pair whose expression and target image is that of a row.

        Args:
            index: index into ``rows``.

        Returns:
            The pair, with the same identity image at each call.
        """
        return self._pair(self._indices[index], index)

    def __getitem__(self, number: int) -> PairExample:
        indices = self._indices
        order = shuffled(number, len(indices), self.seed, Stream.FOLDER_PAIRS_ORDER)
        return self._pair(indices[order], number)

    def _pair(self, index: int, number: int) -> PairExample:
        """The pair of a row of the source, with the identity image that a number chooses."""
        rows = self._source.rows
        rng = make_rng(self.seed, number, Stream.FOLDER_PAIR)
        others = [k for k in self._rows_by_subject[rows[index].subject_id] if k != index]
        chosen = others[int(rng.integers(len(others)))]
        if self.fixed_identity:
            chosen = self._fixed_identity(rows[index].subject_id)
        target: Example = self._source.example(index)
        identity = self._source.example(chosen).image
        return PairExample(
            identity,
            target.image,
            target.image,
            identity,
            target.movement,
            target.function,
            target.tone,
        )
