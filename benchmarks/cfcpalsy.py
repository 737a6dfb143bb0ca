"""CFCPalsy's speed and size: the default beside the published design, on this machine's CPU.

    python benchmarks/cfcpalsy.py [--weights FOLDER] [--rounds 2]

Figures are those of docs/measurements.md. The published design has random weights: its speed does
not depend on them.
"""

from __future__ import annotations

import argparse
import resource
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from palsynth.data.examples import stack
from palsynth.data.groups import GroupsSource
from palsynth.data.training_pairs import pair_of
from palsynth.encoders.base import as_images
from palsynth.methods.cfcpalsy.model import CFCPalsyModel, ImageBatch, conditioner_of, unet_of
from palsynth.methods.cfcpalsy.objective import CFCPalsyObjective
from palsynth.methods.cfcpalsy.pipeline import CFCPalsyPipeline
from palsynth.methods.cfcpalsy.settings import CFCPalsySettings


def pairs(count: int) -> dict[str, torch.Tensor]:
    group = GroupsSource(970_000, 50, seed=4)[0]
    every = [pair_of(group, who, s, (who + 1) % 4, 112) for who in range(4) for s in range(3)]
    return {name: torch.from_numpy(a[:count]) for name, a in stack(every).items()}


def shown(batch: dict[str, torch.Tensor], rows: slice = slice(None)) -> ImageBatch:
    return ImageBatch({n: as_images(batch[n][rows]) for n in ("identity", "expression", "draft")})


def seconds(run, rounds: int) -> float:
    """The quickest of some rounds."""
    found = []
    for _ in range(rounds):
        began = time.perf_counter()
        run()
        found.append(time.perf_counter() - began)
    return min(found)


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    batch = pairs(7)
    default = CFCPalsyPipeline.from_pretrained(options.weights).model
    alone = torch.cat([default.sample(shown(batch, slice(k, k + 1)), [k]) for k in range(7)])
    together = default.sample(shown(batch), range(7))
    gap = float((alone - together).abs().max()) * 255
    grey = np.abs((alone * 255).round().numpy() - (together * 255).round().numpy()).max()
    print(f"batch of 7 against alone: largest difference {gap:.4f} grey levels, {grey:.0f} rounded")

    own = seconds(lambda: default.sample(shown(batch, slice(0, 1)), [0]), options.rounds)
    settings = CFCPalsySettings()
    unet = unet_of(settings)
    published = CFCPalsyModel(settings, unet, conditioner_of(settings, unet)).eval()
    size = sum(p.numel() for p in unet.parameters()) / 1e6
    one = shown(batch, slice(0, 1))
    theirs = seconds(lambda: published.sample(one, [0]), 1)
    quick = replace(settings.diffusion, sampler="dpm++", steps=8)

    def in_half() -> None:
        with torch.autocast("cpu", torch.bfloat16):
            published.sample(one, [0], quick)

    ours = seconds(in_half, options.rounds)
    d = default.settings.diffusion
    steps = f"{d.sampler} {d.steps}, mean of {d.num_samples_averaged}"
    print("| model | sampler | seconds an image | times as quick |\n|---|---|---|---|")
    print(f"| published design, {size:.1f} M, fp32 | ddim 50 | {theirs:.2f} | 1 |")
    print(f"| the same, bf16 | dpm++ 8 | {ours:.2f} | {theirs / ours:.1f} |")
    print(f"| default | {steps} | {own:.2f} | {theirs / own:.1f} |")

    objective = CFCPalsyObjective(published).train()
    two = {name: tensor[:2] for name, tensor in batch.items()}
    began = time.perf_counter()
    objective(two, torch.Generator().manual_seed(0)).total.backward()
    print(f"published design, a training step of 2 images with both passes: "
          f"{time.perf_counter() - began:.1f} s, peak memory {peak():.1f} GiB")  # fmt: skip


if __name__ == "__main__":
    main()
