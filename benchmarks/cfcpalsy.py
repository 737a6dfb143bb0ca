"""Speed and size of CFCPalsy: the default and the published design, on this machine's CPU.

    python benchmarks/cfcpalsy.py [--weights FOLDER] [--rounds 2]

The figures are in docs/measurements.md. The published design has random weights, on which its speed
does not depend; the last line says how much computation its training is.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from palsynth.data.examples import stack
from palsynth.data.groups import GroupsSource
from palsynth.data.training_pairs import make_pair
from palsynth.encoders.base import as_images
from palsynth.methods.cfcpalsy.config import CFCPalsySettings
from palsynth.methods.cfcpalsy.networks.model import (
    CFCPalsyModel,
    ImageBatch,
    build_conditioner,
    build_unet,
)
from palsynth.methods.cfcpalsy.objective import CFCPalsyObjective
from palsynth.methods.cfcpalsy.pipeline import CFCPalsyPipeline
from palsynth.training.kinds import load_recipe

RECIPES = Path(__file__).parents[1] / "recipes"


def pairs(count: int) -> dict[str, torch.Tensor]:
    group = GroupsSource(970_000, 50, seed=4)[0]
    samples = [
        make_pair(group, member, script, (member + 1) % 4, 112)
        for member in range(4)
        for script in range(3)
    ]
    return {name: torch.from_numpy(a[:count]) for name, a in stack(samples).items()}


def image_batch(batch: dict[str, torch.Tensor], rows: slice = slice(None)) -> ImageBatch:
    return ImageBatch({n: as_images(batch[n][rows]) for n in ("identity", "expression", "draft")})


def seconds(run: Callable[[], object], rounds: int) -> float:
    """Seconds of the fastest round."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def peak_memory() -> float:
    """Peak memory of the process so far, GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    batch = pairs(7)
    default = CFCPalsyPipeline.from_pretrained(options.weights).model
    alone = torch.cat([default.sample(image_batch(batch, slice(k, k + 1)), [k]) for k in range(7)])
    together = default.sample(image_batch(batch), range(7))
    gap = float((alone - together).abs().max()) * 255
    grey = np.abs((alone * 255).round().numpy() - (together * 255).round().numpy()).max()
    print(
        f"batch of 7 and one by one: largest difference {gap:.4f} grey levels, {grey:.0f} rounded"
    )

    default_seconds = seconds(
        lambda: default.sample(image_batch(batch, slice(0, 1)), [0]), options.rounds
    )
    settings = CFCPalsySettings()
    unet = build_unet(settings)
    published = CFCPalsyModel(settings, unet, build_conditioner(settings, unet)).eval()
    size = sum(p.numel() for p in unet.parameters()) / 1e6
    one = image_batch(batch, slice(0, 1))
    published_seconds = seconds(lambda: published.sample(one, [0]), 1)
    quick = replace(settings.diffusion, sampler="dpm++", steps=8)

    def sample_in_bf16() -> None:
        with torch.autocast("cpu", torch.bfloat16):
            published.sample(one, [0], quick)

    quick_seconds = seconds(sample_in_bf16, options.rounds)
    d = default.settings.diffusion
    steps = f"{d.sampler} {d.steps}, mean of {d.num_samples_averaged}"
    print("| model | sampler | seconds per image | speed-up |\n|---|---|---|---|")
    print(f"| published design, {size:.1f} M, fp32 | ddim 50 | {published_seconds:.2f} | 1 |")
    speed_ups = [published_seconds / quick_seconds, published_seconds / default_seconds]
    print(f"| the same, bf16 | dpm++ 8 | {quick_seconds:.2f} | {speed_ups[0]:.1f} |")
    print(f"| default | {steps} | {default_seconds:.2f} | {speed_ups[1]:.1f} |")

    objective = CFCPalsyObjective(published).train()
    two = {name: tensor[:2] for name, tensor in batch.items()}
    start = time.perf_counter()
    objective(two, torch.Generator().manual_seed(0)).total.backward()
    print(
        "published design, one training step of 2 images with both passes: "
        f"{time.perf_counter() - start:.1f} s, peak memory {peak_memory():.1f} GiB"
    )
    with FlopCounterMode(display=False) as counter:
        objective(two, torch.Generator().manual_seed(0)).total.backward()
    flops = counter.get_total_flops() / 2
    loop = load_recipe(RECIPES / "cfcpalsy-paper-aflfp.yaml").loop
    images = loop.steps * loop.batch
    print(
        f"{flops / 1e12:.2f} TFLOP an image; {images:,} images, the published training: "
        f"{flops * images / 1e15:.0f} PFLOP"
    )


if __name__ == "__main__":
    main()
