"""Throughput of the training loop, compared with the same model in a bare PyTorch loop.

    python benchmarks/loop.py [--steps 60] [--rounds 5]

Both train the identity encoder's network with its recipe's batch and precision on examples in
memory. The rounds alternate, so that other load on the machine affects both.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from palsynth.data.examples import Example
from palsynth.encoders.identity import IdentityRecipe
from palsynth.training.batches import batches
from palsynth.training.loop import build, train
from palsynth.training.recipe import LoopSettings

SUBJECTS = 500


class MemorySource:
    """Examples in memory: only the loop is measured, not the rendering."""

    num_subjects = SUBJECTS

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.images = rng.integers(0, 256, (256, 112, 112, 3), np.uint8)

    def __getitem__(self, number: int) -> Example:
        return Example(self.images[number % 256], number % SUBJECTS)


@dataclasses.dataclass(frozen=True)
class MemoryRecipe(IdentityRecipe):
    def source(self, build_cache: bool = True) -> MemorySource:
        return MemorySource()

    def objective(self):  # type: ignore[no-untyped-def]
        data = dataclasses.replace(self.data, subjects=SUBJECTS)
        return dataclasses.replace(IdentityRecipe(), model=self.model, data=data).objective()


def bare(recipe: MemoryRecipe) -> float:
    """Seconds of a loop that only trains."""
    loop = recipe.loop
    objective = build(recipe)
    optimizer = torch.optim.AdamW(objective.parameters(), loop.learning_rate)
    data = batches(recipe.source(), loop, 0)
    rng = torch.Generator()
    start = 0.0
    for step, batch in enumerate(data):
        if step == loop.log_every:
            start = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=loop.precision == "bf16"):
            losses = objective(batch, rng)
        losses.total.backward()
        torch.nn.utils.clip_grad_norm_(objective.parameters(), loop.clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return time.perf_counter() - start


def ours(recipe: MemoryRecipe, folder: Path) -> float:
    """Seconds of the loop with EMA and logs, without the final checkpoint."""
    shutil.rmtree(folder, ignore_errors=True)
    train(recipe, folder)
    rows = [json.loads(line) for line in (folder / "speed.jsonl").read_text().splitlines()]
    loop = recipe.loop
    return sum(loop.log_every * loop.batch / row["images_per_second"] for row in rows[1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    loop = LoopSettings(
        steps=options.steps,
        batch=64,
        precision="bf16",
        device="cpu",
        log_every=10,
        checkpoint_every=options.steps,
    )
    recipe = MemoryRecipe(loop=loop)
    images = (options.steps - loop.log_every) * loop.batch
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.rounds):
            first = ours(recipe, Path(folder) / "run") if number % 2 else bare(recipe)
            second = bare(recipe) if number % 2 else ours(recipe, Path(folder) / "run")
            loop_s, bare_s = (first, second) if number % 2 else (second, first)
            ratios.append(bare_s / loop_s)
            print(
                f"loop {images / loop_s:.1f} images/s, bare {images / bare_s:.1f} images/s, "
                f"ratio {ratios[-1]:.3f}",
                flush=True,
            )
    print(f"median ratio {np.median(ratios):.3f}")


if __name__ == "__main__":
    main()
