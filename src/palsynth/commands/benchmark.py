"""``palsynth benchmark``, ``palsynth transfer`` and ``palsynth afid``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from palsynth.errors import InputError
from palsynth.progress import progress_bar


@dataclass(frozen=True)
class BenchmarkOptions:
    """Makes a benchmark set: identity and expression images, the truth, pairs.csv.

    Start it again to go on where it stopped.
    """

    name: tyro.conf.Positional[Literal["vp-transfer", "vp-patients", "london-smile", "half-smiles"]]
    """vp-transfer: 50 people x 10 movements; vp-patients: 3 patients x 10 x 60 and 60 more;
    london-smile: the photographed test people, neutral to smiling; half-smiles: photographed
    one-sided smiles of any folder with neutral and smiling photographs, two sets."""
    out: Path
    """Folder of the set."""
    photographs: Path | None = None
    """A London-set folder, for london-smile; any with neutral/ and smiling/, for half-smiles."""
    size: int | None = None
    """Pixels a side; each set has its own where nothing is said."""


def benchmark(options: BenchmarkOptions) -> None:
    """Makes a benchmark set: identity and expression images, the truth, pairs.csv."""
    from palsynth.comparison.benchmark_sets import SETS

    given: dict[str, object] = {}
    if options.size is not None:
        if not 32 <= options.size <= 512:
            raise InputError(f"--size {options.size}: must lie between 32 and 512")
        given["size"] = options.size
    if options.name in ("london-smile", "half-smiles"):
        if options.photographs is None:
            raise InputError(f"{options.name} needs --photographs, a folder of them")
        given["photographs"] = options.photographs
    elif options.photographs is not None:
        raise InputError(f"{options.name} shows people who do not exist; leave out --photographs")
    if options.name == "half-smiles":
        _half_smiles(options)
        return
    make, total = SETS[options.name]
    with progress_bar(options.name) as progress:
        for done in make(options.out, **given):
            progress(done, total)
    print(f"{options.out}: {options.name}, pairs.csv")


def _half_smiles(options: BenchmarkOptions) -> None:
    from palsynth.comparison.half_smiles import half_smiles

    assert options.photographs is not None
    with progress_bar(options.name) as progress:
        for done, total in half_smiles(options.out, options.photographs, options.size or 256):
            progress(done, total)
    left_out = (options.out / "self" / "left-out.txt").read_text("utf-8").splitlines()
    print(
        f"{options.out}: half-smiles, self/pairs.csv and cross/pairs.csv; "
        f"{len(left_out)} people left out (left-out.txt)"
    )


@dataclass(frozen=True)
class TransferOptions:
    """Runs a method over a benchmark set: a picture for every pair.

    Start it again to go on where it stopped.
    """

    set: tyro.conf.Positional[Path]
    """Folder of the set."""
    method: str
    """The method, by name."""
    out: Path
    """Folder of the pictures."""
    weights: Path | None = None
    """Weights of the method; what ships where nothing is said."""
    rest: bool = False
    """Give the method the expression's person at rest too, for methods that capture."""


def transfer(options: TransferOptions) -> None:
    """Runs a method over a benchmark set: a picture for every pair."""
    from palsynth.comparison.transfer import transfer as run
    from palsynth.data.pairs import read_pairs
    from palsynth.methods.base import get_method

    method = get_method(options.method, options.weights)
    pairs = read_pairs(options.set / "pairs.csv")
    with progress_bar(options.method) as progress:
        for done in run(method, options.set, pairs, options.out, rest=options.rest):
            progress(done, len(pairs))
    print(f"{options.out}: {len(pairs)} pictures by {options.method}")


@dataclass(frozen=True)
class AfidOptions:
    """aFID of a method: expressions go to other people and back; FID to the originals.

    Start it again to go on where it stopped; the pictures of both ways are kept.
    """

    set: tyro.conf.Positional[Path]
    """Folder of the set."""
    method: str
    """The method, by name."""
    out: Path
    """Folder of the pictures and of afid.json."""
    weights: Path | None = None
    """Weights of the method; what ships where nothing is said."""
    inception: Path | None = None
    """Weights of Inception; our own features stand in, and the name says so."""


def afid(options: AfidOptions) -> None:
    """aFID of a method: expressions go to other people and back; FID to the originals."""
    import json
    import math

    from palsynth.comparison.afid import LIKENESS, afid_figures, round_trip
    from palsynth.data.pairs import read_pairs
    from palsynth.encoders.published.dlib import SAME_PERSON
    from palsynth.files import atomic_write
    from palsynth.methods.base import get_method
    from palsynth.scoring.features import FeatureCache

    method = get_method(options.method, options.weights)
    pairs = read_pairs(options.set / "pairs.csv")
    with progress_bar(f"{options.method}, there and back") as progress:
        for done in round_trip(method, options.set, pairs, options.out):
            progress(done, 2 * len(pairs))
    with FeatureCache(options.out / "features.sqlite") as cache:
        figures = afid_figures(options.set, pairs, options.out, options.inception, cache)
    plain = {name: None if math.isnan(f.value) else f.value for name, f in figures.items()}
    with atomic_write(options.out / "afid.json") as temporary:
        temporary.write_text(json.dumps({"method": options.method, **plain}, indent=1) + "\n")
    for name, figure in figures.items():
        print(f"{name}: {figure.text() if not math.isnan(figure.low) else f'{figure.value:.3f}'}")
    if figures[LIKENESS].value >= SAME_PERSON:
        print(
            "note: the first pictures do not show the other person; an aFID without that likeness "
            "says nothing (copying the expression image has aFID 0)"
        )
