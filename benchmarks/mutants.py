"""Mutation testing of the scientific core: which small changes do the tests detect?

    python benchmarks/mutants.py --out runs/mutants [--mutants 400] [--workers 2]

Places are sampled by seed from the modules of CORE, and each gets one mutation by Cosmic Ray:
another operator, another number, a negated condition, a loop that is never entered. Coverage
determines the tests that execute the changed line; a mutant that passes all of them survives. With
the same folder a run resumes where it stopped. Prints the score by module and the surviving
mutants, as in docs/mutants.md.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import itertools
import json
import multiprocessing
import os
import queue
import random
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import coverage
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

HERE = Path(__file__).resolve().parents[1]

CORE = (
    "clinical/*.py",
    "face/measures.py",
    "face/scoring.py",
    "simulator/drive.py",
    "capture/*.py",
    "evaluation/*.py",
    "data/folder_source.py",
    "data/folder_pairs.py",
    "data/half_smiles.py",
    "data/groups.py",
    "training/objective.py",
    "training/loop.py",
    "methods/cfcpalsy/objective.py",
    "methods/cfcpalsy/networks/diffusion.py",
    "methods/controlnet/objective.py",
    "methods/controlnet/networks/gate.py",
    "methods/controlnet/weighting.py",
    "methods/controlnet/strategies.py",
    "audit/protocol.py",
    "audit/reidentification.py",
    "audit/membership.py",
    "scoring/patients.py",
)

EXCLUDED_FILES = ("__init__.py", "document.py", "report.py")

EXCLUDED_OPERATORS = re.compile(
    "NoOp|RemoveDecorator|VariableReplacer|VariableInserter|ExceptionReplacer"
    "|BinaryOperator_[A-Z][A-Za-z]+_(Bit|LShift|RShift)|ComparisonOperator_(?!Is)[A-Za-z]+_Is"
)
"""Operators that need arguments, and those that nearly always raise, such as bits of a float."""

PRELOADED = ["torch", "cv2", "scipy.stats", "diffusers", "torchmetrics", "pytest", "numba"]
"""Libraries that are already imported in the process of a mutant."""

BUDGET = 60
"""Seconds of tests per mutant, at most: thousands of tests execute a line of the simulator."""

LIMIT = 300
"""Seconds after which the tests hang, which counts as killed."""


@dataclass(frozen=True)
class Mutant:
    """One mutation: the ``occurrence``-th place of an operator in a module under src/palsynth."""

    module: str
    operator: str
    occurrence: int
    line: int


@dataclass(frozen=True)
class Outcome:
    """The result of a mutant: ``killed``, ``alive``, or ``not run`` by any test."""

    mutant: Mutant
    result: str
    before: str
    after: str


def places(module: str, source: str, rng: random.Random) -> list[Mutant]:
    """One mutant for every place of a module, except annotations, which are not evaluated."""
    annotations = _annotations(source)
    found: dict[tuple[int, int], list[Mutant]] = defaultdict(list)
    nodes = list(ast_nodes(get_ast(source)))
    for name in operator_names():
        if EXCLUDED_OPERATORS.search(name):
            continue
        operator = get_operator(name)()
        spots = (at for node in nodes for at in operator.mutation_positions(node))
        for occurrence, ((line, column), _) in enumerate(spots):
            if not any(start <= (line, column) < end for start, end in annotations):
                found[line, column].append(Mutant(module, name, occurrence, line))
    return [rng.choice(found[spot]) for spot in sorted(found)]


def _annotations(source: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Start and end (line, column) of all annotations, and of blocks for type checkers only."""
    out = []
    for node in ast.walk(ast.parse(source)):
        for part in (getattr(node, "annotation", None), getattr(node, "returns", None)):
            if isinstance(part, ast.expr):
                end = (part.end_lineno or part.lineno, part.end_col_offset or 0)
                out.append(((part.lineno, part.col_offset), end))
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            out.append(((node.lineno, 0), (node.end_lineno or node.lineno, 999)))
    return out


