"""A run that was killed and resumed is bit-identical to an uninterrupted one."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from palsynth.data.examples import Example, Source
from palsynth.data.synthetic_source import SyntheticSource
from palsynth.encoders.landmarks import LandmarksRecipe
from palsynth.errors import InputError
from palsynth.training import checkpoints
from palsynth.training.batches import batches
from palsynth.training.loop import _Run, build, learning_rate, train
from palsynth.training.objective import Losses, Objective
from palsynth.training.recipe import LoopSettings
from palsynth.training.recipe_file import from_dict, to_yaml

TINY: dict[str, dict[str, object]] = {
    "model": {"widths": [4] * 4, "depths": [1] * 4, "narrow": 2, "dim": 8, "dropout": 0.3},
    "data": {"subjects": 3},
    "loop": {
        "steps": 14,
        "batch": 2,
        "accumulate": 2,
        "learning_rate": 1e-3,
        "warmup": 4,
        "schedule": "cosine",
        "ema": 0.9,
        "log_every": 3,  # not a multiple of the next value, so checkpoints split windows
        "checkpoint_every": 2,
        "device": "cpu",
    },
}


def start(recipe: Path, run: Path, ranks: int, *options: str) -> list[subprocess.Popen[bytes]]:
    """Starts the command in one process, or in several as torchrun does."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "palsynth.cli", "train", str(recipe), "--out", str(run)]
    out = []
    for rank in range(ranks):
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        if ranks > 1:
            environment |= {
                "MASTER_ADDR": "127.0.0.1",
                "MASTER_PORT": str(port),
                "WORLD_SIZE": str(ranks),
                "LOCAL_WORLD_SIZE": str(ranks),
                "RANK": str(rank),
                "LOCAL_RANK": str(rank),
            }
        out.append(
            subprocess.Popen(
                [*command, *options],
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )
    return out


def finish(processes: list[subprocess.Popen[bytes]]) -> None:
    assert [p.wait(timeout=120) for p in processes] == [0] * len(processes)


def result(run: Path) -> dict[str, bytes]:
    """The files of a run that do not depend on time."""
    last = run / "checkpoints" / "step-14"
    paths = [*last.iterdir(), *(run / "weights").iterdir()]
    paths += [run / "metrics.jsonl", run / "recipe.yaml"]
    return {str(p.relative_to(run)): p.read_bytes() for p in paths}


@pytest.mark.parametrize("ranks", [1, 2])
def test_killed_and_resumed_is_bit_identical(tmp_path: Path, ranks: int) -> None:
    recipe = tmp_path / "tiny.yaml"
    recipe.write_text(to_yaml(from_dict(LandmarksRecipe, TINY, "tiny")))
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    finish(start(recipe, whole, ranks))

    rng = random.Random()
    processes = start(recipe, broken, ranks)
    kill_at = rng.randrange(2, 8)  # killed once a checkpoint at or after this step exists
    while not any(step >= kill_at for step in checkpoints.steps(broken)):
        assert all(p.poll() is None for p in processes)
        time.sleep(0.005)
    time.sleep(rng.uniform(0, 0.05))
    for process in processes:
        process.send_signal(signal.SIGKILL)
    for process in processes:
        process.wait()
    assert not (broken / "weights").exists(), "killed too late to test anything"
    finish(start(recipe, broken, ranks, "--resume"))

    one, other = result(whole), result(broken)
    assert one.keys() == other.keys()
    assert {"model.safetensors", "ema.safetensors", "optimizer.safetensors"} <= {
        name.rsplit("/")[-1] for name in one
    }
    assert [name for name in one if one[name] != other[name]] == []
    rows = [json.loads(line) for line in (broken / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [3, 6, 9, 12, 14]
    assert rows[-1]["images"] == 14 * 2 * 2 * ranks


class Dots(Source):
    """Examples without rendering."""

    num_subjects = 4

    def __getitem__(self, number: int) -> Example:
        rng = np.random.default_rng(number)
        return Example(rng.integers(0, 256, (8, 8, 3), np.uint8), number % 4)


class Line(Objective):
    """Regresses the mean pixel on itself, with noise, timesteps and a frozen child."""

    frozen = ("teacher",)

    def __init__(self, factor: float = 1.0) -> None:
        super().__init__()
        self.slope = nn.Linear(1, 1)
        self.norm = nn.BatchNorm1d(1)
        self.teacher = nn.Sequential(nn.Linear(1, 1), nn.BatchNorm1d(1)).requires_grad_(False)
        self.factor = factor

    def forward(self, batch: dict[str, Tensor], rng: torch.Generator) -> Losses:
        mean = batch["image"].float().mean((1, 2, 3))[:, None] / 255
        noise = torch.randn(mean.shape, generator=rng) * 0.01
        error = (self.slope(self.norm(mean)) - mean - noise).square().flatten() * self.factor
        steps = torch.randint(0, 1000, (len(error),), generator=rng)
        return Losses(error.mean(), {"twice": 2 * error.mean()}, steps, error)

    def validate(self) -> dict[str, float]:
        return {"slope": self.slope.weight.item()}

    def picture(self):  # type: ignore[no-untyped-def]
        return np.zeros((8, 8, 3), np.uint8)

    def export(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        (folder / "slope").write_text(str(self.slope.weight.item()))


class LineRecipe:
    kind = "line"

    def __init__(self, **loop: object) -> None:
        settings = {"steps": 20, "batch": 4, "log_every": 5, "checkpoint_every": 10} | loop
        self.loop = LoopSettings(device="cpu", **settings)  # type: ignore[arg-type]
        self.factor = 1.0

    def objective(self) -> Objective:
        return Line(self.factor)

    def source(self) -> Source:
        return Dots()


@pytest.fixture(autouse=True)
def _plain_recipes(monkeypatch: pytest.MonkeyPatch) -> None:
    """LineRecipe is not a dataclass: it is neither written nor compared."""
    monkeypatch.setattr("palsynth.training.recipe_file.save", lambda recipe, path: None)
    monkeypatch.setattr("palsynth.training.recipe_file.load", lambda path, kinds: None)
    monkeypatch.setattr(
        "palsynth.training.run_folder.check_resumable", lambda old, new, where: None
    )


def test_the_files_of_a_run(tmp_path: Path) -> None:
    assert train(LineRecipe(validate_every=10, learning_rate=0.01), tmp_path / "run")
    run = tmp_path / "run"
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    losses = [row for row in rows if "loss" in row]
    assert [row["step"] for row in losses] == [5, 10, 15, 20]
    assert losses[-1]["images"] == 80
    assert losses[0]["twice"] == pytest.approx(2 * losses[0]["loss"])
    assert losses[-1]["loss"] < losses[0]["loss"]
    bins = {name: value for row in losses for name, value in row.items() if "/t" in name}
    assert set(bins) <= {f"loss/t{k * 100:03d}-{k * 100 + 99:03d}" for k in range(10)}
    assert len(bins) >= 8
    assert [row["step"] for row in rows if "slope" in row] == [10, 20]
    assert sorted(p.name for p in (run / "samples").iterdir()) == ["step-10.png", "step-20.png"]
    assert checkpoints.steps(run) == [10, 20]
    saved = checkpoints.read(run / "checkpoints" / "step-20", "model")
    assert not [name for name in saved if name.startswith("teacher")]
    assert {"norm.running_mean", "slope.weight"} <= saved.keys()
    exported = float((run / "weights" / "slope").read_text())
    averaged = checkpoints.read(run / "checkpoints" / "step-20", "ema")["slope.weight"]
    assert exported == pytest.approx(float(averaged))


def test_only_the_newest_checkpoints_remain(tmp_path: Path) -> None:
    train(LineRecipe(checkpoint_every=4, max_checkpoints=3), tmp_path)
    assert checkpoints.steps(tmp_path) == [12, 16, 20]


def test_accumulation_is_a_larger_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without noise and norm, two micro-steps of 4 equal one step of 8, up to rounding."""

    def plain(self: Line, batch: dict[str, Tensor], rng: torch.Generator) -> Losses:
        mean = batch["image"].float().mean((1, 2, 3))[:, None] / 255
        return Losses((self.slope(mean) - mean).square().mean(), {})

    monkeypatch.setattr(Line, "forward", plain)
    train(LineRecipe(accumulate=2, clip=0, learning_rate=0.01), tmp_path / "two")
    train(LineRecipe(batch=8, clip=0, learning_rate=0.01), tmp_path / "one")
    two, one = (
        checkpoints.read(tmp_path / name / "checkpoints" / "step-20", "optimizer")
        for name in ("two", "one")
    )
    moments = [name for name in two if "exp_avg" in name]
    assert moments, "gradients, whose magnitude AdamW's step does not show"
    assert all(torch.allclose(two[n], one[n], rtol=1e-3, atol=1e-9) for n in moments)


def test_bf16_trains_with_weights_in_single_precision(tmp_path: Path) -> None:
    train(LineRecipe(precision="bf16"), tmp_path)
    saved = checkpoints.read(tmp_path / "checkpoints" / "step-20", "model")
    assert {t.dtype for t in saved.values() if t.is_floating_point()} == {torch.float32}


def test_fp16_resumes_bit_for_bit_with_its_scale(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Weights are in single precision; the state of the scale is saved."""
    recipe = LineRecipe(precision="fp16", learning_rate=0.01, accumulate=2)
    assert train(recipe, tmp_path / "whole")
    assert "note: CPUs are slow in fp16; --loop.precision bf16 is faster" in capsys.readouterr().err
    train(
        LineRecipe(precision="fp16", learning_rate=0.01, accumulate=2, steps=10), tmp_path / "run"
    )
    assert train(recipe, tmp_path / "run", resume=True)
    last = "checkpoints/step-20"
    for name in ("metrics.jsonl", f"{last}/model.safetensors", f"{last}/state.json"):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    saved = checkpoints.read(tmp_path / "run" / last, "model")
    assert {t.dtype for t in saved.values() if t.is_floating_point()} == {torch.float32}
    assert checkpoints.read_state(tmp_path / "run" / last)["scaler"]["_growth_tracker"] == 20
    rows = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    assert rows[-1]["loss"] < rows[0]["loss"]


def test_fp16_skips_a_step_whose_gradient_overflows(tmp_path: Path) -> None:
    """And lowers the scale; a gradient that overflows even unscaled stops the run."""
    recipe = LineRecipe(precision="fp16", log_every=2, steps=2, checkpoint_every=1)
    recipe.factor = 1e4  # times the initial scale of 65,536, it is too large for half precision
    train(recipe, tmp_path / "run")
    first, second = (tmp_path / "run/checkpoints" / f"step-{step}" for step in (1, 2))
    slopes = [checkpoints.read(folder, "model")["slope.weight"] for folder in (first, second)]
    scales = [checkpoints.read_state(folder)["scaler"]["scale"] for folder in (first, second)]
    assert slopes[0].equal(build(recipe).slope.weight)
    assert slopes[1].equal(slopes[0])
    assert scales == [2.0**15, 2.0**14]
    recipe = LineRecipe(precision="fp16", log_every=30, steps=30, checkpoint_every=30)
    recipe.factor = float("inf")
    with pytest.raises(InputError, match="is no longer finite at step 18; no checkpoint is kept"):
        train(recipe, tmp_path / "endless")


def test_an_interruption_saves_and_resumes(tmp_path: Path) -> None:
    recipe = LineRecipe()
    forward = Line.forward

    def interrupting(self: Line, batch: dict[str, Tensor], rng: torch.Generator) -> Losses:
        interrupting.calls += 1  # type: ignore[attr-defined]
        if interrupting.calls == 7:  # type: ignore[attr-defined]
            signal.raise_signal(signal.SIGINT)
        return forward(self, batch, rng)

    interrupting.calls = 0  # type: ignore[attr-defined]
    handlers = [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Line, "forward", interrupting)
        assert not train(recipe, tmp_path / "run")
    assert [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)] == handlers
    assert checkpoints.steps(tmp_path / "run") == [7]
    assert train(recipe, tmp_path / "run", resume=True)
    train(recipe, tmp_path / "whole")
    for name in ("metrics.jsonl", "checkpoints/step-20/model.safetensors"):
        assert (tmp_path / "run" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interruption_of_the_whole_group_saves_too(
    tmp_path: Path, number: signal.Signals
) -> None:
    """Ctrl-C in a terminal also reaches the workers that prepare examples."""
    recipe = tmp_path / "tiny.yaml"
    loop = {**TINY["loop"], "workers": 1, "steps": 4000, "checkpoint_every": 4000}
    recipe.write_text(to_yaml(from_dict(LandmarksRecipe, {**TINY, "loop": loop}, "tiny")))
    command = [sys.executable, "-m", "palsynth.cli", "train", str(recipe), "--out"]
    process = subprocess.Popen(
        [*command, str(tmp_path / "run")],
        start_new_session=True,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),  # a shell may ignore it
    )
    while not (tmp_path / "run" / "metrics.jsonl").exists():
        assert process.poll() is None
        time.sleep(0.02)
    os.killpg(process.pid, number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert len(checkpoints.steps(tmp_path / "run")) == 1


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path: Path) -> None:
    recipe = LineRecipe()
    recipe.factor = float("inf")
    with pytest.raises(InputError, match="is no longer finite at step 1; no checkpoint is kept"):
        train(recipe, tmp_path)
    assert checkpoints.steps(tmp_path) == []


def test_a_folder_with_a_run_is_not_overwritten(tmp_path: Path) -> None:
    train(LineRecipe(), tmp_path)
    with pytest.raises(
        InputError, match="holds a run; say --resume to continue it, or give another"
    ):
        train(LineRecipe(), tmp_path)


def test_resuming_needs_a_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no checkpoint to resume from"):
        train(LineRecipe(), tmp_path, resume=True)


def test_initial_weights_follow_the_seed() -> None:
    first, again, other = (build(LineRecipe(seed=s)).trained_state() for s in (1, 1, 2))
    assert torch.equal(first["slope.weight"], again["slope.weight"])
    assert not torch.equal(first["slope.weight"], other["slope.weight"])


def test_learning_rate_rises_and_falls() -> None:
    loop = LoopSettings(steps=100, learning_rate=1.0, warmup=10, schedule="cosine")
    rates = [learning_rate(loop, step) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9] == rates[10] == 1.0
    assert rates[55] == pytest.approx(0.5)
    assert rates[-1] < 0.001
    flat = LoopSettings(steps=100, learning_rate=1.0)
    assert {learning_rate(flat, step) for step in range(100)} == {1.0}


def test_workers_prepare_the_same_examples(tmp_path: Path) -> None:
    """Batches do not depend on the number of processes that prepare them."""
    source = SyntheticSource(count=2, size=32)
    in_process = LoopSettings(steps=3, batch=2)
    in_worker = LoopSettings(steps=3, batch=2, workers=1)
    for a, b in zip(batches(source, in_process, 1), batches(source, in_worker, 1), strict=True):
        assert all(torch.allclose(a[n].double(), b[n].double(), equal_nan=True) for n in a)


def test_ranks_agree_to_stop_when_they_log() -> None:
    """All ranks must leave the loop at the same step, so they synchronise, and rarely."""

    def stop_requested(here: list[int], step: int, elsewhere: int) -> bool:
        ranks = SimpleNamespace(
            num_processes=2, device="cpu", reduce=lambda count, how: count + elsewhere
        )
        run = SimpleNamespace(accelerator=ranks, loop=LoopSettings(steps=9, log_every=3))
        return _Run._stop_requested(run, here, step)  # type: ignore[arg-type]

    assert not stop_requested([2], 4, elsewhere=1)
    assert stop_requested([2], 6, elsewhere=0)
    assert stop_requested([], 6, elsewhere=1)
    assert not stop_requested([], 6, elsewhere=0)
