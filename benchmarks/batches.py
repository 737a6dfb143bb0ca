"""CFCPalsy and ControlNet in batches: images/s by batch size and precision, and what each changes.

    python benchmarks/batches.py [--images 16] [--rounds 2] [--methods cfcpalsy] [--sizes 1 8]

The methods by one thread, as `palsynth generate` calls them: requested movements of synthetic
subjects, one sample each. Rounds take turns; the seconds are those of the processor in the fastest
round, which other programs on the machine hardly change. The difference is the largest of any pixel
from a batch of one in 32 bits, in grey levels.
"""

from __future__ import annotations

import argparse
import os
import time
from collections import defaultdict

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

from palsynth.clinical import YANAGIHARA, Grade, Palsy, Side
from palsynth.generation.runner import generate
from palsynth.generation.variety import Variety
from palsynth.methods.base import Request, TargetExpression
from palsynth.methods.registry import get_method
from palsynth.subjects import sample

PRECISIONS = {"32 bits": torch.float32, "bfloat16": torch.bfloat16}


def requests(count: int) -> list[Request]:
    """Movements of two subjects."""
    palsies = [Palsy.peripheral(side, grade) for grade in Grade for side in Side]
    targets = [
        TargetExpression(YANAGIHARA[k % len(YANAGIHARA)], palsies[k % len(palsies)])
        for k in range(count)
    ]
    return [Request(sample(k % 2), target, k, 112) for k, target in enumerate(targets)]


def print_method(name: str, images: int, rounds: int, sizes: list[int]) -> None:
    """A line for every batch size in either precision."""
    method, wanted = get_method(name), requests(images)
    cells = [(kind, size) for kind in PRECISIONS for size in sizes]
    seconds: dict[tuple[str, int], list[float]] = defaultdict(list)
    made: dict[tuple[str, int], np.ndarray] = {}
    for _ in range(rounds):
        for kind, size in cells:
            low = PRECISIONS[kind] is not torch.float32
            start = time.process_time()
            with torch.autocast("cpu", PRECISIONS[kind], enabled=low):
                pictures = list(generate(method, wanted, size, Variety()))
            seconds[kind, size].append(time.process_time() - start)
            made[kind, size] = np.stack([picture.image for picture in pictures]).astype(int)
    for kind, size in cells:
        change = np.abs(made[kind, size] - made["32 bits", sizes[0]]).max()
        speed = images / min(seconds[kind, size])
        print(f"| {name} | {kind} | {size} | {speed:.2f} | {change} |", flush=True)


def main() -> None:
    """Parses the options and prints the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--methods", nargs="+", default=["cfcpalsy", "controlnet-pf-captured"])
    parser.add_argument("--sizes", type=int, nargs="+", default=[1, 4, 8, 16])
    options = parser.parse_args()
    print("| method | precision | batch | images/s | difference |\n|---|---|---|---|---|")
    for name in options.methods:
        print_method(name, options.images, options.rounds, options.sizes)


if __name__ == "__main__":
    main()
