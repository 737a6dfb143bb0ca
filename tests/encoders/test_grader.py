from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from palsynth.clinical import Movement, Palsy, Side
from palsynth.data.augment import Augmentation
from palsynth.data.examples import UNKNOWN
from palsynth.data.folder_source import FolderSource
from palsynth.data.manifest import Row, write_manifest
from palsynth.data.synthetic_source import SyntheticSource
from palsynth.encoders.grader import GraderData, GraderObjective, GraderRecipe, GraderSettings
from palsynth.encoders.grader_features import DIM, FeatureRows, grader_features
from palsynth.encoders.grading import FeatureGrader, Grader, predict, read_grader
from palsynth.encoders.reading import MOVEMENTS_NOW
from palsynth.errors import InputError
from palsynth.face.images import write_png
from palsynth.training.kinds import load_recipe
from tests.data.aligned import aligned

SCRATCH = GraderSettings(features="scratch")


def _grader() -> Grader:
    """A grader whose logits are its biases for any image, initially 0."""
    grader = Grader((4, 4, 4, 4), (1, 1, 1, 1), 2, 8, 0.0).eval()
    for layer in (grader.item, grader.grade):
        torch.nn.init.zeros_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    return grader


def test_the_given_movement_selects_the_item() -> None:
    grader = _grader()
    with torch.no_grad():
        grader.item.bias.view(11, 3)[:] = torch.arange(33.0).view(11, 3)
        found = grader(torch.zeros(3, 3, 112, 112), torch.tensor([0, 8, UNKNOWN]))
    item, grade = found.item, found.grade
    assert found.side is None, "as of a grader of 0.1"
    assert item.tolist() == [[0, 1, 2], [24, 25, 26], [0, 1, 2]]
    assert grade.shape == (3, 6)


def test_losses_by_hand_where_labels_are_known() -> None:
    """Of uniform predictions the loss is the logarithm of the number of classes."""
    batch = {
        "image": torch.zeros(4, 112, 112, 3, dtype=torch.uint8),
        "movement": torch.tensor([3, UNKNOWN, 3, UNKNOWN]),
        "item": torch.tensor([0, 1, 2, 1]),  # an item without its movement is ignored
        "grade": torch.tensor([5, 0, UNKNOWN, UNKNOWN]),
    }
    found = GraderObjective(_grader())(batch, torch.Generator())
    of_item, of_grade = np.log(3), np.log(6)
    assert float(found.parts["item"]) == pytest.approx(of_item)
    assert float(found.parts["grade"]) == pytest.approx(of_grade)
    assert float(found.total) == pytest.approx(of_item + of_grade)
    assert found.per_image is not None
    assert found.per_image.tolist() == pytest.approx(
        [of_item + of_grade, of_grade, of_item, float("nan")], nan_ok=True
    )


