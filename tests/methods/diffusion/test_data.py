"""Training pictures of groups and of datasets, with their labels."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from palsynth.clinical import YANAGIHARA, Grade, Movement, Palsy, Side
from palsynth.data.examples import MOVEMENTS, SIDES, labels
from palsynth.data.folder_source import FolderSource
from palsynth.data.groups import MEMBERS, SCRIPTS, group_type
from palsynth.data.manifest import Row, write_manifest
from palsynth.data.pair_settings import PairsSettings
from palsynth.errors import InputError
from palsynth.face.images import write_png
from palsynth.methods.diffusion.data import FolderPictures, GroupPictures, pictures_source
from palsynth.methods.diffusion.labels import Condition, ConditionLabels
from palsynth.subjects import View, render, sample

LABELS = ConditionLabels(tuple(m.value for m in YANAGIHARA))
LEFT = Palsy.peripheral(Side.LEFT, Grade.V)
SHOWN = [(Movement.GRIN, LEFT), (Movement.WHISTLE, Palsy.none()), (Movement.BLINK, LEFT)]


class Groups:
    """Two groups whose pictures are grey, each of another level, and darker on the left."""

    count = 2

    def __getitem__(self, number: int) -> np.ndarray:
        group = np.zeros((), group_type(8))
        levels = 2 + np.arange(MEMBERS * SCRIPTS) + number * MEMBERS * SCRIPTS
        group["moved"][:] = levels.reshape(MEMBERS, SCRIPTS, 1, 1, 1)
        group["moved"][:, :, :, :4] = 1
        for script, (movement, palsy) in enumerate(SHOWN):
            fields = labels(movement, palsy)
            group["movement"][script] = fields["movement"]
            group["function"][script], group["tone"][script] = fields["function"], fields["tone"]
        return group


def test_every_picture_of_the_groups_comes_once_an_epoch() -> None:
    source = GroupPictures(Groups(), LABELS, 8, mirror=0.0, seed=3)  # type: ignore[arg-type]
    pictures = [source[number] for number in range(24)]
    assert sorted(int(p.image[0, -1, 0]) for p in pictures) == list(range(2, 26))
    assert sorted(p.number for p in pictures) == [2 * k for k in range(24)]
    assert [p.number for p in pictures] != [source[24 + k].number for k in range(24)], "shuffled"
    assert Counter(p.label for p in pictures) == {
        LABELS.encode([Condition(Movement.GRIN, Side.LEFT)])[0]: 8,
        LABELS.encode([Condition(Movement.WHISTLE, None)])[0]: 8,
        LABELS.null: 8,  # a movement that the model does not know
    }


def test_a_mirrored_picture_has_its_sides_and_its_number_exchanged() -> None:
    plain = GroupPictures(Groups(), LABELS, 8, mirror=0.0)  # type: ignore[arg-type]
    mirrored = replace(plain, mirror=1.0)
    for number in range(12):
        one, other = plain[number], mirrored[number]
        assert np.array_equal(one.image[:, ::-1], other.image)
        assert other.number == one.number + 1
        if one.label == LABELS.encode([Condition(Movement.GRIN, Side.LEFT)])[0]:
            assert other.label == LABELS.encode([Condition(Movement.GRIN, Side.RIGHT)])[0]
        else:
            assert other.label == one.label, "of the healthy, and of the unknown"
    half = replace(plain, mirror=0.5)
    assert {half[number].number % 2 for number in range(12)} == {0, 1}


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of one subject: a labelled picture, one without a side, one without a movement."""
    folder = tmp_path_factory.mktemp("clinic")
    rows = [
        Row("a.png", "31", "grin", side="right", split="train"),
        Row("b.png", "31", "rest", split="train"),
        Row("c.png", "31", None, side="right", split="train"),
        Row("d.png", "31", "rest", hb_grade="I", split="train"),
    ]
    for row in rows:
        movement = Movement(row.movement or "rest")
        write_png(folder / row.file_name, render(sample(31), movement, view=View(192)).image)
    write_manifest(folder, rows)
    return folder


def test_pictures_of_a_dataset_have_the_labels_that_their_rows_give(clinic: Path) -> None:
    pictures = FolderPictures(FolderSource(clinic, size=16), LABELS, mirror=0.0)
    pictures.prepare(conditioned=True)
    grin, rest = LABELS.encode(
        [Condition(Movement.GRIN, Side.RIGHT), Condition(Movement.REST, None)]
    )
    expected = [grin, LABELS.null, LABELS.null, rest]
    assert [pictures.example(k).label for k in range(4)] == expected
    assert pictures.example(0).image.shape == (16, 16, 3)
    assert sorted(pictures[k].label for k in range(4)) == sorted(expected)
    mirrored = replace(pictures, mirror=1.0)
    left = LABELS.encode([Condition(Movement.GRIN, Side.LEFT)])[0]
    assert left in {mirrored[k].label for k in range(4)}
    assert len({p[k].number for p in (pictures, mirrored) for k in range(4)}) == 8
    assert (pictures.num_subjects, pictures.folder) == (1, clinic)


def test_a_dataset_without_labels_is_for_models_without_conditions(clinic: Path) -> None:
    bare = clinic.parent / "bare"
    bare.mkdir()
    write_manifest(bare, [Row("b.png", "31", "rest", split="train")])
    (bare / "b.png").write_bytes((clinic / "b.png").read_bytes())
    pictures = FolderPictures(FolderSource(bare, size=16), LABELS)
    pictures.prepare(conditioned=False)
    with pytest.raises(InputError, match=r"bare: no picture has both a movement .* and a side; "):
        pictures.prepare(conditioned=True)


def test_the_source_is_that_of_the_settings(tmp_path: Path) -> None:
    settings = PairsSettings(subjects=9, groups=5, cache_dir=tmp_path, mirror=0.3, seed=6)
    source = pictures_source(settings, LABELS, 56, build_cache=False)
    assert isinstance(source, GroupPictures)
    assert (source.size, source.mirror, source.seed, source.groups.count) == (56, 0.3, 6, 5)
    clinical = pictures_source(replace(settings, dataset=tmp_path), LABELS, 56)
    assert isinstance(clinical, FolderPictures)
    assert clinical.source == FolderSource(tmp_path, size=56, seed=6)
    assert clinical.mirror == 0.3


def test_labels_cover_the_movements_of_the_groups() -> None:
    """Scripts of groups are of the ten movements, none of which has the null label."""
    for movement in YANAGIHARA:
        assert LABELS.of_example(MOVEMENTS.index(movement), SIDES.index(None)) < LABELS.null
