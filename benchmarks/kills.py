"""Kills every writer that resumes, damages what it left, and lets it go on.

    python benchmarks/kills.py [--kills 100] [--seed 0]

A writer is killed by SIGKILL at random times of its run. After half of the kills a file that it had
written is deleted, emptied or truncated. It is then started again until it ends. Its files must be
those of a run that was never killed, or it must say, with exit code 1 or 2, what was lost.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch: a fork keeps no threads

from tests.killing import contents, ended
from tests.training.test_loop import TINY, from_dict

import palsynth.comparison.folder_set
import palsynth.generation.dataset
import palsynth.scoring.panel
import palsynth.training.loop  # noqa: F401  (once, not in every fork)
from palsynth import cli
from palsynth.clinical import Movement
from palsynth.comparison import benchmark_sets
from palsynth.encoders.landmarks import LandmarksRecipe
from palsynth.encoders.sources import FacesSettings
from palsynth.training.recipe_file import to_yaml

VARYING = (".sqlite", "speed.jsonl", ".palsynth.lock")
"""Ends of the names of files that hold times, or the order of work."""

DAMAGED = (".png", ".npy", ".safetensors")
"""Ends of the names of files that are damaged."""


@dataclass(frozen=True)
class Writer:
    """A command that resumes.

    Attributes:
        name: its name in the table.
        words: its words, of the folder that it is to write.
        share: share of the kills; slow ones have fewer.
    """

    name: str
    words: Callable[[Path], list[object]]
    share: float = 0.13


@dataclass
class Count:
    """What became of a writer."""

    runs: int = 0
    kills: int = 0
    damaged: int = 0
    equal: int = 0
    said: int = 0


def make_inputs(folder: Path) -> None:
    """Writes what the commands read: a data set, a clinic's folder, a benchmark set, recipes."""
    shown = "expressions: {movements: [rest, grin]}"
    plan = f"{{identities: {{subjects: 10}}, {shown}, images: 20, size: 64}}\n"
    (folder / "plan.yaml").write_text(plan)
    assert command(["generate", folder / "plan.yaml", "--out", folder / "set"]) == 0
    about = ("plan.json", "README.md", "contact-sheet.png", "left-out.jsonl")
    shutil.copytree(folder / "set", folder / "clinic" / "images", ignore=lambda *_: about)
    pictures = sorted((folder / "clinic" / "images").glob("*/*/*.png"))
    rows = [f"{p.relative_to(folder / 'clinic')},{p.parent.name},smile" for p in pictures]
    (folder / "clinic" / "labels.csv").write_text("\n".join(["image,person,task", *rows]) + "\n")
    columns = "{file_name: image, subject_id: person, movement: task}"
    mapping = f"labels: labels.csv\ncolumns: {columns}\nvalues: {{movement: {{smile: grin}}}}\n"
    (folder / "mapping.yaml").write_text(mapping)
    benchmark_sets.vp_transfer(folder / "pairs", size=128)
    tiny = from_dict(LandmarksRecipe, TINY, "tiny")
    (folder / "tiny.yaml").write_text(to_yaml(tiny))


def cached(folder: Path, cache: Path) -> Path:
    """A recipe that renders its examples into a cache first."""
    tiny = from_dict(LandmarksRecipe, TINY, "tiny")
    data = FacesSettings(subjects=3, cache_dir=cache, cached_subjects=24, render_workers=1)
    loop = replace(tiny.loop, steps=2)
    path = folder / "cached.yaml"
    path.write_text(to_yaml(replace(tiny, data=data, loop=loop)))
    return path


def training(recipe: Path, run: Path) -> list[object]:
    """The words of a training, which goes on from its newest checkpoint if there is one."""
    resume = ["--resume"] if list(run.glob("checkpoints/step-*")) else []
    return ["train", recipe, "--out", run, *resume]


def writers(inputs: Path) -> list[Writer]:
    """All commands that resume, small."""
    export = ["--subjects", "10", "--images-per-subject", "2", "--size", "64", "--workers", "1"]
    simulator = ["--method", "simulator", "--out"]
    clinic = ["data", "import", "folder", inputs / "clinic"]
    judged = ["evaluate", "--real", inputs / "pairs", "--fake", inputs / "pairs" / "truth"]
    return [
        Writer("subjects export", lambda out: ["subjects", "export", out / "set", *export]),
        Writer("transfer", lambda out: ["transfer", inputs / "pairs", *simulator, out / "made"]),
        Writer("afid", lambda out: ["afid", inputs / "pairs", *simulator, out / "made"], 0.05),
        Writer("benchmark", lambda out: ["benchmark", "vp-transfer", "--out", out, "--size", 64]),
        Writer(
            "benchmark folder",
            lambda out: ["benchmark", "folder", inputs / "set", "--size", 64, "--out", out / "set"],
        ),
        Writer("train", lambda out: training(inputs / "tiny.yaml", out / "run")),
        Writer(
            "train with a cache",
            lambda out: training(cached(inputs, out / "cache"), out / "run"),
        ),
        Writer(
            "data import",
            lambda out: [*clinic, out / "set", "--mapping", inputs / "mapping.yaml"],
        ),
        Writer("evaluate", lambda out: [*judged, "--out", out / "report"], 0.05),
    ]


