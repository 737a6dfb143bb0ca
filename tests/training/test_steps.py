"""One optimiser step in numbers: noise, gradients, rates and averages follow the recipe."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from torch import Tensor, nn

from palsynth.data.examples import Example, Source
from palsynth.training import checkpoints
from palsynth.training.loop import build, train
from palsynth.training.objective import Losses, Objective
from palsynth.training.recipe import LoopSettings
from palsynth.training.restore import restored


class Slope(Objective):
    """Weights (1, 1) whose gradient is always (3, 4), of norm 5; records every pass."""

    frozen = ("teacher",)

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2))
        self.teacher = nn.BatchNorm1d(1).requires_grad_(False)
        self.layer = nn.Linear(1, 1).requires_grad_(False)
        self.passes: list[dict] = []

    def forward(self, batch: dict[str, Tensor], rng: torch.Generator) -> Losses:
        self.teacher(batch["subject"][:, None].float())
        self.passes.append(
            {
                "noise": torch.randn(1, generator=rng).item(),
                "dropout": torch.rand(1).item(),
                "subjects": batch["subject"].tolist(),
                "computes": self.layer(torch.ones(1, 1)).dtype,
                "training": (self.training, self.teacher.training),
            }
        )
        total = (self.weight.float() * torch.tensor([3.0, 4.0])).sum()
        logged = total.detach() * 0 + len(self.passes)
        return Losses(total - total.detach() + logged, {"double": 2 * logged})

    def validate(self) -> dict[str, float]:
        self.passes.append({"validated": self.training, "random": torch.rand(1).item()})
        return {"validation/weight": self.weight[0].item()}

    def export(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        (folder / "weight").write_text(str(self.weight[0].item()))


class Numbers(Source):
    num_subjects = None

    def __getitem__(self, number: int) -> Example:
        return Example(np.zeros((2, 2, 3), np.uint8), number)


class SlopeRecipe:
    kind = "slope"

    def __init__(self, **loop: object) -> None:
        settings = {"steps": 1, "batch": 2, "weight_decay": 0.0} | loop
        self.loop = LoopSettings(device="cpu", **settings)  # type: ignore[arg-type]
        self.made: list[Slope] = []

    def objective(self) -> Objective:
        self.made.append(Slope())
        return self.made[-1]

    def source(self, build_cache: bool = True) -> Source:
        return Numbers()


@pytest.fixture(autouse=True)
def _plain_recipes(monkeypatch: pytest.MonkeyPatch) -> None:
    """SlopeRecipe is not a dataclass: it is not written."""
    monkeypatch.setattr("palsynth.training.recipe_file.save", lambda recipe, path: None)


def passes_of(recipe: SlopeRecipe, run: Path) -> list[dict]:
    train(recipe, run)
    return recipe.made[-1].passes


def saved(run: Path, step: int, stem: str, name: str = "weight") -> list[float]:
    return checkpoints.read(run / "checkpoints" / f"step-{step}", stem)[name].tolist()


def by_hand(seed: int, step: int, rank: int, micro: int) -> tuple[float, float]:
    """Noise and dropout from a seed of these four numbers in this order."""
    high, low = np.random.SeedSequence((seed, step, rank, micro)).generate_state(2, np.uint32)
    value = (int(high) << 31) ^ int(low)
    rng = torch.Generator().manual_seed(value)
    torch.manual_seed(value)
    return torch.randn(1, generator=rng).item(), torch.rand(1).item()


def test_every_micro_step_has_noise_of_its_own(tmp_path: Path) -> None:
    passes = passes_of(SlopeRecipe(steps=3, accumulate=2, seed=7), tmp_path)
    samples = [(p["noise"], p["dropout"]) for p in passes]
    assert samples == [by_hand(7, step, 0, micro) for step in (1, 2, 3) for micro in (0, 1)]
    assert len({noise for noise, _ in samples}) == len({dropout for _, dropout in samples}) == 6


@pytest.fixture
def second_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulates the second of two processes."""
    monkeypatch.setattr(Accelerator, "process_index", property(lambda self: 1))
    monkeypatch.setattr(Accelerator, "num_processes", property(lambda self: 2))
    monkeypatch.setattr(Accelerator, "reduce", lambda self, value, reduction: 2 * value)


@pytest.mark.usefixtures("second_of_two")
def test_every_rank_has_its_own_noise_and_its_own_subjects(tmp_path: Path) -> None:
    passes = passes_of(SlopeRecipe(steps=2, accumulate=2, seed=7, log_every=1), tmp_path)
    assert [p["noise"] for p in passes] == [
        by_hand(7, step, 1, micro)[0] for step in (1, 2) for micro in (0, 1)
    ]
    assert [p["subjects"] for p in passes] == [[2, 3], [6, 7], [10, 11], [14, 15]]
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [row["images"] for row in rows] == [8, 16]
    assert [row["loss"] for row in rows] == [1.5, 3.5], "the mean over ranks and micro-steps"


