"""Groups and the pairs made of them; pairs of a dataset folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from palsynth.clinical import Movement
from palsynth.data.examples import MOVEMENTS, stack
from palsynth.data.folder_pairs import FolderPairs
from palsynth.data.groups import (
    MEMBERS,
    SCRIPTS,
    GroupsSource,
    KeptGroups,
    PairsSource,
    pair_of,
)
from palsynth.data.manifest import read_manifest, write_manifest
from palsynth.errors import InputError
from palsynth.generation.people_export import ExportPlan, export
from palsynth.people import View, render, sample

SOURCE = GroupsSource(500, 40, size=64, seed=3)


@pytest.fixture(scope="module")
def group() -> np.ndarray:
    return SOURCE[7]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> KeptGroups:
    found = KeptGroups(replace(SOURCE, people=8), tmp_path_factory.mktemp("groups"), 2)
    found.draw(1)
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


def test_drafts_follow_whose_picture_they_come_from(group: np.ndarray) -> None:
    """Each is what the simulator makes of that member's picture, and no two of them are alike."""
    who, script = 0, int(np.argmin(group["function"].mean((1, 2))))
    for place in range(MEMBERS - 1):
        other = (who + 1 + place) % MEMBERS
        pair = pair_of(group, who, script, other, 64)
        assert np.array_equal(pair.draft, group["draft"][who, place, script])
        assert np.array_equal(pair.expression, group["moved"][other, script])
    assert len({group["draft"][who, k, script].tobytes() for k in range(MEMBERS - 1)}) == 3


def test_evaluation_people_are_refused() -> None:
    with pytest.raises(InputError, match="are for evaluation; nothing trains on them"):
        GroupsSource(999_990, 20)
    with pytest.raises(InputError, match="a group needs 4"):
        GroupsSource(0, 3)


def test_a_crossed_pair_shows_another_persons_expression(group: np.ndarray) -> None:
    pair = pair_of(group, 1, 2, 3, 64)
    assert np.array_equal(pair.identity, group["rest"][1])
    assert np.array_equal(pair.expression, group["moved"][3, 2])
    assert np.array_equal(pair.target, group["moved"][1, 2])
    assert np.array_equal(pair.draft, group["draft"][1, 1, 2])
    assert pair.movement == group["movement"][2]


def test_a_mirrored_pair_changes_sides(group: np.ndarray) -> None:
    pair = pair_of(group, 0, 0, 1, 64)
    there = pair.mirrored()
    assert np.array_equal(there.target, pair.target[:, ::-1])
    assert np.array_equal(there.function, pair.function[::-1])
    back = there.mirrored().arrays()
    assert all(np.array_equal(back[name], array) for name, array in pair.arrays().items())


def test_kept_groups_are_the_sources_and_give_pairs_by_number(kept: KeptGroups) -> None:
    assert kept[1].tobytes() == kept.source[1].tobytes()
    crossed = PairsSource(kept, size=32)
    assert crossed[5].arrays()["target"].tobytes() == crossed[5].arrays()["target"].tobytes()
    batch = stack([crossed[n] for n in range(6)])
    assert batch["identity"].shape == (6, 32, 32, 3)
    assert batch["function"].shape == (6, 2, 5)
    same = PairsSource(kept, crossed=False, size=64, mirror=0)
    for n in range(8):
        pair = same[n]
        assert np.array_equal(pair.expression, pair.target), "as the paper trains"
        assert not np.array_equal(pair.identity, pair.target)


def test_a_folder_of_other_groups_is_refused(kept: KeptGroups) -> None:
    with pytest.raises(InputError, match="keeps groups of another source"):
        replace(kept, count=3).draw(1)
    with pytest.raises(InputError, match="has not been drawn yet"):
        replace(kept, folder=kept.folder / "none")[0]


def test_live_groups_are_those_that_would_be_kept(kept: KeptGroups) -> None:
    live = replace(kept, folder=kept.folder / "none", live=True)
    assert np.array_equal(live[1]["rest"], kept[1]["rest"])
    assert not live.folder.exists()


def test_pairs_of_a_dataset_are_two_images_of_one_subject(tmp_path: Path) -> None:
    rows = export(tmp_path, ExportPlan(3, 3, seed=9))
    write_manifest(tmp_path, [replace(row, split="train") for row in rows])
    pairs = FolderPairs(tmp_path, size=48)
    seen = set()
    for n in range(9):
        pair = pairs[n]
        assert pair.target.shape == (48, 48, 3)
        assert np.array_equal(pair.expression, pair.target)
        assert not np.array_equal(pair.identity, pair.target)
        seen.add(pair.target.tobytes())
    assert len(seen) == 9, "every image once a round"
    lonely = read_manifest(tmp_path)[:4]
    write_manifest(tmp_path, [replace(row, split="train") for row in lonely])
    with pytest.raises(InputError, match="has one image only; a pair needs two"):
        FolderPairs(tmp_path)[0]
