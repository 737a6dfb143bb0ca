"""Synthetic subjects as public people and as patients, and their pictures."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import count

from palsynth.clinical import YANAGIHARA, Side
from palsynth.data.examples import Example, labels
from palsynth.encoders.base import SIZE
from palsynth.errors import InputError
from palsynth.face.framing import RECOGNISER
from palsynth.methods.gans.config.people import PeopleSettings
from palsynth.seeds import Stream, make_rng
from palsynth.settings import FiniteNumbers
from palsynth.subjects import (
    VALIDATION_SEEDS,
    random_palsy,
    random_view,
    render,
    sample,
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
    """Pictures of synthetic subjects, as many of each: number n shows subject n // each, and the
    ten movements take turns over all numbers: they come equally often, however few each shows.

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
        movement = YANAGIHARA[number % len(YANAGIHARA)]
        side = Side.LEFT if rng.random() < 0.5 else Side.RIGHT
        palsy = random_palsy(rng, side, self.healthy)
        effort = float(rng.uniform(0.3, 1.1))
        view = random_view(rng, self.size, RECOGNISER)
        wink = Side.LEFT if rng.random() < 0.5 else Side.RIGHT
        portrait = render(
            sample(self.seeds[person]), movement, palsy, intensity=effort, view=view, wink=wink
        )
        return Example(portrait.image, person, points=portrait.landmarks, **labels(movement, palsy))
