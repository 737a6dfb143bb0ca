"""Ten thousand pictures evaluated: time, peak memory, and going on after a kill.

    python benchmarks/scale.py [--work FOLDER] [--count 5000]

Two sets of COUNT pictures each (drawn once, then shifted and relit by chance so that all differ)
are judged by ``palsynth evaluate`` in a process that is killed half-way and started again.
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
"""People drawn for each set."""


def pictures(folder: Path, count: int, first: int) -> Path:
    faces = [
        render(sample(first + k), view=random_view(np.random.default_rng([81, k]), 112, RECOGNISER))
        for k in range(FACES)
    ]
    for n in range(count):
        rng = np.random.default_rng([82, first, n])
        move = np.float32([[1, 0, rng.uniform(-3, 3)], [0, 1, rng.uniform(-3, 3)]])
        image = cv2.warpAffine(faces[n % FACES].image, move, (112, 112),
                               borderMode=cv2.BORDER_REPLICATE)  # fmt: skip
        lit = image * rng.uniform(0.85, 1.1) + rng.normal(0, 2, image.shape)
        write_png(folder / f"{n:05d}.png", lit.clip(0, 255).astype(np.uint8))
    return folder


def begun(words: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "palsynth.cli", *words],
                            stdout=subprocess.DEVNULL)  # fmt: skip


def kept(path: Path) -> int:
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
        for name, first in (("real", 960_000), ("made", 961_000)):
            if len(list((work / name).glob("*.png"))) < options.count:
                pictures(work / name, options.count, first)
        words = ["evaluate", "--real", str(work / "real"), "--fake", str(work / "made"),
                 "--out", str(work / "report")]  # fmt: skip
        cache = work / "report" / "features.sqlite"
        began = time.perf_counter()
        first = begun(words)
        while first.poll() is None and kept(cache) < 2 * options.count:  # half of what is judged
            time.sleep(0.5)
        first.send_signal(signal.SIGKILL)
        first.wait()
        killed, before = time.perf_counter() - began, kept(cache)
        began = time.perf_counter()
        if begun(words).wait() != 0:
            raise SystemExit("the evaluation failed")
        rest = time.perf_counter() - began
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
        began = time.perf_counter()
        begun(words).wait()
        again = time.perf_counter() - began
        print(f"{2 * options.count} pictures: killed after {killed:.0f} s with {before} of "
              f"{kept(cache)} looks kept, the rest in {rest:.0f} s, all from the cache in "
              f"{again:.0f} s; peak memory {peak:.2f} GiB, cache "
              f"{cache.stat().st_size / 2**20:.0f} MiB")  # fmt: skip


if __name__ == "__main__":
    main()
