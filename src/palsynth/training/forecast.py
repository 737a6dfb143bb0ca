"""The dry run: the cost of a recipe, estimated from a few steps.

What a recipe caches is generated once, before training: its time is a line of its own, and
preparing an example then only reads it.
"""

from __future__ import annotations

import resource
import sys
import time
from functools import partial
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from palsynth.data.cache import find_caches
from palsynth.data.examples import Source, stack
from palsynth.training.loop import build
from palsynth.training.randomness import make_generator
from palsynth.training.recipe import Recipe
from palsynth.training.step import make_optimizers, training_step

STEPS = 3
"""Timed micro-steps, after one warm-up step."""


def forecast(recipe: Recipe) -> str:
    """Estimates parameters, FLOPs, memory, images per second, time and disk space.

    Prepares one batch and trains on it without writing any file. Times are those of one process
    on this machine with the examples in memory; preparing examples may be slower, which
    ``loop.workers`` hides.

    Args:
        recipe: the recipe.

    Returns:
        The estimates as lines of text.
    """
    loop = recipe.loop
    gpu = loop.device == "auto" and torch.cuda.is_available()
    device = torch.device("cuda" if gpu else "cpu")
    source = recipe.source(build_cache=False)
    caches = list(find_caches(source))
    if caches and not any(cache.missing() for cache in caches):
        source = recipe.source()
    examples, seconds = _prepare(source, loop.batch)
    to_render = ""
    if missing := sum(cache.missing() for cache in caches):
        whole, (examples, seconds) = seconds, _prepare(source, loop.batch)  # now from memory
        each = max(whole - seconds, 0) / max(1, sum(len(cache.generated) for cache in caches))
        to_render = f"{missing:,} not cached yet, {missing * each / 3600:.2g} h on one process"
    source_rate = loop.batch / seconds
    batch = {n: torch.from_numpy(a).to(device) for n, a in stack(examples).items()}

    objective = build(recipe).to(device)
    optimizers = make_optimizers(objective, loop)
    trained = [p for p in objective.parameters() if p.requires_grad]
    frozen = sum(p.numel() for p in objective.parameters() if not p.requires_grad)

    def step(number: int) -> None:
        make_rng = partial(make_generator, loop.seed, number, 0, device=device)
        training_step(objective, optimizers, [batch], make_rng, loop)

    with FlopCounterMode(display=False) as counter:
        step(0)
    started = time.perf_counter()
    for number in range(1, STEPS + 1):
        step(number)
    if gpu:
        torch.cuda.synchronize()
    rate = STEPS * loop.batch / (time.perf_counter() - started)

    state = sum(t.numel() * t.element_size() for t in objective.trained_state().values())
    moments = 2 * sum(p.numel() * 4 for p in trained)
    disk = (2 * state + moments) * loop.max_checkpoints
    total = loop.steps * loop.batch * loop.accumulate
    hours = total / min(rate, source_rate * max(1, loop.workers)) / 3600
    return "\n".join(
        [
            f"parameters   {sum(p.numel() for p in trained):,} train, {frozen:,} are frozen",
            f"FLOPs        {counter.get_total_flops() / loop.batch / 1e9:.3g} G per image, "
            "forward and backward",
            f"memory       {_peak_memory(gpu) / 2**30:.2f} GiB at batch {loop.batch}",
            f"images/s     {rate:.3g} to train, {source_rate:.3g} to prepare (each worker)",
            f"time         {hours:.2g} h for {total:,} images on one process like this one",
            *([f"cache        {to_render}"] if to_render else []),
            f"disk         {disk / 2**20:.0f} MiB for {loop.max_checkpoints} checkpoints",
        ]
    )


def _prepare(source: Source, count: int) -> tuple[list[Any], float]:
    """The first examples of a source, and the seconds that they took."""
    started = time.perf_counter()
    examples = [source[n] for n in range(count)]
    return examples, max(time.perf_counter() - started, 1e-9)


def _peak_memory(gpu: bool) -> float:
    """Peak memory in bytes: of the GPU, or of this process."""
    if gpu:
        return float(torch.cuda.max_memory_allocated())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(peak if sys.platform == "darwin" else peak * 1024)
