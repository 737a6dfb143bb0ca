"""Membership inference by loss, with a model whose loss is the brightness of the image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from palsynth.audit.image_set import ImageSet
from palsynth.audit.membership import NUM_SAMPLES_AVERAGED, by_loss, model_of, picture_losses
from palsynth.audit.protocol import Finding
from palsynth.data.folder_source import FolderSource
from palsynth.data.manifest import Row, write_manifest
from palsynth.data.pictures import pictures
from palsynth.errors import InputError
from palsynth.face.images import write_png
from palsynth.training.objective import Losses, Objective
from tests.data.aligned import aligned


class Lightness(Objective):
    """Has a low loss on dark images, and records the random numbers that it gets."""

    def __init__(self, single: bool = True) -> None:
        super().__init__()
        self.noise: list[float] = []
        self.single = single

    def forward(self, batch: dict[str, Tensor], rng: torch.Generator) -> Losses:
        light = batch["image"].float().mean((1, 2, 3))
        noise = float(torch.randn((), generator=rng))
        self.noise.append(noise)
        return Losses(light.sum(), {}, per_image=light + noise if self.single else None)


def grey(folder: Path, first: int, split: str) -> ImageSet:
    """Images of twelve people with rising levels; the image of another split is not used."""
    rows = []
    for k in range(12):
        name = f"{folder.name} {k}"
        rows.append(Row(f"{k:02}.png", name, split=split, attributes=aligned(112)))
        write_png(folder / f"{k:02}.png", np.full((112, 112, 3), first + k, np.uint8))
    rows.append(Row("x.png", "another", split="validation"))
    write_png(folder / "x.png", np.full((112, 112, 3), 128, np.uint8))
    write_manifest(folder, rows)
    return ImageSet(folder, pictures(folder, (split,)), np.zeros((12, 1)))


@pytest.fixture
def dark(tmp_path: Path) -> ImageSet:
    return grey(tmp_path / "dark", 10, "train")


@pytest.fixture
def light(tmp_path: Path) -> ImageSet:
    return grey(tmp_path / "light", 200, "test")


def test_a_lower_loss_on_training_images_fails_and_a_higher_one_passes(
    dark: ImageSet, light: ImageSet
) -> None:
    caught: Finding = by_loss(Lightness(), dark, light)
    assert (caught.found.value, caught.found.count, caught.verdict) == (1.0, 24, "FAILED")
    assert caught.name == "membership by the model's loss, AUC"
    assert caught.limit == "lower bound below 0.6"
    harmless = by_loss(Lightness(), light, dark)
    assert (harmless.found.value, harmless.verdict) == (0.0, "passed")


def test_a_loss_is_the_mean_over_eight_seeds_shared_by_all_images(
    dark: ImageSet,
) -> None:
    objective = Lightness()
    found = picture_losses(objective, FolderSource(dark.folder))
    assert NUM_SAMPLES_AVERAGED == 8
    noise = np.array(objective.noise).reshape(12, 8)
    assert len(set(noise[0])) == 8
    assert (noise == noise[0]).all()
    assert found == pytest.approx(np.arange(10, 22) + noise[0].mean())


def test_an_objective_without_losses_of_single_images_is_refused(dark: ImageSet) -> None:
    with pytest.raises(InputError, match="Lightness gives no loss of single images"):
        picture_losses(Lightness(single=False), FolderSource(dark.folder))


def test_a_model_that_is_trained_on_pairs_is_refused(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text("kind: cfcpalsy\n", "utf-8")
    with pytest.raises(InputError, match=r"trained on pairs and gives no loss of single images"):
        model_of(tmp_path)
