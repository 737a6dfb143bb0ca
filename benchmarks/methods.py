"""Size and speed of every method with weights, in one table.

    python benchmarks/methods.py [NAME ...] [--images 12]

Requests are synthetic subjects at 112 px, each with a movement and a palsy, one by one and in one
batch. Seconds are processor time of this process, the smallest of three rounds, so that other load
on the machine disturbs less; they include reading the expression, sampling and compositing.
Parameters are those of the networks that a method holds; the megabytes are those of the folders
that ship.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

import palsynth.methods
from palsynth.clinical import YANAGIHARA, Grade, Palsy, Side
from palsynth.errors import InputError
from palsynth.face.framing import RECOGNISER
from palsynth.generation.runner import generate
from palsynth.methods.base import Method, Request, TargetExpression
from palsynth.methods.registry import METHODS, get_method
from palsynth.subjects import EVALUATION_SEEDS, sample

SIZE, ROUNDS = 112, 3
SUBJECTS_FROM = EVALUATION_SEEDS + 91_000


def requests(count: int) -> list[Request]:
    """Some requests.

    Args:
        count: their number.

    Returns:
        Each of another subject and with another movement.
    """
    sides, grades = list(Side), [Grade.III, Grade.IV, Grade.V, Grade.VI]
    return [
        Request(
            sample(SUBJECTS_FROM + k),
            TargetExpression(
                YANAGIHARA[k % len(YANAGIHARA)],
                Palsy.peripheral(sides[k % 2], grades[k % len(grades)]),
            ),
            seed=k,
            size=SIZE,
            framing=RECOGNISER,
        )
        for k in range(count)
    ]


def networks_of(method: Any) -> list[nn.Module]:
    """The networks that a method holds, each once, wherever they are among its attributes.

    Args:
        method: the method.

    Returns:
        The outermost modules.
    """
    found: dict[int, nn.Module] = {}
    seen: set[int] = set()

    def look(value: Any) -> None:
        if id(value) in seen:
            return
        seen.add(id(value))
        if isinstance(value, nn.Module):
            found[id(value)] = value
        elif isinstance(value, dict):
            for each in value.values():
                look(each)
        elif isinstance(value, (list, tuple)):
            for each in value:
                look(each)
        elif type(value).__module__.startswith("palsynth."):
            for each in getattr(value, "__dict__", {}).values():
                look(each)

    look(method)
    return list(found.values())


def parameters(method: Method) -> int:
    """Number of parameters of a method's networks, shared ones counted once.

    Args:
        method: the method.

    Returns:
        The number.
    """
    return sum(
        p.numel() for p in {id(p): p for n in networks_of(method) for p in n.parameters()}.values()
    )


def seconds(method: Method, wanted: Sequence[Request], at_once: bool) -> float:
    """Processor time of one image.

    Args:
        method: the method.
        wanted: what to make.
        at_once: in one batch, or one by one.

    Returns:
        Seconds an image, the smallest of three rounds.
    """
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        for batch in [wanted] if at_once else [[request] for request in wanted]:
            list(generate(method, batch, batch=len(batch)))
        times.append((time.process_time() - start) / len(wanted))
    return min(times)


def megabytes(name: str) -> float | None:
    """Size of the weights that ship for a method, those of its base too.

    Args:
        name: the method.

    Returns:
        Megabytes (10^6 bytes); None if none ship.
    """
    if name.startswith("controlnet-"):
        names = ["controlnet/assets/pf", "controlnet/assets/small"]
    elif name == "cfcpalsy":
        names = ["cfcpalsy/assets/default"]
    elif name == "latent-diffusion":
        names = ["diffusion/assets/latent-diffusion", "controlnet/assets/small/base/vae"]
    else:
        names = [f"*/assets/{name}"]
    methods = Path(palsynth.methods.__file__).parent
    files = [path for each in names for path in methods.glob(f"{each}/**/*") if path.is_file()]
    return sum(path.stat().st_size for path in files) / 1e6 or None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*")
    parser.add_argument("--images", type=int, default=12)
    options = parser.parse_args()
    if options.images < 1:
        parser.error(f"--images {options.images}: must be at least 1")
    torch.set_num_threads(1)
    wanted = requests(options.images)
    print("| method | parameters, M | weights, MB | seconds an image | in one batch |")
    print("|---|---|---|---|---|")
    for name in options.names or METHODS:
        if name.startswith("copy-") or name == "noise":
            continue
        try:
            method = get_method(name)
        except InputError as error:
            print(f"left out: {error}", file=sys.stderr)
            continue
        list(generate(method, wanted[:1]))  # loads what is loaded once
        size = megabytes(name)
        print(
            f"| {name} | {parameters(method) / 1e6:.1f} | {'–' if size is None else f'{size:.1f}'} "
            f"| {seconds(method, wanted, False):.2f} | {seconds(method, wanted, True):.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
