from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from palsynth.data.augment import Augmentation
from palsynth.data.examples import UNKNOWN
from palsynth.data.manifest import Row, write_manifest
from palsynth.encoders.grader import Grader, GraderData, GraderObjective, GraderRecipe
from palsynth.face.images import write_png
from tests.data.aligned import aligned


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
        item, grade = grader(torch.zeros(3, 3, 112, 112), torch.tensor([0, 8, UNKNOWN]))
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
    recipe = replace(GraderRecipe(), data=GraderData((tmp_path / "few",), no_augmentation))
    assert int(recipe.source()[0].image[0, 0, 0]) == 10