def test_folders_have_equal_shares_of_the_training_examples(tmp_path: Path) -> None:
    """Pictures of the train people are dark or grey; those of the test people are white."""
    for name, level, count in (("few", 10, 1), ("many", 120, 7)):
        known = {"movement": "grin", "yanagihara_item": 2, "attributes": aligned(112)}
        rows = [Row("t.png", "tested", split="test", **known)]
        write_png(tmp_path / name / "t.png", np.full((112, 112, 3), 255, np.uint8))
        for k in range(count):
            rows.append(Row(f"{k}.png", f"p{k}", split="train", **known))
            write_png(tmp_path / name / f"{k}.png", np.full((112, 112, 3), level, np.uint8))
        write_manifest(tmp_path / name, rows)
    no_augmentation = Augmentation(0, 0, 0, 0, 0, 0, 0, 0, 0)
    source = GraderData((tmp_path / "few", tmp_path / "many"), no_augmentation).build()
    levels = [int(source[n].image[56, 56, 0]) for n in range(200)]
    assert set(levels) == {10, 120}
    assert 70 < levels.count(10) < 130, "a folder's share does not depend on its size"
    recipe = GraderRecipe(model=SCRATCH, data=GraderData((tmp_path / "few",), no_augmentation))
    assert int(recipe.source()[0].image[0, 0, 0]) == 10


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five pictures: a palsy, a side alone, a grade I alone, another grade alone, no label."""
    folder = tmp_path_factory.mktemp("faces")
    source = SyntheticSource(960_000, 5, seed=2)
    labels: list[dict[str, object]] = [
        {"palsy": Palsy.weakness(Side.RIGHT, 0.8).to_dict(), "yanagihara_item": 0},
        {"side": "left", "hb_grade": "IV"},
        {"hb_grade": "I"},
        {"hb_grade": "III"},
        {},
    ]
    rows = []
    for n, known in enumerate(labels):
        rows.append(Row(f"{n}.png", f"s{n}", Movement.GRIN.value, split="train", **known))
        write_png(folder / rows[-1].file_name, source[n].image)
    write_manifest(folder, rows)
    return folder


def test_the_weak_side_is_labelled_where_it_is_known(faces: Path) -> None:
    """A grade without a side tells no side, but grade I tells that there is none."""
    source = FolderSource(faces)
    assert [source.example(k).side for k in range(5)] == [2, 1, 0, UNKNOWN, UNKNOWN]
    assert [source.example(k).mirrored().side for k in range(5)] == [1, 2, 0, UNKNOWN, UNKNOWN]


def test_the_mirror_image_has_the_same_grade_and_the_other_side() -> None:
    torch.manual_seed(0)
    grader = FeatureGrader(16, 0.5, MOVEMENTS_NOW).eval()
    features, movement = torch.randn(4, 2, DIM), torch.tensor([8, 0, 3, UNKNOWN])
    with torch.no_grad():
        one, other = grader(features, movement), grader(features.flip(1), movement)
        rest = grader(features, torch.zeros(4, dtype=torch.long))
    assert torch.allclose(one.item, other.item, atol=1e-5)
    assert torch.allclose(one.grade, other.grade, atol=1e-5)
    assert torch.allclose(one.side, other.side[:, [0, 2, 1]], atol=1e-5)
    assert not torch.allclose(one.side[:, 1], one.side[:, 2], atol=1e-3)
    assert not torch.allclose(one.item[0], rest.item[0], atol=1e-3), "the movement is an input"
    assert torch.allclose(one.item[3], rest.item[3]), "an unknown movement counts as rest"


def test_features_are_of_the_image_and_of_its_mirror_image(faces: Path) -> None:
    source = FolderSource(faces)
    images = [source.example(k).image for k in range(3)]
    found = grader_features(images)
    assert found.shape == (3, 2, DIM)
    mirrored = grader_features([np.ascontiguousarray(image[:, ::-1]) for image in images])
    vector = slice(0, 512)
    assert np.allclose(found[:, :, vector], mirrored[:, ::-1, vector], atol=1e-4)
    assert not np.allclose(found[:, 0], found[:, 1], atol=0.5)
    # the detector is no mirror of itself, but nearly
    off = np.abs(found - mirrored[:, ::-1])[:, :, 512:].mean()
    assert off < 0.5 * np.abs(found[:, 0] - found[:, 1])[:, 512:].mean()
    alone = grader_features(images[1:2])
    assert np.allclose(alone[0], found[1], atol=1e-3)


def test_views_are_cached_once_for_all_seeds(faces: Path, tmp_path: Path) -> None:
    data = GraderData((faces,), views=2, cache_dir=tmp_path / "cache", seed=0)
    views = data.build_features()
    files = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("views-*.npy")}
    assert len(files) == 1
    found = [views[n] for n in range(10)]
    plain = FeatureRows(FolderSource(faces))
    for index in range(5):
        expected = plain.example(index)
        same = [e for e in found if np.allclose(e.features, expected.features, atol=1e-3)]
        assert len(same) == 1, "one of the two views of a picture is the picture itself"
        for name in ("subject", "movement", "item", "grade", "side"):
            assert getattr(same[0], name) == getattr(expected, name)
            assert sum(getattr(e, name) == getattr(expected, name) for e in found) >= 2
    other = GraderData((faces,), views=2, cache_dir=tmp_path / "cache", seed=1).build_features()
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("views-*.npy")} == files
    assert not all(np.array_equal(other[n].features, found[n].features) for n in range(10))
    moved = shutil.copytree(faces, tmp_path / "moved")
    GraderData((moved,), views=2, cache_dir=tmp_path / "cache").build_features()
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("views-*.npy")} == files
    uncached = GraderData((faces,), views=2).build_features()
    assert np.allclose(uncached[3].features, found[3].features, atol=1e-3)
    with pytest.raises(InputError, match="features of another source or other options: views is 2"):
        GraderData((faces,), views=3, cache_dir=tmp_path / "cache").build_features()


def test_graders_of_0_1_still_load(tmp_path: Path) -> None:
    """Their configuration has no field for the side, and the network no layer."""
    grader = _grader()
    grader.save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    del config["predict_side"]
    (tmp_path / "config.json").write_text(json.dumps(config))
    loaded = read_grader(tmp_path)
    batch = {"image": torch.zeros(1, 112, 112, 3, dtype=torch.uint8), "movement": torch.tensor([8])}
    assert predict(loaded, batch).side is None
    assert torch.equal(predict(loaded, batch).item, predict(grader, batch).item)


def test_recipes_of_0_1_train_from_scratch(tmp_path: Path) -> None:
    """What a run of 0.1 wrote is the same network; a file that names no sizes takes the default."""
    sizes = "{widths: [4, 4, 4, 4], depths: [1, 1, 1, 1], narrow: 2, dim: 8, dropout: 0.0}"
    path = tmp_path / "recipe.yaml"
    path.write_text(f"kind: grader\nmodel: {sizes}\n")
    grader = load_recipe(path).objective().grader
    assert isinstance(grader, Grader)
    assert grader.side is None
    path.write_text("kind: grader\nmodel: {features: scratch, widths: [4, 4, 4, 4]}\n")
    assert load_recipe(path).objective().grader.side is not None
    path.write_text("kind: grader\nloop: {steps: 3}\n")
    assert isinstance(load_recipe(path).objective().grader, FeatureGrader)


def test_a_grader_on_features_of_other_encoders_is_refused(tmp_path: Path) -> None:
    grader = GraderRecipe(model=GraderSettings(hidden=4)).objective().grader
    grader.save_pretrained(tmp_path)
    assert isinstance(read_grader(tmp_path), FeatureGrader)
    text = (tmp_path / "config.json").read_text()
    (tmp_path / "config.json").write_text(text.replace(grader.config["encoders"], "0" * 64))
    with pytest.raises(InputError, match="was trained on features of other encoders than this"):
        read_grader(tmp_path)
    with pytest.raises(InputError, match="hidden 0: must be at least 1"):
        GraderSettings(hidden=0)
    with pytest.raises(InputError, match="views 0: must be at least 1"):
        GraderData(views=0)
