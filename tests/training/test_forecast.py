"""The dry run's arithmetic, with a fake clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from palsynth.data.examples import Example, Source
from palsynth.data.folder_source import CachedSource, MixedSource
from palsynth.training.forecast import forecast
from palsynth.training.objective import Losses, Objective
from palsynth.training.recipe import LoopSettings


class Pixels(Objective):
    frozen = ("teacher",)

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(12, 50_000, bias=False)
        self.teacher = nn.Linear(3, 4).requires_grad_(False)

    def forward(self, batch: dict[str, Tensor], rng: torch.Generator) -> Losses:
        return Losses(self.layer(batch["image"].flatten(1).float()).square().mean(), {})


class Black(Source):
    num_subjects = None

    def __getitem__(self, number: int) -> Example:
        return Example(np.zeros((2, 2, 3), np.uint8), 0)


@dataclass(frozen=True)
class Recipe:
    loop: LoopSettings
    kind: str = "pixels"
    requested: list[bool] = field(default_factory=list)

    def objective(self) -> Objective:
        return Pixels()

    def source(self, build_cache: bool = True) -> Source:
        self.requested.append(build_cache)
        return Black()


@pytest.mark.parametrize(("workers", "hours"), [(0, "4"), (3, "2")])
def test_a_forecast_by_hand(monkeypatch: pytest.MonkeyPatch, workers: int, hours: str) -> None:
    """Four examples take 4 s to prepare, three steps of four 6 s: 1 and 2 images per second."""
    clock = iter([0.0, 4.0, 10.0, 16.0])
    monkeypatch.setattr("palsynth.training.forecast.time.perf_counter", lambda: next(clock))
    loop = LoopSettings(
        steps=1800,
        batch=4,
        accumulate=2,
        max_checkpoints=3,
        workers=workers,
        device="cpu",
        precision="no",
    )
    recipe = Recipe(loop)
    lines = dict(line.split(maxsplit=1) for line in forecast(recipe).splitlines())
    assert recipe.requested == [False], "no cache is built"
    assert lines["parameters"] == "600,000 train, 16 are frozen"
    # two FLOPs per weight forward and two for its gradient; pixels have no gradient
    assert lines["FLOPs"] == "0.0024 G per image, forward and backward"
    assert lines["images/s"] == "2 to train, 1 to prepare (each worker)"
    assert lines["time"] == f"{hours} h for 14,400 images on one process like this one"
    # weights, averages and two moments, four bytes each, three times
    assert lines["disk"] == f"{4 * 4 * 600_000 * 3 / 2**20:.0f} MiB for 3 checkpoints"


@dataclass(frozen=True)
class CachingRecipe(Recipe):
    folder: Path = Path()

    def source(self, build_cache: bool = True) -> Source:
        self.requested.append(build_cache)
        cached = CachedSource(Black(), self.folder, 3600, uncached=not build_cache)
        return MixedSource([cached], [1.0])


def test_what_is_cached_is_not_generated_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Four examples take 9 s to generate and read, 1 s to read: 2 s each to generate."""
    monkeypatch.setattr(Black, "__repr__", lambda self: "Black", raising=False)
    loop = LoopSettings(steps=1800, batch=4, device="cpu", precision="no", workers=0)
    recipe = CachingRecipe(loop, folder=tmp_path)

    def lines(*clock: float) -> dict[str, str]:
        times = iter(clock)
        monkeypatch.setattr("palsynth.training.forecast.time.perf_counter", lambda: next(times))
        return dict(line.split(maxsplit=1) for line in forecast(recipe).splitlines())

    found = lines(0, 9, 9, 10, 10, 16)
    assert recipe.requested == [False], "no cache is built"
    assert found["cache"] == "3,600 not cached yet, 2 h on one process"
    assert found["images/s"] == "2 to train, 4 to prepare (each worker)"
    assert found["time"].startswith("1 h for 7,200 images")
    monkeypatch.setattr(
        "palsynth.data.cache.map_in_processes", lambda work, items, _: map(work, items)
    )
    CachedSource(Black(), tmp_path, 3600).build()
    found = lines(0, 1, 10, 16)
    assert recipe.requested == [False, False, True], "a whole cache is read, as in training"
    assert "cache" not in found
    assert found["images/s"] == "2 to train, 4 to prepare (each worker)"
    (tmp_path / "part-00007.npy").unlink()
    assert lines(0, 9, 9, 10, 10, 16)["cache"].startswith("100 not cached yet")
