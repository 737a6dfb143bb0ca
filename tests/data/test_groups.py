"""Generated and cached groups."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from palsynth.clinical import Movement
from palsynth.data.examples import MOVEMENTS
from palsynth.data.groups import MEMBERS, SCRIPTS, CachedGroups, GroupsSource
from palsynth.data.training_pairs import PairsSource
from palsynth.errors import InputError
from palsynth.subjects import View, render, sample

SOURCE = GroupsSource(500, 40, size=64, seed=3)


@pytest.fixture(scope="module")
def group() -> np.ndarray:
    return SOURCE[7]


@pytest.fixture(scope="module")
def cached(tmp_path_factory: pytest.TempPathFactory) -> CachedGroups:
    groups = CachedGroups(replace(SOURCE, num_subjects=8), tmp_path_factory.mktemp("groups"), 2)
    groups.build(1)
    return groups


def test_a_group_is_a_pure_function_of_its_number(group: np.ndarray) -> None:
    assert SOURCE[7].tobytes() == group.tobytes()
    assert SOURCE[8].tobytes() != group.tobytes()
    assert group["rest"].shape == (MEMBERS, 64, 64, 3)
    assert group["moved"].shape == (MEMBERS, SCRIPTS, 64, 64, 3)
    assert group["draft"].shape == (MEMBERS, MEMBERS - 1, SCRIPTS, 64, 64, 3)
    assert set(group["movement"]) <= set(range(len(MOVEMENTS)))
    assert 0 <= group["function"].min() <= group["function"].max() <= 1


def test_the_draft_is_closer_to_the_target_than_the_identity(group: np.ndarray) -> None:
    """In the median: the expression is sometimes captured wrongly."""

    def squared_error(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.square(a.astype(float) - b).mean((-1, -2, -3))

    rest = group["rest"][:, None].repeat(SCRIPTS, 1)
    moved = squared_error(rest, group["moved"])
    clear = moved > np.median(moved)
    drafts = squared_error(group["draft"], group["moved"][:, None]).mean(1)
    assert np.median(drafts[clear] / moved[clear]) < 0.8


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people, neutral and smiling, in the layout of the London set."""
    folder = tmp_path_factory.mktemp("photographs")
    for kind, movement in (("neutral", Movement.REST), ("smiling", Movement.GRIN)):
        (folder / kind).mkdir()
        for name in (1, 2):
            image = render(sample(20 + name), movement, view=View(256)).image
            Image.fromarray(image).save(folder / kind / f"{name:03}.jpg")
    (folder / "split.csv").write_text("face_id,split\n001,train\n002,train\n")
    return folder


def test_photographed_half_smiles_lack_one_side(photographs: Path) -> None:
    group = GroupsSource(500, 40, photographs, mixed=0.0, smiling=1.0, size=96)[0]
    assert (group["movement"] == MOVEMENTS.index(Movement.GRIN)).all()
    function = group["function"].min(-1)  # (script, left | right)
    assert (function[0] == 1).all()
    assert function[1, 0] < 1 == function[1, 1]
    assert function[2, 1] < 1 == function[2, 0]
    whole, left, right = group["moved"][0].astype(float)
    cheek, mirrored = np.s_[50:80, 60:76], np.s_[50:80, 20:36]  # the patient's left lies right

    def difference(a: np.ndarray, b: np.ndarray, region: tuple[slice, slice]) -> float:
        return float(np.abs(a[region] - b[region]).mean())

    assert difference(left, whole, cheek) > 2 * difference(right, whole, cheek)
    assert difference(right, whole, mirrored) > 2 * difference(left, whole, mirrored)


def test_evaluation_subjects_are_refused() -> None:
    with pytest.raises(InputError, match="are for evaluation and must not be trained on"):
        GroupsSource(999_990, 20)
    with pytest.raises(InputError, match="999990 to 1000000"):
        GroupsSource(999_990, 11)
    assert GroupsSource(999_990, 10).num_subjects == 10
    with pytest.raises(InputError, match="a group needs 4"):
        GroupsSource(0, 3)


def test_cached_groups_are_those_of_the_source_and_pairs_are_reduced(cached: CachedGroups) -> None:
    assert cached[1].tobytes() == cached.source[1].tobytes()
    pair = PairsSource(cached, size=32)[5]
    assert pair.identity.shape == pair.draft.shape == (32, 32, 3)
    assert pair.function.shape == (2, 5)


def test_a_folder_of_other_groups_is_refused(cached: CachedGroups) -> None:
    with pytest.raises(InputError, match="holds groups of another source"):
        replace(cached, count=3).build(1)
    with pytest.raises(InputError, match="has not been built yet"):
        replace(cached, folder=cached.folder / "none")[0]


def test_uncached_groups_equal_cached_ones(cached: CachedGroups) -> None:
    uncached = replace(cached, folder=cached.folder / "none", uncached=True)
    assert np.array_equal(uncached[1]["rest"], cached[1]["rest"])
    assert not uncached.folder.exists()
