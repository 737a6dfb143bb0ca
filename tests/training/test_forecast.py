"""The dry run's arithmetic, with a fake clock."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from palsynth.data.examples import Example, Source
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
