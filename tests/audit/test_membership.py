"""Membership by loss, with a model whose loss of a picture is how light it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from palsynth.audit.membership import NUM_SAMPLES_AVERAGED, by_loss, picture_losses
from palsynth.audit.protocol import Finding, Pictures
from palsynth.data.folder_source import FolderSource
from palsynth.data.manifest import Row, write_manifest
from palsynth.data.pictures import pictures
from palsynth.errors import InputError
from palsynth.face.images import write_png
from palsynth.training.objective import Losses, Objective


class Lightness(Objective):
    """Finds dark pictures easy, and notes what chance it was given."""

    def __init__(self, alone: bool = True) -> None:
        super().__init__()
        self.chance: list[float] = []
        self.alone = alone

    def forward(self, batch: dict[str, Tensor], rng: torch.Generator) -> Losses:
        light = batch["image"].float().mean((1, 2, 3))
        drawn = float(torch.randn((), generator=rng))
        self.chance.append(drawn)
        return Losses(light.sum(), {}, per_image=light + drawn if self.alone else None)


def grey(folder: Path, first: int, split: str) -> Pictures:
    """Twelve people's pictures, from a level on; those of another split are not looked at."""
    rows = []
    for k in range(12):
        rows.append(Row(f"{k:02}.png", f"{folder.name} {k}", split=split))
        write_png(folder / f"{k:02}.png", np.full((112, 112, 3), first + k, np.uint8))
    rows.append(Row("x.png", "another", split="validation"))
    write_png(folder / "x.png", np.full((112, 112, 3), 128, np.uint8))
    write_manifest(folder, rows)
    return Pictures(folder, pictures(folder, (split,)), np.zeros((12, 1)))


@pytest.fixture
def dark(tmp_path: Path) -> Pictures:
    return grey(tmp_path / "dark", 10, "train")


@pytest.fixture
def light(tmp_path: Path) -> Pictures:
    return grey(tmp_path / "light", 200, "test")


def test_a_model_that_finds_its_training_easy_fails_and_one_that_does_not_passes(
    dark: Pictures, light: Pictures
) -> None:
    caught: Finding = by_loss(Lightness(), dark, light)
    assert (caught.found.value, caught.found.count, caught.verdict) == (1.0, 24, "FAILED")
    assert caught.name == "membership by the model's loss, AUC"
    assert caught.limit == "lower bound below 0.6"
    harmless = by_loss(Lightness(), light, dark)
    assert (harmless.found.value, harmless.verdict) == (0.0, "passed")


def test_a_loss_is_the_mean_of_eight_draws_that_are_the_same_for_every_picture(
    dark: Pictures,
) -> None:
    objective = Lightness()
    found = picture_losses(objective, FolderSource(dark.folder))
    assert NUM_SAMPLES_AVERAGED == 8
    chance = np.array(objective.chance).reshape(12, 8)
    assert len(set(chance[0])) == 8
    assert (chance == chance[0]).all()
    assert found == pytest.approx(np.arange(10, 22) + chance[0].mean())


def test_an_objective_without_losses_of_single_images_is_refused(dark: Pictures) -> None:
    with pytest.raises(InputError, match="Lightness gives no loss of single images"):
        picture_losses(Lightness(alone=False), FolderSource(dark.folder))
