"""Evaluation of ten thousand pictures: time, peak memory, and resuming after a kill.

    python benchmarks/scale.py [--work FOLDER] [--count 5000]

Two sets of COUNT pictures each (rendered once, then shifted and relit at random, so that all
differ) are evaluated by ``palsynth evaluate`` in a process that is killed half-way and started
again.
"""

from __future__ import annotations

import argparse
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from palsynth.face.framing import RECOGNISER
from palsynth.face.images import write_png
from palsynth.subjects import random_view, render, sample

FACES = 250
"""Subjects rendered for each set."""


def pictures(folder: Path, count: int, first_seed: int) -> Path:
    faces = [
        render(
            sample(first_seed + k),
            view=random_view(np.random.default_rng([81, k]), 112, RECOGNISER),
        )
        for k in range(FACES)
    ]
    for n in range(count):
        rng = np.random.default_rng([82, first_seed, n])
        move = np.float32([[1, 0, rng.uniform(-3, 3)], [0, 1, rng.uniform(-3, 3)]])
        image = cv2.warpAffine(
            faces[n % FACES].image, move, (112, 112), borderMode=cv2.BORDER_REPLICATE
        )
        lit = image * rng.uniform(0.85, 1.1) + rng.normal(0, 2, image.shape)
        write_png(folder / f"{n:05d}.png", lit.clip(0, 255).astype(np.uint8))
    return folder


def started(arguments: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "palsynth.cli", *arguments], stdout=subprocess.DEVNULL
    )


def num_cached(path: Path) -> int:
    """Number of features in a cache file."""
    if not path.exists():
        return 0
    with sqlite3.connect(path) as base:
        try:
            return int(base.execute("select count(*) from feature").fetchone()[0])
        except sqlite3.Error:
            return 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path)
    parser.add_argument("--count", type=int, default=5000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = options.work or Path(temporary)
        for name, first_seed in (("real", 960_000), ("made", 961_000)):
            if len(list((work / name).glob("*.png"))) < options.count:
                pictures(work / name, options.count, first_seed)
        folders = {"--real": work / "real", "--fake": work / "made", "--out": work / "report"}
        arguments = ["evaluate", *(str(word) for pair in folders.items() for word in pair)]
        cache = work / "report" / "features.sqlite"
        start = time.perf_counter()
        process = started(arguments)
        while (
            process.poll() is None and num_cached(cache) < 2 * options.count
        ):  # half of all features
            time.sleep(0.5)
        process.send_signal(signal.SIGKILL)
        process.wait()
        killed, before = time.perf_counter() - start, num_cached(cache)
        start = time.perf_counter()
        if started(arguments).wait() != 0:
            raise SystemExit("the evaluation failed")
        rest = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
        start = time.perf_counter()
        started(arguments).wait()
        again = time.perf_counter() - start
        print(
            f"{2 * options.count} pictures: killed after {killed:.0f} s with {before} of "
            f"{num_cached(cache)} features cached, the rest in {rest:.0f} s, all from the cache in "
            f"{again:.0f} s; peak memory {peak:.2f} GiB, cache "
            f"{cache.stat().st_size / 2**20:.0f} MiB"
        )


if __name__ == "__main__":
    main()
