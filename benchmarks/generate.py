"""Speed and memory of `palsynth generate`, and what kills do to it.

    python benchmarks/generate.py [--images 10000 1000 200]
    python benchmarks/generate.py --images 0 0 0 --kills 20 [--engine ray]

Sets of the simulator at 112 and at 512 px, and of CFCPalsy as it is by default, are made by one and
by two workers, each with one thread. The seconds are those of the whole command. The memory is that
which its processes hold together, looked at once a second: it is flat if its peak in the second
half of the run is that in the first half.

With `--kills`, a run is killed by SIGKILL at random moments, now the command, now one of its
workers, now all of them, and started again until it ends; with `--engine ray`, one of the workers
on a local cluster is killed midway. What is left must be, byte for byte, what a run leaves that was
never killed.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from palsynth.locks import is_lock
from palsynth.records import files_sha256

CASES: dict[str, dict[str, Any]] = {
    "simulator, 112 px": {"method": "simulator", "size": 112, "identities": {"subjects": 100}},
    "simulator, 512 px": {"method": "simulator", "size": 512, "identities": {"subjects": 100}},
    "cfcpalsy": {"method": "cfcpalsy", "identities": {"subjects": 20}},
}

ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)


@dataclass
class Run:
    """A running command.

    Attributes:
        plan: file of its plan.
        out: the data set that it makes.
        words: further words of the command.
        memory: seconds since its start, and bytes that its processes held then.
    """

    plan: Path
    out: Path
    words: tuple[object, ...] = ()
    memory: list[tuple[float, int]] = field(default_factory=list)

    def __enter__(self) -> Run:
        words = ["generate", self.plan, "--out", self.out, *self.words]
        self.start = time.monotonic()
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "palsynth", *map(str, words)],
                env=os.environ | ONE_THREAD,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        return self

    def __exit__(self, *_: object) -> None:
        self.kill("all")
        self.process.wait()

    @property
    def log(self) -> Path:
        """Where its messages go."""
        return self.out.with_name(f"{self.out.name}.log")

    @property
    def seconds(self) -> float:
        """Since its start."""
        return time.monotonic() - self.start

    def processes(self) -> list[psutil.Process]:
        """The command and what it started."""
        try:
            command = psutil.Process(self.process.pid)
            return [command, *command.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def workers(self) -> list[psutil.Process]:
        """The processes that make pictures."""
        found = []
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                words = " ".join(process.cmdline())
                if "spawn_main" in words or words.startswith("ray::"):
                    found.append(process)
        return found

    def kill(self, which: str) -> bool:
        """Kills the ``command``, one ``worker``, or ``all``; whether there was one to be killed."""
        found = {"command": self.processes()[:1], "worker": self.workers()[-1:]}
        killed = False
        for process in found.get(which, self.processes()):
            with contextlib.suppress(psutil.Error):
                process.kill()
                killed = True
        return killed

    def look(self) -> None:
        """Notes how much memory the processes hold."""
        held = 0
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                held += process.memory_info().rss
        self.memory.append((self.seconds, held))

    def finish(self) -> float:
        """Waits for its end; returns how many seconds it took."""
        while self.process.poll() is None:
            self.look()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(1)
        seconds = self.seconds
        if self.process.returncode:
            sys.exit(f"exit code {self.process.returncode}: {self.log.read_text()[-2000:]}")
        return seconds

    def peaks(self) -> tuple[float, float]:
        """The largest memory in the first and in the second half of its time, bytes."""
        half = self.memory[-1][0] / 2
        first = max(held for seconds, held in self.memory if seconds <= half)
        return first, max(held for seconds, held in self.memory if seconds > half)


def tree(folder: Path) -> str:
    """SHA-256 of all files of a data set with their names, locks left out."""
    files = [path for path in folder.rglob("*") if path.is_file() and not is_lock(path)]
    return files_sha256({str(path.relative_to(folder)): path for path in files})


def write_plan(path: Path, settings: dict[str, Any]) -> Path:
    """Writes a plan; JSON is YAML too."""
    path.write_text(json.dumps(settings))
    return path


def print_speed(folder: Path, images: list[int]) -> None:
    """Every set by one and by two workers."""
    print("| set | images | workers | s | images/s | against one | MB, half 1 | half 2 | equal |")
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    for (name, case), count in zip(CASES.items(), images, strict=True):
        if not count:
            continue
        plan = write_plan(folder / "plan.json", case | {"images": count})
        first: tuple[float, str] | None = None
        for workers in (1, 2):
            out = folder / f"{name}-{workers}"
            with Run(plan, out, ("--workers", workers)) as run:
                seconds = run.finish()
            made = tree(out)
            first = first or (seconds, made)
            peaks = " | ".join(f"{peak / 1e6:,.0f}" for peak in run.peaks())
            print(
                f"| {name} | {count:,} | {workers} | {seconds:,.0f} | {count / seconds:.2f} | "
                f"{first[0] / seconds:.2f}x | {peaks} | {'yes' if made == first[1] else 'NO'} |",
                flush=True,
            )


def killed_often(folder: Path, plan: Path, kills: int, rng: random.Random) -> tuple[int, int, int]:
    """Kills runs of two processes; how many runs there were, how many equal, how many kills."""
    words = ("--workers", 2)
    with Run(plan, folder / "whole", words) as run:
        while not list((folder / "whole").rglob("*.png")):
            time.sleep(0.1)
        begins = run.seconds
        took, whole = run.finish(), tree(folder / "whole")
    runs = equal = done = 0
    while done < kills:
        runs += 1
        out = folder / f"killed-{runs}"
        while done < kills:
            with Run(plan, out, words) as run:
                moment = rng.uniform(0.2 * begins, begins + 2 * (took - begins) / kills)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    run.process.wait(moment)
                if run.process.poll() is not None:
                    break  # it came to its end
                done += run.kill(rng.choice(["command", "worker", "all"]))
                with contextlib.suppress(subprocess.TimeoutExpired):
                    run.process.wait(30)  # one whose worker is killed says so and ends
        with Run(plan, out, words) as run:
            run.finish()
        equal += tree(out) == whole
    return runs, equal, done


def killed_in_ray(folder: Path, plan: Path, images: int) -> tuple[int, int, int]:
    """Runs on a local cluster, of two workers: one as it is, one with a worker killed midway."""
    made = []
    killed = 0
    with Run(plan, folder / "processes", ("--workers", 2)) as run:
        run.finish()
    for midway in (False, True):
        out = folder / f"ray-{midway}"
        with Run(plan, out, ("--workers", 2, "--engine", "ray")) as run:
            while midway and len(list(out.rglob("*.png"))) < images / 2:
                time.sleep(0.05)
            if midway:
                killed += run.kill("worker")
            run.finish()
        made.append(tree(out))
    return 2, made.count(tree(folder / "processes")), killed


def print_kills(folder: Path, options: argparse.Namespace) -> bool:
    """What became of runs that were killed; whether all are equal to one that was not."""
    print("| engine | images | kills | runs | equal |\n|---|---|---|---|---|", flush=True)
    settings = {"method": "simulator", "identities": {"subjects": 20}}
    plan = write_plan(folder / "plan.json", settings | {"images": options.killed_images})
    found = {}
    if options.engine == "processes":
        rng = random.Random(options.seed)
        found["processes"] = killed_often(folder, plan, options.kills, rng)
    else:
        found["ray"] = killed_in_ray(folder, plan, options.killed_images)
    for name, (runs, equal, kills) in found.items():
        print(f"| {name} | {options.killed_images} | {kills} | {runs} | {equal} |", flush=True)
    return all(runs == equal for runs, equal, _ in found.values())


def main() -> None:
    """Parses the options and prints the tables."""
    parser = argparse.ArgumentParser()
    sizes = [10_000, 1_000, 200]
    parser.add_argument("--images", type=int, nargs=3, default=sizes, help="0 leaves a set out")
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--killed-images", type=int, default=400)
    parser.add_argument("--engine", choices=["processes", "ray"], default="processes")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.engine == "ray" and importlib.util.find_spec("ray") is None:
        sys.exit("--engine ray: needs Ray; install it with: pip install 'palsynth[ray]'")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # ends what was started
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if any(options.images):
            print_speed(folder, options.images)
        if (options.kills or options.engine == "ray") and not print_kills(folder, options):
            sys.exit(1)


if __name__ == "__main__":
    main()
