"""Pictures of the people that a model knows, and of patients."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from palsynth.clinical import YANAGIHARA
from palsynth.data.examples import MOVEMENTS
from palsynth.errors import InputError
from palsynth.methods.gans.config.people import PeopleSettings
from palsynth.methods.gans.people.albums import albums, first_pictures
from palsynth.methods.gans.people.sources import PeopleSource, UnpairedSource, resized
from palsynth.methods.gans.people.synthetic import (
    DARK_FROM,
    SyntheticPeople,
    balanced_people,
    public_seeds,
)
from palsynth.subjects import sample, subject_name
from tests.methods.cfcpalsy.conftest import clinical_set
from tests.methods.gans.tiny_people import people


class Painted:
    """An album whose pictures say whose they are: person k's picture n is 10 k + n + 1 all over,
    and 0 in its left half."""

    names = ("a", "b", "c")

    def __init__(self, first: int = 0) -> None:
        self.first = first

    def pictures_of(self, person: int) -> int:
        return 2 + person

    def read(self, person: int, picture: int) -> np.ndarray:
        image = np.full((8, 8, 3), self.first + 10 * person + picture + 1, np.uint8)
        image[:, :4] = 0
        return image


def test_public_people_are_the_first_that_balance_gender_and_tone() -> None:
    found = balanced_people(300_200, 8)
    kinds = [(s.gender, s.monk >= DARK_FROM) for s in map(sample, found)]
    turns = [("woman", False), ("man", True), ("woman", True), ("man", False)]
    assert kinds == 2 * turns
    for seed, kind in zip(found, kinds, strict=True):
        earlier = (sample(s) for s in range(300_200, seed) if s not in found)
        assert kind not in {(s.gender, s.monk >= DARK_FROM) for s in earlier}
    assert balanced_people(300_200, 4) == found[:4]


def test_public_people_are_no_patients_and_end_before_validation() -> None:
    seeds = public_seeds(PeopleSettings(first_subject=500, patients=30, people=3))
    assert seeds is not None
    assert min(seeds) >= 530
    assert public_seeds(PeopleSettings(dataset=Path("set"), public=("a",))) is None
    with pytest.raises(
        InputError, match=r"^people 8 from seed 989998: too few; give a lower seed$"
    ):
        public_seeds(PeopleSettings(first_subject=989_990, patients=8))


def test_each_subject_has_as_many_pictures_and_all_movements_come_equally_often() -> None:
    source = SyntheticPeople((300_003, 300_004), each=3, healthy=0.0, size=32)
    assert source.num_subjects == 2
    examples = [source[n] for n in range(6)]
    assert [e.subject for e in examples] == [0, 0, 0, 1, 1, 1]
    four = SyntheticPeople(tuple(range(300_003, 300_007)), each=3, healthy=0.0, size=32)
    movements = [four[n].movement for n in range(10)]
    assert sorted(movements) == sorted(MOVEMENTS.index(movement) for movement in YANAGIHARA)
    assert np.array_equal(source[4].image, examples[4].image)
    other = SyntheticPeople((300_003, 300_004), 3, 0.0, 32, seed=1)
    assert not np.array_equal(other[0].image, examples[0].image)


def test_healthy_people_have_no_palsy() -> None:
    for healthy, ill in ((1.0, 0), (0.0, 3)):
        source = SyntheticPeople((300_003,), 3, healthy, 32)
        assert sum(bool((source[n].function < 1).any()) for n in range(3)) == ill


def test_patients_and_public_people_take_turns() -> None:
    source = PeopleSource(Painted(), Painted(100), 8, mirror=0.0)
    examples = [source[n] for n in range(600)]
    assert [e.person for e in examples[:8]] == [3, 0, 3, 1, 3, 2, 3, 0]
    values = [int(e.image.max()) for e in examples]
    assert all(v > 100 for v in values[::2])
    assert all((v - 1) // 10 == e.person for v, e in zip(values[1::2], examples[1::2], strict=True))
    patients = Counter((v - 101) // 10 for v in values[::2])
    assert min(patients.values()) > 60, "each patient as often, however many pictures there are"
    assert set(values[1::2]) == {1, 2, 11, 12, 13, 21, 22, 23, 24}, "all pictures are used"
    assert source.num_subjects == 4
    assert np.array_equal(source[7].image, examples[7].image)


def test_some_examples_are_mirrored() -> None:
    for share, expected in ((0.0, 0), (1.0, 40)):
        source = UnpairedSource(Painted(), Painted(100), 1, 8, mirror=share)
        mirrored = [bool(source[n].patient[0, 0, 0]) for n in range(40)]
        assert sum(mirrored) == expected


def test_unpaired_examples_are_of_one_public_person_and_of_any_patient() -> None:
    source = UnpairedSource(Painted(), Painted(100), 1, 8)
    examples = [source[n] for n in range(60)]
    assert {int(e.person.max()) for e in examples} == {11, 12, 13}
    assert {(int(e.patient.max()) - 101) // 10 for e in examples} == {0, 1, 2}
    assert source.num_subjects is None


def test_albums_are_rendered_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = people(tmp_path)
    public, patients = albums(settings, 32)
    seeds = public_seeds(settings)
    assert seeds is not None
    assert public.names == tuple(subject_name(seed) for seed in seeds)
    assert patients.names == tuple(subject_name(300_000 + k) for k in range(3))
    assert [len(pictures) for pictures in first_pictures(patients, 5)] == [2, 2, 2]
    fresh, _ = albums(settings, 32, build_cache=False)
    monkeypatch.setattr("palsynth.methods.gans.people.synthetic.render", None)
    again, _ = albums(settings, 32)
    difference = np.abs(again.read(1, 1).astype(int) - public.read(1, 1))
    assert difference.max() == 0
    monkeypatch.undo()
    assert np.abs(fresh.read(1, 1).astype(int) - public.read(1, 1)).mean() < 3


def test_a_dataset_has_public_people_and_patients(tmp_path: Path) -> None:
    folder = clinical_set(tmp_path / "set")
    public, patients = albums(PeopleSettings(dataset=folder, public=("32",)), 64)
    assert (public.names, patients.names) == (("32",), ("31",))
    assert patients.pictures_of(0) == 2
    assert patients.read(0, 1).shape == (112, 112, 3)
    assert not np.array_equal(patients.read(0, 0), public.read(0, 0))
    with pytest.raises(InputError, match=r"has no pictures of subject 7; name others as public$"):
        albums(PeopleSettings(dataset=folder, public=("7",)), 64)
    with pytest.raises(InputError, match=r"all subjects are public; leave some as patients$"):
        albums(PeopleSettings(dataset=folder, public=("31", "32")), 64)


def test_pictures_are_reduced_by_their_areas() -> None:
    image = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    assert resized(image, 8) is image
    expected = cv2.resize(image, (4, 4), interpolation=cv2.INTER_AREA)
    assert np.array_equal(resized(image, 4), expected)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"dataset": Path("set")}, "dataset and public: give both, or neither"),
        ({"public": ("a",)}, "dataset and public: give both, or neither"),
        ({"people": 0}, "people 0: must be at least 1"),
        ({"pictures_of_patient": 0}, "pictures_of_patient 0: must be at least 1"),
        ({"seed": -1}, "seed -1: must not be negative"),
        ({"mirror": 1.5}, "mirror 1.5: must lie in 0 … 1"),
        (
            {"first_subject": 989_900},
            "first_subject 989900 with patients 200: "
            "seeds from 990,000 on are for validation and evaluation",
        ),
    ],
)
def test_impossible_people_are_refused_in_a_line(fields: dict, error: str) -> None:
    with pytest.raises(InputError) as found:
        PeopleSettings(**fields)
    assert str(found.value) == error
