"""Training pictures with their labels, of groups of synthetic subjects or of a dataset."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from palsynth.clinical import Movement
from palsynth.data.examples import MOVEMENTS, UNKNOWN, Example, Source, shuffled
from palsynth.data.folder_source import FolderSource, side_class
from palsynth.data.groups import MEMBERS, SCRIPTS, CachedGroups
from palsynth.data.manifest import Row
from palsynth.data.pair_settings import PairsSettings, pairs_source
from palsynth.data.training_pairs import PairsSource, make_pair
from palsynth.errors import InputError
from palsynth.methods.diffusion.labels import ConditionLabels, weak_side
from palsynth.seeds import Stream, make_rng


@dataclass(frozen=True)
class Picture:
    """A training picture.

    Attributes:
        image: (S, S, 3) uint8 RGB.
        label: class label of what it shows.
        number: identifies the picture, for the cache of latents; its mirror image has another.
    """

    image: np.ndarray
    label: int
    number: int

    def arrays(self) -> dict[str, np.ndarray]:
        """The fields by name, for :func:`palsynth.data.examples.stack`."""
        return {name: np.asarray(getattr(self, name)) for name in self.__dataclass_fields__}


@dataclass(frozen=True)
class GroupPictures:
    """The pictures of cached groups with an expression, reshuffled every epoch.

    Attributes:
        groups: the groups.
        labels: the class labels.
        size: side of the pictures in pixels, at most that of the groups.
        mirror: share of pictures mirrored.
        seed: seed of the order and of the mirroring.
    """

    groups: CachedGroups
    labels: ConditionLabels
    size: int = 112
    mirror: float = 0.5
    seed: int = 0

    @property
    def num_subjects(self) -> int | None:
        """Not counted."""
        return None

    def __getitem__(self, number: int) -> Picture:
        shape = (self.groups.count, MEMBERS, SCRIPTS)
        index = shuffled(number, int(np.prod(shape)), self.seed, Stream.PICTURES_ORDER)
        group, member, script = map(int, np.unravel_index(index, shape))
        pair = make_pair(self.groups[group], member, script, (member + 1) % MEMBERS, self.size)
        mirrored = _is_mirrored(self.mirror, self.seed, number)
        pair = pair.mirrored() if mirrored else pair
        label = self.labels.of_example(pair.movement, weak_side(pair.function, pair.tone))
        return Picture(pair.target, label, 2 * index + mirrored)


@dataclass(frozen=True)
class FolderPictures:
    """The pictures of a dataset, reshuffled every epoch.

    A picture whose movement or weak side is not known has the null label.

    Attributes:
        source: the faces of the dataset.
        labels: the class labels.
        mirror: share of pictures mirrored.
    """

    source: FolderSource
    labels: ConditionLabels
    mirror: float = 0.5

    def prepare(self, conditioned: bool) -> None:
        """Finds the faces now, before several processes that use the source would.

        Args:
            conditioned: whether labels are needed.

        Raises:
            InputError: no picture has a usable face, or labels are needed and none has one.
        """
        self.source.prepare()
        if conditioned and all(self._label_of(row) == self.labels.null for row in self.rows):
            raise InputError(
                f"{self.folder}: no picture has both a movement that the model knows and a side; "
                "add them, or train without conditions (model.condition_dropout 1)"
            )

    @property
    def num_subjects(self) -> int | None:
        """Number of subjects."""
        return self.source.num_subjects

    @property
    def folder(self) -> Path:
        """The dataset."""
        return self.source.folder

    @property
    def rows(self) -> Sequence[Row]:
        """The rows whose pictures have a usable face."""
        return self.source.rows

    def example(self, index: int) -> Picture:
        """The picture of a row.

        Args:
            index: index into ``rows``.

        Returns:
            The picture, not mirrored.
        """
        return self._picture(index, mirrored=False)

    def __getitem__(self, number: int) -> Picture:
        seed = self.source.seed
        index = shuffled(number, len(self.rows), seed, Stream.PICTURES_ORDER)
        return self._picture(index, _is_mirrored(self.mirror, seed, number))

    def _picture(self, index: int, mirrored: bool) -> Picture:
        example: Example = self.source.example(index)
        example = example.mirrored() if mirrored else example
        label = self.labels.of_example(example.movement, example.side)
        return Picture(example.image, label, 2 * self._file_number(index) + mirrored)

    def _file_number(self, index: int) -> int:
        """A number that no picture of another dataset has: an audit compares two."""
        path = self.folder / self.rows[index].file_name
        return int.from_bytes(hashlib.sha256(str(path.resolve()).encode()).digest()[:7])

    def _label_of(self, row: Row) -> int:
        movement = MOVEMENTS.index(Movement(row.movement)) if row.movement else UNKNOWN
        return self.labels.of_example(movement, side_class(row))


def pictures_source(
    settings: PairsSettings, labels: ConditionLabels, size: int, build_cache: bool = True
) -> Source:
    """Builds the source of training pictures from the settings of training pairs.

    Args:
        settings: where the pictures come from.
        labels: the class labels.
        size: side of the pictures in pixels.
        build_cache: see :func:`palsynth.data.pair_settings.pairs_source`.

    Returns:
        The source.

    Raises:
        InputError: the dataset or the photographs cannot be read.
    """
    s = settings
    if s.dataset is not None:
        return FolderPictures(FolderSource(s.dataset, size=size, seed=s.seed), labels, s.mirror)
    pairs = pairs_source(s, size, build_cache)
    assert isinstance(pairs, PairsSource)
    return GroupPictures(pairs.groups, labels, size, s.mirror, s.seed)


def _is_mirrored(share: float, seed: int, number: int) -> bool:
    return bool(make_rng(seed, number, Stream.PICTURE_MIRROR).random() < share)
