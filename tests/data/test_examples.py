from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from palsynth.clinical import Movement, Palsy, Side
from palsynth.data.augment import Augmentation, AugmentedSource
from palsynth.data.drawn import PeopleSource, PhotographsSource
from palsynth.data.examples import MOVEMENTS, Example, labels, stack
from palsynth.data.stored import PART, FolderSource, KeptSource, MixedSource
from palsynth.errors import InputError
from palsynth.face import topology
from palsynth.face.face import Face
from palsynth.generation.people_export import ExportPlan, export
from palsynth.people import EVALUATION_SEEDS

STILL = Augmentation(0, 0, 0, 0, 0, 0, 0, 0, mirror=0)


def same(one: Example, other: Example) -> bool:
    pairs = zip(stack([one]).values(), stack([other]).values(), strict=True)
    return all(np.allclose(a, b, atol=1e-4, equal_nan=True) for a, b in pairs)


@pytest.fixture(scope="module")
def people() -> PeopleSource:
    return PeopleSource(first=40, count=4, size=64, seed=2)


def test_an_example_is_a_function_of_its_number(people: PeopleSource) -> None:
    assert same(people[7], PeopleSource(first=40, count=4, size=64, seed=2)[7])
    assert not same(people[7], people[8])
    assert not same(people[7], PeopleSource(first=40, count=4, size=64, seed=3)[7])


def test_every_round_shows_everybody(people: PeopleSource) -> None:
    rounds = [[people[k].person for k in range(r * 4, r * 4 + 4)] for r in range(3)]
    assert all(sorted(r) == [0, 1, 2, 3] for r in rounds)


def test_nothing_trains_on_evaluation_people() -> None:
    with pytest.raises(InputError, match="seeds from 1,000,000 on are for evaluation"):
        PeopleSource(first=EVALUATION_SEEDS - 2, count=3)


def test_mirroring_swaps_the_sides(people: PeopleSource) -> None:
    palsy = Palsy.weakness(Side.LEFT, 0.6)
    example = Example(people[0].image, 0, points=people[0].points, **labels(Movement.GRIN, palsy))
    mirrored = example.mirrored()
    assert np.array_equal(mirrored.image, example.image[:, ::-1])
    assert mirrored.function[1] == pytest.approx(example.function[0])
    assert mirrored.tone.tolist() == example.tone[::-1].tolist()
    a, b = topology.OUTER_CANTHUS["left"], topology.OUTER_CANTHUS["right"]
    assert mirrored.points[a, 0] > mirrored.points[b, 0]
    assert same(mirrored.mirrored(), example)


def test_points_follow_the_pixels(people: PeopleSource) -> None:
    """A bright dot at a landmark is still at that landmark when the picture was turned."""
    image = np.zeros((64, 64, 3), np.uint8)
    image[30:33, 20:23] = 255
    points = np.full((topology.POINTS, 2), np.nan, np.float32)
    points[0] = 21, 31
    turned = Augmentation(8.0, 0.1, 0.05, 0, 0, 0, 0, 0, mirror=0)
    for seed in range(8):
        got = turned(Example(image, 0, points=points), np.random.default_rng(seed))
        rows, columns = np.nonzero(got.image[..., 0] > 100)
        assert got.points[0] == pytest.approx([columns.mean(), rows.mean()], abs=0.6)
        assert np.isnan(got.points[1]).all()


def test_no_augmentation_changes_nothing(people: PeopleSource) -> None:
    got = STILL(people[0], np.random.default_rng(0))
    assert np.abs(got.image.astype(int) - people[0].image).max() <= 1


def test_each_number_is_augmented_in_its_own_way(people: PeopleSource) -> None:
    source = AugmentedSource(people, Augmentation(cover=1.0), seed=1)
    assert source.people == 4
    assert same(source[3], source[3])
    assert not np.array_equal(source[3].image, people[3].image)


