"""Groups as they are drawn and kept."""

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
def kept(tmp_path_factory: pytest.TempPathFactory) -> CachedGroups:
    found = CachedGroups(replace(SOURCE, num_subjects=8), tmp_path_factory.mktemp("groups"), 2)
    found.build(1)
    return found


def test_a_group_is_a_pure_function_of_its_number(group: np.ndarray) -> None:
    assert SOURCE[7].tobytes() == group.tobytes()
    assert SOURCE[8].tobytes() != group.tobytes()
    assert group["rest"].shape == (MEMBERS, 64, 64, 3)
    assert group["moved"].shape == (MEMBERS, SCRIPTS, 64, 64, 3)
    assert group["draft"].shape == (MEMBERS, MEMBERS - 1, SCRIPTS, 64, 64, 3)
    assert set(group["movement"]) <= set(range(len(MOVEMENTS)))
    assert 0 <= group["function"].min() <= group["function"].max() <= 1


def test_the_draft_is_nearer_to_the_answer_than_the_identity(group: np.ndarray) -> None:
    """On the whole: now and then the picture it comes from is misread."""

    def apart(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.square(a.astype(float) - b).mean((-1, -2, -3))

    rest = group["rest"][:, None].repeat(SCRIPTS, 1)
    moved = apart(rest, group["moved"])
    clear = moved > np.median(moved)
    drafts = apart(group["draft"], group["moved"][:, None]).mean(1)
    assert np.median(drafts[clear] / moved[clear]) < 0.8


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people, neutral and smiling, as a London-set folder holds photographs."""
    where = tmp_path_factory.mktemp("photographs")
    for kind, movement in (("neutral", Movement.REST), ("smiling", Movement.GRIN)):
        (where / kind).mkdir()
        for name in (1, 2):
            image = render(sample(20 + name), movement, view=View(256)).image
            Image.fromarray(image).save(where / kind / f"{name:03}.jpg")
    (where / "split.csv").write_text("face_id,split\n001,train\n002,train\n")
    return where


def test_smilers_show_smiles_that_lack_a_side(photographs: Path) -> None:
    group = GroupsSource(500, 40, photographs, mixed=0.0, smiling=1.0, size=96)[0]
    assert (group["movement"] == MOVEMENTS.index(Movement.GRIN)).all()
    function = group["function"].min(-1)  # (script, left | right)
    assert (function[0] == 1).all()
    assert function[1, 0] < 1 == function[1, 1]
    assert function[2, 1] < 1 == function[2, 0]
    whole, left, right = group["moved"][0].astype(float)
    cheek, mirrored = np.s_[50:80, 60:76], np.s_[50:80, 20:36]  # the patient's left lies right

    def off(a: np.ndarray, b: np.ndarray, where: tuple[slice, slice]) -> float:
        return float(np.abs(a[where] - b[where]).mean())

    assert off(left, whole, cheek) > 2 * off(right, whole, cheek)
    assert off(right, whole, mirrored) > 2 * off(left, whole, mirrored)


def test_evaluation_people_are_refused() -> None:
    with pytest.raises(InputError, match="are for evaluation; nothing trains on them"):
        GroupsSource(999_990, 20)
    with pytest.raises(InputError, match="999990 to 1000000"):
        GroupsSource(999_990, 11)
    assert GroupsSource(999_990, 10).num_subjects == 10
    with pytest.raises(InputError, match="a group needs 4"):
        GroupsSource(0, 3)


def test_kept_groups_are_the_sources_and_pairs_are_reduced(kept: CachedGroups) -> None:
    assert kept[1].tobytes() == kept.source[1].tobytes()
    pair = PairsSource(kept, size=32)[5]
    assert pair.identity.shape == pair.draft.shape == (32, 32, 3)
    assert pair.function.shape == (2, 5)


def test_a_folder_of_other_groups_is_refused(kept: CachedGroups) -> None:
    with pytest.raises(InputError, match="keeps groups of another source"):
        replace(kept, count=3).build(1)
    with pytest.raises(InputError, match="has not been drawn yet"):
        replace(kept, folder=kept.folder / "none")[0]


def test_live_groups_are_those_that_would_be_kept(kept: CachedGroups) -> None:
    uncached = replace(kept, folder=kept.folder / "none", uncached=True)
    assert np.array_equal(uncached[1]["rest"], kept[1]["rest"])
    assert not uncached.folder.exists()
