"""An objective with two optimisers: a discriminator and a generator that take turns."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from palsynth.data.examples import Example, Source
from palsynth.settings import Settings
from palsynth.training import checkpoints
from palsynth.training.forecast import forecast
from palsynth.training.loop import build, train
from palsynth.training.objective import Losses, Objective
from palsynth.training.randomness import make_generator
from palsynth.training.recipe import LoopSettings

ROOT = Path(__file__).parents[2]


class Dots(Source):
    """Examples without rendering."""

    num_subjects = 4

    def __getitem__(self, number: int) -> Example:
        rng = np.random.default_rng(number)
        return Example(rng.integers(0, 256, (8, 8, 3), np.uint8), number % 4)


class Toy(Objective):
    """A generator of one number, and a discriminator that tells it from a mean pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.generator = nn.Linear(1, 1)
        self.discriminator = nn.Sequential(nn.Linear(1, 4), nn.Tanh(), nn.Linear(4, 1))
        self.turns: list[tuple[str, bool, bool]] = []

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        return {
            "discriminator": list(self.discriminator.parameters()),
            "generator": list(self.generator.parameters()),
        }

    def forward(self, batch: dict[str, Tensor], rng: torch.Generator, turn: str) -> Losses:  # type: ignore[override]
        self.turns.append(
            (
                turn,
                self.discriminator[0].weight.requires_grad,
                self.generator.weight.requires_grad,
            )
        )
        real = batch["image"].float().mean((1, 2, 3))[:, None] / 255
        fake = self.generator(torch.randn(real.shape, generator=rng))
        softplus = nn.functional.softplus
        if turn == "discriminator":
            loss = softplus(-self.discriminator(real)) + softplus(self.discriminator(fake.detach()))
        else:
            loss = softplus(-self.discriminator(fake))
        return Losses(loss.mean(), {"adversarial": loss.mean()})

    def export(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        torch.save(self.state_dict(), folder / "state")


@dataclass(frozen=True)
class ToyRecipe(Settings):
    """Trains the toy."""

    kind: Literal["toy"] = "toy"
    loop: LoopSettings = field(
        default_factory=lambda: LoopSettings(
            steps=6,
            batch=4,
            accumulate=2,
            learning_rate=0.05,
            clip=0.3,
            log_every=2,
            checkpoint_every=1,
            max_checkpoints=6,
            device="cpu",
        )
    )

    def objective(self) -> Objective:
        return Toy()

    def source(self, build_cache: bool = True) -> Source:
        return Dots()


def shorter(steps: int) -> ToyRecipe:
    loop = ToyRecipe().loop
    return ToyRecipe(loop=LoopSettings(**{**loop.__dict__, "steps": steps}))


def files(run: Path, step: int) -> dict[str, bytes]:
    folder = run / "checkpoints" / f"step-{step}"
    return {p.name: p.read_bytes() for p in folder.iterdir()}


def test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit(tmp_path: Path) -> None:
    assert train(ToyRecipe(), tmp_path / "whole")
    assert train(shorter(4), tmp_path / "broken")
    (tmp_path / "broken" / "weights" / "state").unlink()
    assert train(ToyRecipe(), tmp_path / "broken", resume=True)
    whole, broken = files(tmp_path / "whole", 6), files(tmp_path / "broken", 6)
    assert {"optimizer-discriminator.safetensors", "optimizer-generator.safetensors"} <= set(whole)
    assert "optimizer.safetensors" not in whole
    assert whole == broken


def test_each_optimiser_steps_in_its_turn_as_by_hand(tmp_path: Path) -> None:
    """Discriminator first, both on the same two micro-batches, each clipped by itself."""
    train(shorter(1), tmp_path)
    saved = checkpoints.read(tmp_path / "checkpoints" / "step-1", "model")
    toy = build(shorter(1))
    examples = [Dots()[n].image for n in range(8)]  # the first step has those of the first numbers
    batches = [{"image": torch.from_numpy(np.stack(examples[4 * k : 4 * k + 4]))} for k in range(2)]
    for index, (name, parameters) in enumerate(toy.parameter_groups().items()):
        optimizer = torch.optim.AdamW(parameters, 0.05, weight_decay=0.01)
        losses = []
        for k, batch in enumerate(batches):
            rng = make_generator(0, 1, 0, 2 * index + k, torch.device("cpu"))
            losses.append(toy(batch, rng, name).total / 2)
        gradients = torch.autograd.grad(sum(losses), parameters)
        norm = torch.stack([g.square().sum() for g in gradients]).sum().sqrt()
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient * min(1.0, 0.3 / (float(norm) + 1e-6))
        optimizer.step()
        optimizer.zero_grad()
    for name, tensor in toy.state_dict().items():
        assert torch.allclose(saved[name], tensor, atol=1e-6), name


def _train_in_two_processes(script: Path, run: Path, *words: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2"}
    common |= {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    processes = [
        subprocess.Popen(
            [sys.executable, str(script), str(run), *words],
            env={**os.environ, **common, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.DEVNULL,
        )
        for rank in range(2)
    ]
    assert [process.wait(timeout=120) for process in processes] == [0, 0]


def test_two_processes_average_each_turn_and_resume_bit_for_bit(tmp_path: Path) -> None:
    script = tmp_path / "toy.py"
    script.write_text(
        "import sys\n"
        "from pathlib import Path\n"
        "from palsynth.training.loop import train\n"
        "from tests.training.test_step import ToyRecipe, shorter\n"
        "recipe = ToyRecipe() if sys.argv[2] == 'whole' else shorter(int(sys.argv[2]))\n"
        "assert train(recipe, Path(sys.argv[1]), resume='resume' in sys.argv)\n",
        "utf-8",
    )
    _train_in_two_processes(script, tmp_path / "whole", "whole")
    saved = checkpoints.read(tmp_path / "whole" / "checkpoints" / "step-1", "model")
    toy = build(shorter(1))
    for index, (name, parameters) in enumerate(toy.parameter_groups().items()):
        optimizer = torch.optim.AdamW(parameters, 0.05, weight_decay=0.01)
        for k in range(2):
            for rank in range(2):
                numbers = range(8 * k + 4 * rank, 8 * k + 4 * rank + 4)
                batch = {"image": torch.from_numpy(np.stack([Dots()[n].image for n in numbers]))}
                rng = make_generator(0, 1, rank, 2 * index + k, torch.device("cpu"))
                (toy(batch, rng, name).total / 4).backward(inputs=parameters)
        torch.nn.utils.clip_grad_norm_(parameters, 0.3)
        optimizer.step()
        optimizer.zero_grad()
    for name, tensor in toy.state_dict().items():
        assert torch.allclose(saved[name], tensor, atol=1e-6), name
    _train_in_two_processes(script, tmp_path / "broken", "4")
    (tmp_path / "broken" / "weights" / "state").unlink()
    _train_in_two_processes(script, tmp_path / "broken", "whole", "resume")
    assert files(tmp_path / "whole", 6) == files(tmp_path / "broken", 6)


def test_the_parameters_of_the_others_have_no_gradient_in_a_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Toy] = []
    monkeypatch.setattr(ToyRecipe, "objective", lambda self: made.append(Toy()) or made[-1])
    train(shorter(1), tmp_path)
    assert made[0].turns == [("discriminator", True, False)] * 2 + [("generator", False, True)] * 2
    assert all(p.requires_grad for p in made[0].parameters()), "as before"


def test_the_log_names_the_losses_of_each(tmp_path: Path) -> None:
    train(ToyRecipe(), tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    for row in rows:
        losses = [row[f"{name}_loss"] for name in ("discriminator", "generator")]
        assert row["loss"] == pytest.approx(sum(losses))
        assert row["generator_adversarial"] == pytest.approx(row["generator_loss"])


def test_a_dry_run_counts_both() -> None:
    assert "parameters   15 train, 0 are frozen" in forecast(ToyRecipe())
