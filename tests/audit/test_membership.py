"""Membership inference by loss, with a model whose loss is the brightness of the image."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from palsynth.audit.findings import Finding
from palsynth.audit.membership import (
    NUM_SAMPLES_AVERAGED,
    LossAttack,
    by_loss,
    open_run,
    picture_losses,
)
from palsynth.data.folder_source import FolderSource
from palsynth.data.manifest import Row, read_manifest, write_manifest
from palsynth.data.pair_settings import PairsSettings
from palsynth.errors import InputError
from palsynth.face.images import write_png
from palsynth.methods.cfcpalsy.config import (
    CFCPalsySettings,
    ConditionSettings,
    DiffusionSettings,
    UNetSettings,
)
from palsynth.methods.cfcpalsy.recipe import CFCPalsyRecipe
from palsynth.training.loop import train
from palsynth.training.objective import Losses, Objective
from palsynth.training.recipe import LoopSettings
from tests.data.aligned import aligned

STEPS, LEARNING_RATE = 60, 6e-3
"""Enough to memorise twelve pictures."""


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


def grey(folder: Path, first: int, split: str) -> FolderSource:
    """Images of twelve people with rising levels; the image of another split is not used."""
    rows = []
    for k in range(12):
        name = f"{folder.name} {k}"
        rows.append(Row(f"{k:02}.png", name, split=split, attributes=aligned(112)))
        write_png(folder / f"{k:02}.png", np.full((112, 112, 3), first + k, np.uint8))
    rows.append(Row("x.png", "another", split="validation"))
    write_png(folder / "x.png", np.full((112, 112, 3), 128, np.uint8))
    write_manifest(folder, rows)
    return FolderSource(folder, (split,))


@pytest.fixture
def dark(tmp_path: Path) -> FolderSource:
    return grey(tmp_path / "dark", 10, "train")


@pytest.fixture
def light(tmp_path: Path) -> FolderSource:
    return grey(tmp_path / "light", 200, "test")


def test_a_lower_loss_on_training_images_fails_and_a_higher_one_passes(
    dark: FolderSource, light: FolderSource
) -> None:
    caught: Finding = by_loss(LossAttack(Lightness(), dark, light))
    assert (caught.found.value, caught.found.count, caught.verdict) == (1.0, 24, "FAILED")
    assert caught.name == "membership by the model's loss, AUC"
    assert caught.limit == "lower bound below 0.6"
    harmless = by_loss(LossAttack(Lightness(), light, dark))
    assert (harmless.found.value, harmless.verdict) == (0.0, "passed")


def test_a_loss_is_the_mean_over_eight_seeds_shared_by_all_images(
    dark: FolderSource,
) -> None:
    objective = Lightness()
    found = picture_losses(objective, dark)
    assert NUM_SAMPLES_AVERAGED == 8
    noise = np.array(objective.noise).reshape(12, 8)
    assert len(set(noise[0])) == 8
    assert (noise == noise[0]).all()
    assert found == pytest.approx(np.arange(10, 22) + noise[0].mean())


def test_an_objective_without_losses_of_single_images_is_refused(dark: FolderSource) -> None:
    with pytest.raises(InputError, match="Lightness gives no loss of single images"):
        picture_losses(Lightness(single=False), dark)


def test_runs_that_an_audit_cannot_attack_are_refused(
    dark: FolderSource, light: FolderSource, tmp_path: Path
) -> None:
    """Before any network is loaded: none of these runs has a checkpoint."""
    bare = tmp_path / "bare"
    write_png(bare / "a.png", np.zeros((40, 40, 3), np.uint8))

    def complaint(recipe: str, holdout: Path = light.folder) -> str:
        (tmp_path / "recipe.yaml").write_text(recipe, "utf-8")
        with pytest.raises(InputError) as error:
            open_run(tmp_path, dark.folder, ("train",), holdout, None)
        return str(error.value)

    assert complaint("kind: identity\n") == (
        f"{tmp_path}: kind identity gives no loss of single images; leave out --run"
    )
    for recipe, field in (("cfcpalsy", "data"), ("controlnet", "patients")):
        assert complaint(f"kind: {recipe}\n").startswith(
            f"{field}.dataset: the model was trained on synthetic subjects, not on "
        )
    grader = f"kind: grader\ndata: {{folders: ['{dark.folder}']}}\n"
    assert complaint(grader, bare).startswith(f"{bare}: has no metadata.jsonl, which --run needs")
    assert "holds no checkpoint" in complaint(grader)
    pairs = f"kind: cfcpalsy\ndata: {{dataset: '{dark.folder}'}}\n"
    assert "no subject has two images with a usable face" in complaint(pairs)


def blocks(folder: Path, splits: dict[str, int]) -> Path:
    """Two pictures of each subject, of random blocks in pure colours: no picture is easier."""
    rng = np.random.default_rng(0)
    rows = []
    for split, count in splits.items():
        for subject in range(count):
            for number in range(2):
                small = (rng.integers(0, 2, (4, 4, 3)) * 255).astype(np.uint8)
                name = f"{split}/{subject}-{number}.png"
                write_png(folder / name, small.repeat(8, 0).repeat(8, 1))
                rows.append(Row(name, f"{split} {subject}", split=split, attributes=aligned(32)))
    write_manifest(folder, rows)
    return folder


def cfcpalsy(dataset: Path, steps: int) -> CFCPalsyRecipe:
    """A tiny U-Net of the published design, trained without conditions, as they take long."""
    model = CFCPalsySettings(
        UNetSettings(16, 32, (1, 2), attention=(1,), head_channels=32, predicted=3),
        ConditionSettings(dim=32, landmarks=False, identity_trainable=False, drop=1),
        DiffusionSettings(cycle=0, identity_weight=0, landmark_weight=0),
    )
    loop = LoopSettings(
        steps, 8, learning_rate=LEARNING_RATE, weight_decay=0, ema=0.9, device="cpu"
    )
    return CFCPalsyRecipe(model=model, data=PairsSettings(dataset), loop=loop)


@pytest.mark.parametrize(("steps", "verdict"), [(1, "passed"), (STEPS, "FAILED")])
def test_a_cfcpalsy_run_that_memorised_is_flagged_and_a_fresh_one_is_not(
    steps: int, verdict: str, tmp_path: Path
) -> None:
    dataset = blocks(tmp_path / "set", {"train": 6, "validation": 2, "test": 4})
    train(cfcpalsy(dataset, steps), tmp_path / "run")
    others = ("validation", "test")
    found = by_loss(open_run(tmp_path / "run", dataset, ("train",), dataset, others))
    assert found.verdict == verdict
    assert found.found.count == 24
    assert found.found.value > 0.95 or verdict == "passed"


@pytest.mark.parametrize("fixed", [True, False])
def test_a_cfcpalsy_run_is_attacked_with_pairs_as_it_is_trained_on(
    fixed: bool, tmp_path: Path
) -> None:
    """At its own size; each picture once, with another of the same person as the identity."""
    dataset = blocks(tmp_path / "set", {"train": 3, "test": 1})
    rows = [*read_manifest(dataset), Row("one.png", "once", split="train", attributes=aligned(32))]
    write_png(dataset / "one.png", np.zeros((32, 32, 3), np.uint8))
    write_manifest(dataset, rows)
    recipe = cfcpalsy(dataset, 1)
    recipe = replace(recipe, data=replace(recipe.data, fixed_identity=fixed))
    members = recipe.examples_of(dataset, ("train",), trained=True)
    names = [row.file_name for row in members.rows]
    assert names == [row.file_name for row in rows if row.split == "train"][:6], "one has no pair"
    folder = FolderSource(dataset, size=16)
    pictures = {row.file_name: folder.example(k).image for k, row in enumerate(folder.rows)}
    for index, name in enumerate(names):
        pair, again = members.example(index), members.example(index)
        other = f"{name[:-5]}{0 if fixed else 1 - int(name[-5])}.png"
        assert np.array_equal(pair.target, pictures[name])
        assert np.array_equal(pair.expression, pictures[name])
        assert np.array_equal(pair.identity, pictures[other])
        assert np.array_equal(pair.identity, again.identity)