def command(words: list[object], seconds: float | None = None, log: Path | None = None) -> int:
    """Runs a command in a process of its own.

    Args:
        words: its words.
        seconds: after how many it is killed; default: never.
        log: file of its output; default: none.

    Returns:
        Its exit code; negative if it was killed.
    """

    def run() -> None:
        output = os.open(log or os.devnull, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for stream in (1, 2):
            os.dup2(output, stream)
        cli.main([str(word) for word in words])

    return ended(run, seconds)


def tree(folder: Path) -> dict[str, bytes]:
    """The files that must be equal."""
    found = contents(folder)
    return {
        name: data
        for name, data in found.items()
        if not name.endswith(VARYING) and "tensorboard" not in name
    }


def damage(folder: Path, random_: random.Random) -> bool:
    """Deletes, empties or truncates one of the files that lie there, if there are any."""
    files = [p for p in sorted(folder.rglob("*")) if p.suffix in DAMAGED and p.stat().st_size]
    files = [path for path in files if ".partial" not in path.name]
    if not files:
        return False
    path = random_.choice(files)
    kind = random_.choice(["delete", "empty", "truncate"])
    if kind == "delete":
        path.unlink()
    else:
        os.truncate(path, 0 if kind == "empty" else random_.randrange(1, path.stat().st_size))
    return True


def attack(writer: Writer, kills: int, folder: Path, random_: random.Random) -> Count:
    """Kills a writer several times a run, and compares what it ends with."""
    out, log, count = folder / "out", folder / "log", Count()
    durations, trees = [], []
    for _ in range(2):
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        start = time.monotonic()
        code = command(writer.words(out), log=log)
        assert code == 0, log.read_text()
        durations.append(time.monotonic() - start)
        trees.append(tree(out))
    duration, whole = min(durations), trees[0]
    assert whole == trees[1] != {}, f"{writer.name}: two runs differ"
    while count.kills < kills:
        shutil.rmtree(out)
        out.mkdir()
        for _ in range(random_.randint(1, 4)):
            seconds = random_.uniform(0.1, 0.9) * duration
            count.kills += command(writer.words(out), seconds, log) < 0
            count.damaged += random_.random() < 0.5 and damage(out, random_)
        code = command(writer.words(out), log=log)
        text = log.read_text(errors="replace").strip()
        count.runs += 1
        if tree(out) == whole:
            count.equal += 1
        elif code in (1, 2) and "unexpected error" not in text and "Traceback" not in text:
            count.said += 1
            print(f"{writer.name}: {text.splitlines()[-1]}", file=sys.stderr)
        else:
            found = tree(out)
            differ = sorted(k for k in {*found, *whole} if found.get(k) != whole.get(k))
            print(f"{writer.name}: exit code {code}: {differ[:5]}: {text[-500:]}", file=sys.stderr)
    return count


def main() -> None:
    """Parses the options and prints the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    # a set of a few pictures; the commands run in forks of this process
    benchmark_sets.IDENTITIES = 2
    benchmark_sets.YANAGIHARA = (Movement.GRIN, Movement.REST)  # type: ignore[assignment]
    random_ = random.Random(options.seed)
    total = Count()
    print("| writer | kills | files damaged | runs | equal | loss said |")
    print("|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as name:
        inputs = Path(name) / "inputs"
        inputs.mkdir()
        make_inputs(inputs)
        found = [w for w in writers(inputs) if options.only in w.name]
        for k, writer in enumerate(found):
            folder = Path(name) / str(k)
            folder.mkdir()
            c = attack(writer, round(options.kills * writer.share), folder, random_)
            print(row(writer.name, c), flush=True)
            for field in vars(total):
                setattr(total, field, getattr(total, field) + getattr(c, field))
    print(row("all", total))
    sys.exit(total.equal + total.said != total.runs)


def row(name: str, c: Count) -> str:
    """A line of the table."""
    return f"| {name} | {c.kills} | {c.damaged} | {c.runs} | {c.equal} | {c.said} |"


if __name__ == "__main__":
    main()