def test_kept_examples_are_those_of_the_source(tmp_path: Path, people: PeopleSource) -> None:
    kept = KeptSource(people, tmp_path / "kept", count=6, seed=3)
    with pytest.raises(InputError, match=r"part-00000.npy has not been drawn yet"):
        kept[0]
    seen: list[tuple[int, int]] = []
    kept.draw(progress=lambda done, of: seen.append((done, of)))
    assert seen == [(6, 6)]
    first = [kept[n] for n in range(6)]
    assert all(any(same(e, people[n]) for n in range(6)) for e in first)
    assert len({e.image.tobytes() for e in first}) == 6
    assert {e.image.tobytes() for e in (kept[n] for n in range(6, 12))} == {
        e.image.tobytes() for e in first
    }
    before = (tmp_path / "kept" / "part-00000.npy").stat().st_mtime_ns
    kept.draw()
    assert (tmp_path / "kept" / "part-00000.npy").stat().st_mtime_ns == before
    other = KeptSource(PeopleSource(size=64), tmp_path / "kept", count=PART)
    with pytest.raises(InputError, match="keeps examples of another source"):
        other.draw()


def test_mixing_numbers_people_on(people: PeopleSource) -> None:
    other = PeopleSource(first=80, count=3, size=64)
    mixed = MixedSource([people, other], [1.0, 3.0], seed=1)
    assert mixed.people == 7
    persons = [mixed[n].person for n in range(60)]
    assert set(persons) == set(range(7))
    assert 30 < sum(p >= 4 for p in persons) < 55


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("data") / "set"
    export(where, ExportPlan(subjects=8, images_per_subject=2, size=64))
    return where


def test_a_folder_gives_its_labels(folder: Path) -> None:
    source = FolderSource(folder, ("train", "validation", "test"), size=128)
    assert source.people == 8
    assert len({source[n].image.tobytes() for n in range(16)}) == 16
    for index, row in enumerate(source.rows):
        example = source.example(index)
        assert example.image.shape == (128, 128, 3)
        assert MOVEMENTS[example.movement].value == row.movement
        known = np.flatnonzero(~np.isnan(example.points[:, 0]))
        assert sorted(topology.MULTIPIE_60.values()) == known.tolist()
        assert source.subjects[example.person] == row.subject_id
        left = example.points[topology.OUTER_CANTHUS["left"]]
        truth = np.array(row.attributes["multipie60"])[list(topology.MULTIPIE_60).index(45)]
        assert left == pytest.approx((truth + 0.5) * 2 - 0.5, abs=0.05)


def test_an_empty_split_is_named(folder: Path) -> None:
    with pytest.raises(InputError, match="no images in split nobody"):
        FolderSource(folder, ("nobody",))[0]


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory, astronaut: Face) -> Path:
    where = tmp_path_factory.mktemp("photographs")
    for kind in ("neutral", "smiling"):
        (where / kind).mkdir()
        Image.fromarray(astronaut.image).save(where / kind / "001.jpg")
        shutil.copy(where / kind / "001.jpg", where / kind / "002.jpg")
    (where / "split.csv").write_text("face_id,split\n001,train\n002,test\n")
    return where


def test_photographs_are_moved(photographs: Path) -> None:
    source = PhotographsSource(photographs, seed=1)
    assert source.names == ("001",), "test people stay unseen"
    examples = [source[n] for n in range(12)]
    assert len({e.image.tobytes() for e in examples}) == 12
    assert same(source[3], PhotographsSource(photographs, seed=1)[3])
    still = [e for e in examples if not np.isnan(e.points[468:]).any()]
    assert 0 < len(still) < 12, "irises are known of photographs that were not moved"
    for example in examples:
        left, right = (example.points[topology.OUTER_CANTHUS[s]] for s in ("left", "right"))
        assert left[0] - right[0] == pytest.approx(0.44 * 112, abs=4)
        assert left[1] == pytest.approx(right[1], abs=2)


def test_faults_of_a_photograph_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"split.csv: cannot be read"):
        PhotographsSource(tmp_path).people  # noqa: B018
    (tmp_path / "split.csv").write_text("name\n1\n")
    with pytest.raises(InputError, match=r"split.csv: column 'split' is missing"):
        PhotographsSource(tmp_path).people  # noqa: B018
