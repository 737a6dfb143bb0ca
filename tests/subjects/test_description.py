"""People in words, both ways."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from palsynth.errors import InputError
from palsynth.face.detect import detect_face
from palsynth.face.face import Face
from palsynth.face.framing import PORTRAIT
from palsynth.subjects import EVALUATION_SEEDS, View, render, sample
from palsynth.subjects.description import (
    describe,
    describe_face,
    read_description,
    skin_in,
    skin_of,
)


@pytest.mark.parametrize(
    ("words", "known"),
    [
        ("woman of about 30 with dark skin", ("woman", 30, None, "dark")),
        ("an East-Asian gentleman, aged 60", ("man", 60, "east_asian", None)),
        ("a 45-year-old black lady", ("woman", 45, "black", None)),
        ("person of 20 years with fair skin", (None, 20, None, "light")),
        ("West Asian girl, olive skin", ("woman", None, "west_asian", "medium")),
        ("white male", ("man", None, "white", None)),
        ("man in his 50s", ("man", 50, None, None)),
        ("somebody", (None, None, None, None)),
    ],
)
def test_every_word_is_understood(words: str, known: tuple[object, ...]) -> None:
    found = read_description(words)
    assert (found.gender, found.age, found.group, found.skin) == known


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ("purple elephant", "'purple elephant' cannot be drawn; say woman or man, an age"),
        ("old man", "'old' cannot be drawn"),
        ("Asian woman", "'asian' cannot be drawn; .* East Asian or West Asian"),
        ("woman with freckles", "'freckles' cannot be drawn"),
        ("light man with dark skin", "says light and dark; say one of them"),
        ("man of 30 or 40", "'or' cannot be drawn"),
        ("man of 30, 40", "says 30 and 40; say one of them"),
        ("man of 12", "people can be drawn from 16 to 80 years"),
        ("  ", "is empty; say woman or man"),
        ("女性", "is empty; say woman or man"),
    ],
)
def test_what_cannot_be_drawn_is_named(words: str, fault: str) -> None:
    with pytest.raises(InputError, match=f"^description '{words}': {fault}"):
        read_description(words)


def test_whoever_fits_is_drawn_from_a_seed_on() -> None:
    words = "woman of about 30 with dark skin"
    found = list(islice(read_description(words).subjects(3), 3))
    seeds = [subject.seed for subject in found]
    assert seeds == sorted(set(seeds))
    assert seeds[-1] < EVALUATION_SEEDS
    for subject in found:
        assert (subject.gender, subject.age, skin_of(subject)) == ("woman", 30, "dark")
        assert describe(subject) == words
    assert next(read_description(words).subjects(3)).seed == seeds[0]
    later = next(read_description(words).subjects(3 + seeds[1] - seeds[0]))
    assert later.seed >= seeds[1]
    other = next(read_description("woman of about 40 with dark skin").subjects(3))
    assert abs(other.seed - seeds[0]) > 100  # not the same face, ten years older


def test_the_old_have_the_skin_of_their_group() -> None:
    """The model's looks are not carried on beyond those who were photographed."""
    for seed in range(970_000, 970_010):
        young, old = (sample(seed, age=age, ethnicity="white") for age in (50, 75))
        assert np.array_equal(young.code, old.code)
        assert old.extrapolated
    assert describe(sample(3, age=75)).startswith(f"{sample(3).gender} of about 70 with ")


def test_where_nobody_fits_it_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("palsynth.subjects.description._MOST_TRIED", 5)
    with pytest.raises(InputError, match="nobody fits among 5 people; say less"):
        next(read_description("black person with light skin").subjects(0))


def test_a_face_is_described_by_its_skin_and_what_is_known(astronaut: Face) -> None:
    assert describe_face(astronaut) in {"person with light skin", "person with medium skin"}
    assert describe_face(astronaut, "female", 38.0).startswith("woman of about 40 with ")
    assert describe_face(astronaut, "unknown").startswith("person with ")
    people = [sample(seed) for seed in range(970_000, 970_024)]
    seen = [skin_in(detect_face(render(p, view=View(160, PORTRAIT)).image)) for p in people]
    alike = np.mean([one == skin_of(p) for one, p in zip(seen, people, strict=True)])
    assert alike > 0.8
    assert set(seen) == {"light", "medium", "dark"}