def sampled(count: int, seed: int) -> list[Mutant]:
    """Mutants sampled uniformly from all places of the core, in random order, so that the first
    ones are a sample too."""
    rng = random.Random(seed)
    root = HERE / "src" / "palsynth"
    files = sorted({path for pattern in CORE for path in root.glob(pattern)})
    candidates = []
    for path in files:
        if path.name not in EXCLUDED_FILES:
            candidates += places(str(path.relative_to(root)), path.read_text("utf-8"), rng)
    print(f"{len(candidates)} places in {len(files)} modules")
    return rng.sample(candidates, min(count, len(candidates)))


@dataclass(frozen=True)
class Tests:
    """Which tests execute a line, and how long each takes."""

    contexts: dict[str, dict[int, list[str]]]
    seconds: dict[str, float]

    def of(self, mutant: Mutant) -> list[str]:
        """The tests that execute a mutant, quickest first, and at most BUDGET seconds of them; for
        a line that is executed on import, all tests that execute its module."""
        lines = self.contexts.get(mutant.module, {})
        found = set(lines.get(mutant.line, []))
        if not found or "" in found:
            found = {test for tests in lines.values() for test in tests}
        known = {test: self.seconds.get(test, 1.0) for test in found - {""}}
        ordered = sorted(known, key=lambda test: (known[test], test))
        spent = itertools.accumulate(known[test] for test in ordered)
        return [test for test, seconds in zip(ordered, spent, strict=True) if seconds <= BUDGET]


def measured(folder: Path, copy: Path, workers: int) -> Tests:
    """Runs the suite once under coverage, unless the folder has the result already."""
    data, times = folder / "coverage", folder / "times.xml"
    if not times.exists():
        subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                "-n",
                str(workers),
                "--cov=palsynth",
                "--cov-context=test",
                "--cov-report=",
                f"--junitxml={times}",
                "-o",
                "junit_family=xunit1",
            ],
            cwd=copy,
            env=_environment(copy) | {"COVERAGE_FILE": str(data)},
            check=True,
        )
    data_file = coverage.CoverageData(str(data))
    data_file.read()
    root = str(copy / "src" / "palsynth") + os.sep
    contexts = {
        name.removeprefix(root): {
            line: [context.split("|")[0] for context in found]
            for line, found in data_file.contexts_by_lineno(name).items()
        }
        for name in data_file.measured_files()
    }
    seconds = {}
    for case in ElementTree.parse(times).iter("testcase"):
        name = f"{case.get('file')}::{case.get('name')}"
        seconds[name] = float(case.get("time") or 0)
    return Tests(contexts, seconds)


