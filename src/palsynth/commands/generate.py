"""``palsynth generate``."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, make_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from palsynth.commands.parsing import parse_options
from palsynth.errors import InputError
from palsynth.generation.engines import Engine, EngineName
from palsynth.limits import check_limits
from palsynth.progress import late_progress_bar

if TYPE_CHECKING:
    from palsynth.generation.plan import Plan

USAGE = """\
usage: palsynth generate PLAN.yaml --out FOLDER [--workers N] [--engine ray] [--FIELD VALUE]

Every field of the plan is an option, and has a default: palsynth generate PLAN.yaml --help
Plans to begin with, in plans/:
  grader.yaml   pictures of synthetic subjects, balanced, to train a grader on
  photos.yaml   palsies on people in a folder of photographs
  clinic.yaml   the expressions of a patients' data set on subjects who do not exist
  clips.yaml    every movement as a clip, from rest to rest, with what each frame shows"""


@dataclass(frozen=True)
class GenerateOptions:
    """Make a data set by a plan. Run the same command again to resume."""

    out: Path
    """Output folder of the data set."""
    engine: EngineName = "processes"
    """What carries out the work: processes of this machine, or a Ray cluster (palsynth[ray])."""
    workers: int | None = None
    """Processes; default: 1, with Ray all processors. The data set does not depend on it."""
    address: str | None = None
    """Address of the Ray cluster, such as auto or 10.0.0.5:6379; default: one on this machine."""
    gpus: float = 0.0
    """Share of a GPU that each worker of Ray takes, 0 to 1."""


def generate(words: Sequence[str]) -> None:
    """Make a data set by a plan.

    Args:
        words: the path of the plan, then options and fields of the plan.

    Raises:
        InputError: no plan is named, the plan or an option is not valid, or the set cannot be made.
    """
    if not words or words[0].startswith("-"):
        if "--help" not in words and "-h" not in words:
            raise InputError("name a plan first, as in palsynth generate plans/grader.yaml")
        print(USAGE)
        return
    options, plan = _parse(Path(words[0]), words[1:])
    check_workers(options.workers)
    if not 0 <= options.gpus <= 1:
        raise InputError(f"--gpus {options.gpus:g}: must lie between 0 and 1")
    if options.engine != "ray" and (options.address is not None or options.gpus):
        raise InputError("--address and --gpus: go with --engine ray")

    from palsynth.generation.engines import processes, ray_cluster

    engine = processes(options.workers or 1)
    if options.engine == "ray":
        engine = ray_cluster(options.address, options.workers, options.gpus)
    make(options.out, plan, engine)


def check_workers(workers: int | None) -> None:
    """Checks a number of processes.

    Args:
        workers: how many; None if not given.

    Raises:
        InputError: there are none, or more than four for each processor.
    """
    most = 4 * (os.cpu_count() or 1)
    if workers is not None and not 1 <= workers <= most:
        raise InputError(f"--workers {workers}: must lie between 1 and {most}")


def make(out: Path, plan: Plan, engine: Engine[Any, Any]) -> None:
    """Makes the data set of a plan, and prints what it holds and what it lacks.

    Args:
        out: the data set: new, empty, or of the same plan.
        plan: what it is to hold.
        engine: what carries out the work.

    Raises:
        InputError: the set cannot be made.
    """
    from palsynth.generation.dataset import make_dataset

    what = "clips" if plan.clips.wanted else "images"
    with late_progress_bar(what, rate=True) as progress:
        made = make_dataset(out, plan, engine, progress)
    for line in made.unused:
        print(f"not used: {line}", file=sys.stderr)
    subjects = len({row.subject_id for row in made.rows})
    print(f"{out}: {len(made.rows)} {what} of {subjects} identities")
    if made.left_out:
        print(f"{len(made.left_out)} did not pass the gate: {out / 'left-out.jsonl'}")
        named = {str(one["file_name"]).split("/")[1] for one in made.left_out}
        if lost := named - {row.subject_id for row in made.rows}:
            print(f"{len(lost)} identities have no picture left in the set")
    if not made.rows:
        print(
            f"no picture passed the gate: {plan.method} does not show what the plan asks for on "
            "these identities; try another method or a larger size",
            file=sys.stderr,
        )
        sys.exit(1)


def _parse(path: Path, words: Sequence[str]) -> tuple[GenerateOptions, Any]:
    from palsynth.generation.plan import Plan, load_plan

    plan = load_plan(path)
    kind: Any = Annotated[Plan, tyro.conf.arg(name=""), tyro.conf.EnumChoicesFromValues]
    both = make_dataclass("generate", [("plan", kind, plan)], bases=(GenerateOptions,), frozen=True)
    both.__doc__ = GenerateOptions.__doc__
    parsed: Any = parse_options(both, words, f"palsynth generate {path}", prefixes=True)
    check_limits(parsed)
    return parsed, parsed.plan


generate.parses_itself = True  # type: ignore[attr-defined]
