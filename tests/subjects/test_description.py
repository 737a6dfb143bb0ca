"""Descriptions of faces: parsing, sampling and describing."""

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
def test_the_vocabulary(words: str, known: tuple[object, ...]) -> None:
    found = read_description(words)
    assert (found.gender, found.age, found.group, found.skin) == known


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ("purple elephant", "'purple elephant' cannot be rendered; use woman or man, an age"),
        ("old man", "'old' cannot be rendered"),
        ("Asian woman", "'asian' cannot be rendered; .* East Asian or West Asian"),
        ("woman with freckles", "'freckles' cannot be rendered"),
        ("light man with dark skin", "contains light and dark; use one of them"),
        ("man of 30 or 40", "'or' cannot be rendered"),
        ("man of 30, 40", "contains 30 and 40; use one of them"),
        ("man of 12", "subjects can be rendered from 16 to 80 years"),
        ("  ", "is empty; use woman or man"),
        ("女性", "is empty; use woman or man"),
    ],
)
def test_faults_of_a_description_are_named(words: str, fault: str) -> None:
    with pytest.raises(InputError, match=f"^description '{words}': {fault}"):
        read_description(words)


def test_matching_subjects_are_sampled_from_a_seed_on() -> None:
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


def test_old_subjects_have_the_skin_of_their_group() -> None:
    """The model's appearance is not extrapolated beyond the photographed ages."""
    for seed in range(970_000, 970_010):
        young, old = (sample(seed, age=age, ethnicity="white") for age in (50, 75))
        assert np.array_equal(young.code, old.code)
        assert old.extrapolated
    assert describe(sample(3, age=75)).startswith(f"{sample(3).gender} of about 70 with ")


def test_a_description_without_a_match_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("palsynth.subjects.description._MAX_TRIALS", 5)
    with pytest.raises(InputError, match="no match among 5 subjects; use fewer words"):
        next(read_description("black person with light skin").subjects(0))


def test_a_face_is_described_by_its_skin_and_known_attributes(astronaut: Face) -> None:
    assert describe_face(astronaut) in {"person with light skin", "person with medium skin"}
    assert describe_face(astronaut, "female", 38.0).startswith("woman of about 40 with ")
    assert describe_face(astronaut, "unknown").startswith("person with ")
    subjects = [sample(seed) for seed in range(970_000, 970_024)]
    tones = [skin_in(detect_face(render(p, view=View(160, PORTRAIT)).image)) for p in subjects]
    correct = [tone == skin_of(p) for tone, p in zip(tones, subjects, strict=True)]
    assert np.mean(correct) > 0.8
    assert set(tones) == {"light", "medium", "dark"}
