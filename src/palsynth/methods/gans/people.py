"""Pictures of the people that a model knows, and of patients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import count
from typing import Protocol

import cv2
import numpy as np

from palsynth.clinical import YANAGIHARA, Side
from palsynth.data.examples import Example, labels
from palsynth.data.folder_source import CachedSource, FolderSource
from palsynth.encoders.base import SIZE
from palsynth.errors import InputError
from palsynth.face.framing import RECOGNISER
from palsynth.methods.gans.config.people import PeopleSettings
from palsynth.progress import progress_bar
from palsynth.seeds import Stream, make_rng
from palsynth.settings import FiniteNumbers
from palsynth.subjects import (
    VALIDATION_SEEDS,
    random_palsy,
    random_view,
    render,
    sample,
    subject_name,
)

GENDERS = ("woman", "man")

DARK_FROM = 7
"""First of the darker half of the tones that subjects have, on the Monk scale."""


@lru_cache(maxsize=8)
def balanced_people(first: int, people: int) -> tuple[int, ...]:
    """Public people, balanced in gender and skin tone.

    A lighter woman, a darker man, a darker woman and a lighter man take turns: each is the first
    seed of its kind that has not been taken.

    Args:
        first: the first seed.
        people: number of people.

    Returns:
        Their seeds.

    Raises:
        InputError: there are not enough seeds.
    """
    cells = ((0, False), (1, True), (0, True), (1, False))
    wanted = [cells[k % len(cells)] for k in range(people)]
    found: list[int | None] = [None] * people
    for seed in count(first):
        if seed >= VALIDATION_SEEDS:
            raise InputError(f"people {people} from seed {first}: too few; give a lower seed")
        subject = sample(seed)
        cell = (GENDERS.index(subject.gender), subject.monk >= DARK_FROM)
        places = [k for k in range(people) if found[k] is None and wanted[k] == cell]
        if places:
            found[places[0]] = seed
        if None not in found:
            break
    return tuple(seed for seed in found if seed is not None)


def public_seeds(settings: PeopleSettings) -> tuple[int, ...] | None:
    """Seeds of the public people.

    Args:
        settings: who they are.

    Returns:
        The seeds; None where they are subjects of a dataset.
    """
    if settings.dataset is not None:
        return None
    return balanced_people(settings.first_subject + settings.patients, settings.people)


@dataclass(frozen=True)
class SyntheticPeople(FiniteNumbers):
    """Pictures of synthetic subjects, as many of each: number n shows subject n // each.

    Attributes:
        seeds: seeds of the subjects.
        each: pictures of each.
        healthy: share of pictures without a palsy.
        size: image side in pixels.
        seed: seed of the pictures; it does not change the subjects.
    """

    seeds: tuple[int, ...]
    each: int
    healthy: float
    size: int = SIZE
    seed: int = 0

    @property
    def num_subjects(self) -> int:
        """Number of subjects."""
        return len(self.seeds)

    def __getitem__(self, number: int) -> Example:
        person, picture = divmod(number, self.each)
        rng = make_rng(self.seed, self.seeds[person], picture, Stream.PERSON_PICTURE)
        movement = YANAGIHARA[picture % len(YANAGIHARA)]
        side = Side.LEFT if rng.random() < 0.5 else Side.RIGHT
        palsy = random_palsy(rng, side, self.healthy)
        effort = float(rng.uniform(0.3, 1.1))
        view = random_view(rng, self.size, RECOGNISER)
        wink = Side.LEFT if rng.random() < 0.5 else Side.RIGHT
        portrait = render(
            sample(self.seeds[person]), movement, palsy, intensity=effort, view=view, wink=wink
        )
        return Example(portrait.image, person, points=portrait.landmarks, **labels(movement, palsy))


class Album(Protocol):
    """Pictures of several people."""

    @property
    def names(self) -> tuple[str, ...]:
        """Their names, in the order of their numbers."""
        ...

    def pictures_of(self, person: int) -> int:
        """How many pictures there are of a person."""
        ...

    def read(self, person: int, picture: int) -> np.ndarray:
        """A picture (S, S, 3) uint8 RGB of a person."""
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
        """How many pictures there are of a subject."""
        return self._source.each

    def read(self, person: int, picture: int) -> np.ndarray:
        """A picture (S, S, 3) uint8 RGB of a subject."""
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
        """How many pictures there are of a subject."""
        return len(self._rows[person])

    def read(self, person: int, picture: int) -> np.ndarray:
        """A picture (S, S, 3) uint8 RGB of a subject."""
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


@dataclass(frozen=True)
class PersonExample:
    """A picture of somebody.

    Attributes:
        image: (S, S, 3) uint8 RGB.
        person: number of the public person, or the number of public people for a patient.
    """

    image: np.ndarray
    person: int

    def arrays(self) -> dict[str, np.ndarray]:
        """The fields by name, for :func:`palsynth.data.examples.stack`."""
        return {"image": self.image, "person": np.asarray(self.person)}


@dataclass(frozen=True)
class PeopleSource:
    """Public people and patients take turns: even numbers are patients, odd ones the public people
    one after the other, so that each decoder sees as many examples.

    Attributes:
        people: the public people's album.
        patients: the patients' album.
        size: image side in pixels.
        mirror: share of examples that are mirrored.
        seed: seed of the choice.
    """

    people: Album
    patients: Album
    size: int
    mirror: float = 0.5
    seed: int = 0

    @property
    def num_subjects(self) -> int:
        """Number of public people, and one for the patients."""
        return len(self.people.names) + 1

    def __getitem__(self, number: int) -> PersonExample:
        rng = make_rng(self.seed, number, Stream.PEOPLE_ORDER)
        turn, public = divmod(number, 2)
        if not public:
            image = _any_picture(self.patients, self.size, self.mirror, rng)
            return PersonExample(image, len(self.people.names))
        person = turn % len(self.people.names)
        return PersonExample(_picture(self.people, person, self.size, self.mirror, rng), person)


@dataclass(frozen=True)
class UnpairedExample:
    """Two pictures that have nothing to do with each other, (S, S, 3) uint8 RGB.

    Attributes:
        patient: of any patient.
        person: of the public person.
    """

    patient: np.ndarray
    person: np.ndarray

    def arrays(self) -> dict[str, np.ndarray]:
        """The fields by name, for :func:`palsynth.data.examples.stack`."""
        return {"patient": self.patient, "person": self.person}


@dataclass(frozen=True)
class UnpairedSource:
    """A picture of a patient, and one of a public person.

    Attributes:
        people: the public people's album.
        patients: the patients' album.
        person: number of the public person.
        size: image side in pixels.
        mirror: share of pictures that are mirrored.
        seed: seed of the choice.
    """

    people: Album
    patients: Album
    person: int
    size: int
    mirror: float = 0.5
    seed: int = 0

    @property
    def num_subjects(self) -> None:
        """Not counted."""
        return

    def __getitem__(self, number: int) -> UnpairedExample:
        rng = make_rng(self.seed, number, Stream.PEOPLE_ORDER)
        return UnpairedExample(
            _any_picture(self.patients, self.size, self.mirror, rng),
            _picture(self.people, self.person, self.size, self.mirror, rng),
        )


def _any_picture(album: Album, size: int, mirror: float, rng: np.random.Generator) -> np.ndarray:
    return _picture(album, int(rng.integers(len(album.names))), size, mirror, rng)


def _picture(
    album: Album, person: int, size: int, mirror: float, rng: np.random.Generator
) -> np.ndarray:
    """One of a person's pictures, (size, size, 3), perhaps mirrored."""
    image = resized(album.read(person, int(rng.integers(album.pictures_of(person)))), size)
    return np.ascontiguousarray(image[:, ::-1]) if rng.random() < mirror else image


def resized(image: np.ndarray, size: int) -> np.ndarray:
    """Reduces an image.

    Args:
        image: (S, S, 3) uint8.
        size: new side in pixels, at most S.

    Returns:
        (size, size, 3) uint8.
    """
    if image.shape[0] == size:
        return image
    return np.asarray(cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA))


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