def _environment(copy: Path) -> dict[str, str]:
    return os.environ | {
        "PYTHONPATH": str(copy / "src"),
        "OMP_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _copied(folder: Path, number: int) -> Path:
    """A copy of the tracked files of the checkout, without compiled files, which could be stale."""
    copy = folder / f"copy-{number}"
    shutil.rmtree(copy, ignore_errors=True)
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=HERE, capture_output=True, check=True)
    for name in listed.stdout.decode().split("\0"):
        if (HERE / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(HERE / name, copy / name)
    return copy


def run_tests(copy: str, tests: list[str]) -> None:
    """Runs in its own process; exits with pytest's exit code at the first failing test."""
    import pytest

    os.chdir(copy)
    sys.path.insert(0, str(Path(copy) / "src"))
    assert "palsynth" not in sys.modules
    sys.dont_write_bytecode = True
    with open(os.devnull, "w") as null:
        os.dup2(null.fileno(), 1)
        os.dup2(null.fileno(), 2)
        options = ["-x", "-q", "-n0", "-p", "no:cacheprovider", "-p", "no:cov"]
        code = pytest.main([*options, *tests])
    os._exit(int(code))


def passed(copy: Path, tests: list[str]) -> bool:
    """Whether tests pass in a copy; tests that hang do not."""
    context = multiprocessing.get_context("forkserver")
    process = context.Process(target=run_tests, args=(str(copy), tests))
    process.start()
    process.join(LIMIT)
    if process.is_alive():
        process.kill()
        process.join()
    return process.exitcode == 0


def tried(mutant: Mutant, copy: Path, tests: Tests) -> Outcome:
    """Applies one mutation in a copy, runs its tests, and reverts it."""
    path = copy / "src" / "palsynth" / mutant.module
    source = path.read_text("utf-8")
    changed = mutate_code(source, get_operator(mutant.operator)(), mutant.occurrence)
    pairs = zip(source.splitlines(), (changed or "").splitlines(), strict=False)
    before, after = next(((a, b) for a, b in pairs if a != b), ("", ""))
    selected = tests.of(mutant)
    if not selected:
        return Outcome(mutant, "not run", before.strip(), after.strip())
    try:
        path.write_text(changed or source, "utf-8")
        result = "alive" if passed(copy, selected) else "killed"
    finally:
        path.write_text(source, "utf-8")
    return Outcome(mutant, result, before.strip(), after.strip())


def report(outcomes: list[Outcome]) -> str:
    """The score by module, and the surviving mutants, as Markdown."""
    by_module: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        by_module[outcome.mutant.module].append(outcome)
    lines = ["| module | mutants | killed | score |", "|---|---|---|---|"]
    for name, found in [*sorted(by_module.items()), ("all", outcomes)]:
        killed = sum(o.result == "killed" for o in found)
        lines.append(f"| {name} | {len(found)} | {killed} | {100 * killed / len(found):.0f} % |")
    lines += ["", "| survivor | line | mutated to |", "|---|---|---|"]
    for o in outcomes:
        if o.result != "killed":
            where = f"{o.mutant.module}:{o.mutant.line}"
            note = " (no test executes it)" if o.result == "not run" else ""
            cells = (text.replace("|", "\\|") for text in (o.before, o.after))
            lines.append(f"| {where}{note} | " + " | ".join(f"`{cell}`" for cell in cells) + " |")
    return "\n".join(lines)


def read_log(path: Path) -> list[Outcome]:
    """The outcomes of an interrupted run."""
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    found = [json.loads(line) for line in lines]
    return [Outcome(**{**record, "mutant": Mutant(**record["mutant"])}) for record in found]


def main() -> None:
    # Not above: the processes of mutants import this file, and palsynth from their own copy only.
    from palsynth.progress import progress_bar

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/mutants"))
    parser.add_argument("--mutants", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    folder = options.out.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["OMP_NUM_THREADS"] = "1"  # one mutant per core
    multiprocessing.get_context("forkserver").set_forkserver_preload(PRELOADED)
    copies: queue.Queue[Path] = queue.Queue()
    for number in range(options.workers):
        copies.put(_copied(folder, number))
    tests = measured(folder, folder / "copy-0", options.workers)
    log = folder / "outcomes.jsonl"
    known = (
        [json.loads(line) for line in log.read_text("utf-8").splitlines()] if log.exists() else []
    )
    outcomes = {
        Mutant(**k["mutant"]): Outcome(**{**k, "mutant": Mutant(**k["mutant"])}) for k in known
    }
    if not passed(folder / "copy-0", ["tests/clinical", "tests/capture"]):
        raise SystemExit("the tests fail on the unchanged copy; fix that first")
    mutants = sampled(options.mutants, options.seed)
    todo = [mutant for mutant in mutants if mutant not in outcomes]

    def one(mutant: Mutant) -> Outcome:
        with _borrowed(copies) as copy:
            return tried(mutant, copy, tests)

    with (
        progress_bar("mutants") as report_progress,
        ThreadPoolExecutor(options.workers) as pool,
        log.open("a", encoding="utf-8") as file,
    ):
        for done, outcome in enumerate(pool.map(one, todo), 1):
            outcomes[outcome.mutant] = outcome
            file.write(json.dumps(asdict(outcome)) + "\n")
            file.flush()
            report_progress(done, len(todo))
    tried_all = [outcomes[mutant] for mutant in mutants]
    print(report(sorted(tried_all, key=lambda o: (o.mutant.module, o.mutant.line))))


@contextlib.contextmanager
def _borrowed(copies: queue.Queue[Path]) -> Iterator[Path]:
    copy = copies.get()
    try:
        yield copy
    finally:
        copies.put(copy)


if __name__ == "__main__":
    main()
