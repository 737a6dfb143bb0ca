"""Training examples of public people and patients."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from palsynth.methods.gans.people.albums import Album
from palsynth.seeds import Stream, make_rng


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