@pytest.mark.parametrize(
    ("clip", "accumulate", "expected"),
    [
        (1.0, 1, (0.6, 0.8)),
        (1.0, 3, (0.6, 0.8)),  # the mean over micro-steps is clipped
        (2.5, 2, (1.5, 2.0)),
        (6.0, 1, (3.0, 4.0)),
        (0.0, 2, (3.0, 4.0)),  # no clipping
    ],
)
def test_gradients_are_clipped_to_the_recipes_norm(
    tmp_path: Path, clip: float, accumulate: int, expected: tuple[float, float]
) -> None:
    train(SlopeRecipe(clip=clip, accumulate=accumulate), tmp_path)
    moment = saved(tmp_path, 1, "optimizer", "0.exp_avg")  # a tenth of the first gradient
    assert moment == pytest.approx([0.1 * g for g in expected], rel=1e-4)


def test_rates_decay_and_averages_of_the_first_steps(tmp_path: Path) -> None:
    """With a constant gradient AdamW moves by the rate itself, after decaying by rate * decay."""
    recipe = SlopeRecipe(
        steps=2, learning_rate=0.1, warmup=10, weight_decay=0.5, checkpoint_every=1, log_every=1
    )
    train(recipe, tmp_path)
    first = 1 * (1 - 0.01 * 0.5) - 0.01
    second = first * (1 - 0.02 * 0.5) - 0.02
    assert saved(tmp_path, 1, "model") == pytest.approx([first] * 2, abs=1e-6)
    assert saved(tmp_path, 2, "model") == pytest.approx([second] * 2, abs=1e-6)
    assert saved(tmp_path, 1, "ema") == pytest.approx([first] * 2, abs=1e-6), "decay 0 at first"
    decay = 0.40539645  # 1 - 2 ** -0.75
    average = decay * first + (1 - decay) * second
    assert saved(tmp_path, 2, "ema") == pytest.approx([average] * 2, abs=1e-6)
    assert float((tmp_path / "weights" / "weight").read_text()) == pytest.approx(average, abs=1e-6)
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [row["rate"] for row in rows] == pytest.approx([0.01, 0.02])


def test_averages_are_validated_and_training_continues_with_the_weights(tmp_path: Path) -> None:
    recipe = SlopeRecipe(
        steps=5,
        learning_rate=0.1,
        validate_every=2,
        checkpoint_every=1,
        max_checkpoints=9,
        log_every=9,
    )
    passes = passes_of(recipe, tmp_path)
    modes = [p["training"] for p in passes if "training" in p]
    assert modes == [(True, False)] * 5, "teachers stay in evaluation mode"
    assert [p["validated"] for p in passes if "validated" in p] == [False] * 3
    assert len({p["random"] for p in passes if "random" in p}) == 3
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    values = {row["step"]: row["validation/weight"] for row in rows if "loss" not in row}
    assert values == {s: pytest.approx(saved(tmp_path, s, "ema")[0]) for s in (2, 4, 5)}
    weights = [saved(tmp_path, s, "model")[0] for s in range(1, 6)]
    assert weights == pytest.approx([0.9, 0.8, 0.7, 0.6, 0.5], abs=1e-5)
    assert values[5] > weights[4] + 0.01


def test_a_row_of_the_log_is_the_mean_since_the_last(tmp_path: Path) -> None:
    train(SlopeRecipe(steps=7, log_every=3), tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [(r["step"], r["images"], r["loss"], r["double"]) for r in rows] == [
        (3, 6, 2.0, 4.0),
        (6, 12, 5.0, 10.0),
        (7, 14, 7.0, 14.0),
    ]


def test_the_recipe_decides_whether_half_precision_is_used(tmp_path: Path) -> None:
    halves = {"bf16": torch.bfloat16, "fp16": torch.float16, "no": torch.float32}
    for precision, expected in halves.items():
        passes = passes_of(SlopeRecipe(precision=precision), tmp_path / precision)
        assert passes[0]["computes"] == expected


def test_frozen_modules_are_neither_trained_nor_saved() -> None:
    objective = build(SlopeRecipe())
    assert set(objective.trained_state()) == {"weight"}
    assert objective.training
    assert not objective.train().teacher.training
    objective.teacher = None
    assert objective.train().training


def test_a_restored_run_holds_the_averages_of_its_newest_checkpoint(tmp_path: Path) -> None:
    recipe = SlopeRecipe(steps=3, learning_rate=0.1, checkpoint_every=1, max_checkpoints=3)
    train(recipe, tmp_path)
    found = restored(recipe, tmp_path)
    assert found.weight.tolist() == pytest.approx(saved(tmp_path, 3, "ema"))
    assert abs(found.weight[0].item() - saved(tmp_path, 3, "model")[0]) > 0.01
    assert not found.training


def test_default_settings_of_the_loop() -> None:
    loop = LoopSettings()
    assert (loop.steps, loop.batch, loop.accumulate) == (1000, 32, 1)
    assert (loop.learning_rate, loop.warmup, loop.schedule) == (1e-4, 0, "constant")
    assert (loop.weight_decay, loop.clip) == (0.01, 1.0)
    assert (loop.ema, loop.ema_power) == (0.9999, 0.75)
    assert (loop.precision, loop.seed, loop.validate_every) == ("no", 0, 0)
