"""``palsynth benchmark``, ``palsynth transfer`` and ``palsynth afid``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from palsynth.commands.naming import MethodName
from palsynth.errors import InputError
from palsynth.progress import progress_bar


@dataclass(frozen=True)
class BenchmarkOptions:
    """Build a benchmark set: identity images, expression images, ground truth and pairs.csv.

    Run the command again to resume.
    """

    name: tyro.conf.Positional[
        Literal[
            "vp-transfer", "vp-patients", "vp-patients-elsewhere", "london-smile", "half-smiles"
        ]
    ]
    """vp-transfer: 50 synthetic subjects x 10 movements;
    vp-patients: 3 virtual patients x 10 movements x 60 pictures, 60 further ones x 10 movements;
    vp-patients-elsewhere: the same patients with green caps, another wall and other light;
    london-smile: the photographed test people, neutral to smiling;
    half-smiles: one-sided smiles composed from neutral and smiling photographs, as two sets."""
    out: Path
    """Output folder of the set."""
    photographs: Path | None = None
    """London-set folder (london-smile), or any folder with neutral/ and smiling/ (half-smiles)."""
    size: int | None = None
    """Width and height of a picture in pixels, 32 to 512; default: that of the set."""


def benchmark(options: BenchmarkOptions) -> None:
    """Build a benchmark set: identity images, expression images, ground truth and pairs.csv."""
    from palsynth.comparison.benchmark_sets import SETS

    arguments: dict[str, object] = {}
    if options.size is not None:
        if not 32 <= options.size <= 512:
            raise InputError(f"--size {options.size}: must lie between 32 and 512")
        arguments["size"] = options.size
    if options.name in ("london-smile", "half-smiles"):
        if options.photographs is None:
            raise InputError(f"{options.name} needs --photographs, a folder of photographs")
        arguments["photographs"] = options.photographs
    elif options.photographs is not None:
        raise InputError(f"{options.name} shows synthetic subjects; leave out --photographs")
    if options.name == "half-smiles":
        _half_smiles(options)
        return
    with progress_bar(options.name) as progress:
        SETS[options.name](options.out, progress=progress, **arguments)
    print(f"{options.out}: {options.name}, pairs.csv")


def _half_smiles(options: BenchmarkOptions) -> None:
    from palsynth.comparison.half_smiles import half_smiles

    assert options.photographs is not None
    with progress_bar(options.name) as progress:
        half_smiles(options.out, options.photographs, options.size or 256, progress)
    left_out = (options.out / "self" / "left-out.txt").read_text("utf-8").splitlines()
    print(
        f"{options.out}: half-smiles, self/pairs.csv and cross/pairs.csv; "
        f"{len(left_out)} people left out (left-out.txt)"
    )


@dataclass(frozen=True)
class FolderOptions:
    """Build a benchmark set from a dataset of your own: its faces, cropped, and pairs.csv, in which
    another patient of the same split, at rest, takes on every expression.

    Run the command again to resume.
    """

    dataset: tyro.conf.Positional[Path]
    """Dataset folder with metadata.jsonl, such as palsynth data import makes."""
    out: Path | None = None
    """Output folder of the set; default: DATASET-benchmark beside the dataset."""
    size: int = 112
    """Width and height of a picture in pixels, 32 to 1024."""
    framing: Literal["recogniser", "portrait", "id-photo"] = "recogniser"
    """Position and scale of the face: recogniser for CFCPalsy, portrait for a ControlNet."""
    splits: tuple[Literal["train", "validation", "test"], ...] = ("train", "validation", "test")
    """Splits whose patients are paired, each within itself."""


def benchmark_folder(options: FolderOptions) -> None:
    """Build a benchmark set from a dataset of your own."""
    from palsynth.comparison.folder_set import LEFT_OUT, folder_set
    from palsynth.face.framing import FRAMINGS

    if not 32 <= options.size <= 1024:
        raise InputError(f"--size {options.size}: must lie between 32 and 1024")
    dataset = options.dataset.resolve()
    out = options.out or dataset.with_name(dataset.name + "-benchmark")
    framing = FRAMINGS[options.framing]
    with progress_bar("faces") as progress:
        made = folder_set(
            out, options.dataset, options.size, framing, options.splits, progress=progress
        )
    subjects = len({pair.subject for pair in made.pairs})
    print(f"{out}: {len(made.pairs)} pairs of {subjects} subjects, pairs.csv")
    if made.left_out:
        print(f"{len(made.left_out)} lines of what is left out, and why, are in {out / LEFT_OUT}")


@dataclass(frozen=True)
class TransferOptions:
    """Run a method over a benchmark set: one picture per pair.

    Run the command again to resume.
    """

    set: tyro.conf.Positional[Path]
    """Folder of the benchmark set."""
    method: MethodName
    """Name of the method."""
    out: Path
    """Output folder of the pictures."""
    weights: Path | None = None
    """Folder of the method's weights; default: those that ship."""
    rest: bool = False
    """Also give the method the expression's person at rest; for methods that capture."""


def transfer(options: TransferOptions) -> None:
    """Run a method over a benchmark set: one picture per pair."""
    from palsynth.comparison.transfer import transfer as run
    from palsynth.data.pairs import read_pairs
    from palsynth.methods.registry import get_method

    method = get_method(options.method, options.weights)
    pairs = read_pairs(options.set / "pairs.csv")
    with progress_bar(options.method) as progress:
        run(method, options.set, pairs, options.out, rest=options.rest, progress=progress)
    print(f"{options.out}: {len(pairs)} pictures by {options.method}")


@dataclass(frozen=True)
class AfidOptions:
    """Compute the aFID of a method: transfer every expression to another person and back, and take
    the FID to the originals.

    Run the command again to resume; the pictures of both directions are stored.
    """

    set: tyro.conf.Positional[Path]
    """Folder of the benchmark set."""
    method: MethodName
    """Name of the method."""
    out: Path
    """Output folder of the pictures and afid.json."""
    weights: Path | None = None
    """Folder of the method's weights; default: those that ship."""
    inception: Path | None = None
    """Inception weights; default: palsynth's own features, which the name of the figure states."""


def afid(options: AfidOptions) -> None:
    """Compute the aFID of a method: FID to the originals after a round trip to other people."""
    import json
    import math

    from palsynth.comparison.afid import LIKENESS, afid_figures, round_trip
    from palsynth.data.pairs import read_pairs
    from palsynth.encoders.published.dlib import SAME_PERSON
    from palsynth.files import atomic_write
    from palsynth.methods.registry import get_method
    from palsynth.scoring.features import FeatureCache

    method = get_method(options.method, options.weights)
    pairs = read_pairs(options.set / "pairs.csv")
    with progress_bar(f"{options.method}, round trip") as progress:
        round_trip(method, options.set, pairs, options.out, progress)
    with FeatureCache(options.out / "features.sqlite") as cache:
        figures = afid_figures(options.set, pairs, options.out, options.inception, cache)
    values = {name: None if math.isnan(f.value) else f.value for name, f in figures.items()}
    with atomic_write(options.out / "afid.json") as temporary:
        temporary.write_text(
            json.dumps({"method": options.method, **values}, indent=1) + "\n", "utf-8"
        )
    for name, figure in figures.items():
        print(f"{name}: {figure.text()}")
    if len(pairs) < 2:
        print("note: one pair; aFID needs at least two")
    if figures[LIKENESS].value >= SAME_PERSON:
        print(
            "note: the first pictures do not show the other person; without that likeness an aFID "
            "is meaningless (copying the expression image has aFID 0)"
        )
