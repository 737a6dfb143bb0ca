"""Albums: the pictures of several people, rendered or of a dataset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from palsynth.data.folder_source import CachedSource, FolderSource
from palsynth.encoders.base import SIZE
from palsynth.errors import InputError
from palsynth.methods.gans.config.people import PeopleSettings
from palsynth.methods.gans.people.synthetic import SyntheticPeople, public_seeds
from palsynth.progress import progress_bar
from palsynth.subjects import subject_name


class Album(Protocol):
    """Pictures of several people."""

    @property
    def names(self) -> tuple[str, ...]:
        """Their names, in the order of their numbers."""
        ...

    def pictures_of(self, person: int) -> int:
        """How many pictures there are of a person.

        Args:
            person: number of the person.

        Returns:
            Their number.
        """
        ...

    def read(self, person: int, picture: int) -> np.ndarray:
        """Reads a picture of a person.

        Args:
            person: number of the person.
            picture: number of the picture among the person's.

        Returns:
            (S, S, 3) uint8 RGB.
        """
        ...


@dataclass(frozen=True)
class RenderedAlbum:
    """The cached pictures of synthetic subjects."""

    cached: CachedSource

    @property
    def _source(self) -> SyntheticPeople:
        assert isinstance(self.cached.source, SyntheticPeople)
        return self.cached.source

    @property
    def names(self) -> tuple[str, ...]:
        """The subjects' names."""
        return tuple(subject_name(seed) for seed in self._source.seeds)

    def pictures_of(self, person: int) -> int:
        """How many pictures there are of a subject.

        Args:
            person: number of the subject.

        Returns:
            Their number.
        """
        return self._source.each

    def read(self, person: int, picture: int) -> np.ndarray:
        """Reads a picture of a subject.

        Args:
            person: number of the subject.
            picture: number of the picture among the subject's.

        Returns:
            (S, S, 3) uint8 RGB.
        """
        return np.array(self.cached.record(person * self._source.each + picture)["image"])


@dataclass(frozen=True)
class FolderAlbum:
    """The pictures of some subjects of a dataset folder.

    Attributes:
        source: the dataset's faces.
        names: the subjects.
    """

    source: FolderSource
    names: tuple[str, ...]

    @cached_property
    def _rows(self) -> list[list[int]]:
        """The rows of each subject."""
        rows: dict[str, list[int]] = {name: [] for name in self.names}
        for index, row in enumerate(self.source.rows):
            if row.subject_id in rows:
                rows[row.subject_id].append(index)
        return [rows[name] for name in self.names]

    def pictures_of(self, person: int) -> int:
        """How many pictures there are of a subject.

        Args:
            person: number of the subject.

        Returns:
            Their number.
        """
        return len(self._rows[person])

    def read(self, person: int, picture: int) -> np.ndarray:
        """Reads a picture of a subject.

        Args:
            person: number of the subject.
            picture: number of the picture among the subject's.

        Returns:
            (S, S, 3) uint8 RGB.
        """
        return self.source.example(self._rows[person][picture]).image


def albums(settings: PeopleSettings, size: int, build_cache: bool = True) -> tuple[Album, Album]:
    """The pictures of public people and of patients.

    Args:
        settings: who they are.
        size: least side of the pictures in pixels.
        build_cache: whether missing pictures are rendered now and cached; if False, each is
            rendered when it is used. Has no effect on a dataset, whose faces are found now.

    Returns:
        The public people's album and the patients'.

    Raises:
        InputError: the dataset cannot be read, lacks one of the public people, or has nobody else.
    """
    s, size = settings, max(size, SIZE)
    if s.dataset is not None:
        source = FolderSource(s.dataset, size=size, seed=s.seed)
        source.prepare()
        for name in s.public:
            if name not in source.subjects:
                raise InputError(
                    f"{s.dataset}: its train split has no pictures of subject {name}; name others "
                    "as public"
                )
        others = tuple(name for name in source.subjects if name not in s.public)
        if not others:
            raise InputError(f"{s.dataset}: all subjects are public; leave some as patients")
        return FolderAlbum(source, s.public), FolderAlbum(source, others)
    return _rendered(s, size, "people", build_cache), _rendered(s, size, "patients", build_cache)


def _rendered(s: PeopleSettings, size: int, whom: str, build_cache: bool) -> RenderedAlbum:
    if whom == "people":
        seeds = public_seeds(s) or ()
        source = SyntheticPeople(seeds, s.pictures_of_person, s.healthy_people, size, s.seed)
    else:
        seeds = tuple(range(s.first_subject, s.first_subject + s.patients))
        source = SyntheticPeople(seeds, s.pictures_of_patient, s.healthy_patients, size, s.seed)
    pictures = len(source.seeds) * source.each
    cached = CachedSource(source, s.cache_dir / whom, pictures, s.seed, uncached=not build_cache)
    if build_cache:
        with progress_bar(f"rendering {whom}") as progress:
            cached.build(s.render_workers, progress)
    return RenderedAlbum(cached)


def first_pictures(album: Album, pictures: int) -> list[Sequence[np.ndarray]]:
    """The first pictures of each person.

    Args:
        album: the album.
        pictures: how many, or as many as there are.

    Returns:
        Images (S, S, 3) uint8 RGB of each person.
    """
    return [
        [album.read(k, n) for n in range(min(pictures, album.pictures_of(k)))]
        for k in range(len(album.names))
    ]
