"""``palsynth study new``, ``serve`` and ``report``."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from palsynth.commands.endings import Ending
from palsynth.commands.options import named_folders
from palsynth.errors import InputError


@dataclass(frozen=True)
class StudyNewOptions:
    """Create a questionnaire: every method's pictures of the same pairs, blinded and shuffled.

    All pictures are brought to one size, the least among them."""

    methods: tyro.conf.Positional[tuple[str, ...]]
    """NAME=FOLDER of each method, whose pictures are named as in the set's pairs.csv."""
    set: Path
    """Folder of the benchmark set."""
    out: Annotated[Path, Ending(".sqlite", "studies")]
    """Output file of the study (.sqlite); it stores pictures and answers."""
    pairs: int = 10
    """Number of pairs to show, at least 1, balanced over the movements."""
    raters: int = 14
    """Number of raters, at least 1; each gets a link."""
    seed: int = 0
    """Random seed of the selection and order of the pairs."""
    title: str = "Which pictures show facial palsy well?"
    """Heading of every page."""


@dataclass(frozen=True)
class StudyServeOptions:
    """Serve a questionnaire as a web page until interrupted. Every answer is saved immediately."""

    study: tyro.conf.Positional[Path]
    """File of the study (.sqlite)."""
    host: str = "127.0.0.1"
    """Address to listen on; 0.0.0.0 also accepts other machines."""
    port: int = 8000
    """Port to listen on, 1 to 65535."""
    address: str | None = None
    """Public address for the printed links, such as https://study.example.org;
    default: that of --host and --port."""


@dataclass(frozen=True)
class StudyReportOptions:
    """Report the answers: means, agreement between raters, paired tests, plots and answers.csv."""

    study: tyro.conf.Positional[Path]
    """File of the study (.sqlite)."""
    out: Path
    """Output folder of the report."""


def study_new(options: StudyNewOptions) -> None:
    """Create a questionnaire: every method's pictures of the same pairs, blinded and shuffled."""
    from palsynth.data.pairs import read_pairs
    from palsynth.study.new import choose_pairs, picture_size, read_items
    from palsynth.study.store import create

    if options.pairs < 1 or options.raters < 1:
        raise InputError("--pairs and --raters must be at least 1")
    methods = named_folders(options.methods)
    pairs = choose_pairs(read_pairs(options.set / "pairs.csv"), options.pairs, options.seed)
    pictures = read_items(options.set, pairs, methods)
    create(options.out, options.title, pictures, options.raters, options.seed)
    width, height = picture_size(pictures)
    print(f"all pictures are shown at {width} x {height} px, so that size tells no method")
    print(
        f"{options.out}: {len(pictures)} pictures, {options.raters} raters; "
        f"next: palsynth study serve {options.out}"
    )


def study_serve(options: StudyServeOptions) -> None:
    """Serve a questionnaire as a web page until interrupted."""
    from palsynth.app.server import serve
    from palsynth.app.study import study_app
    from palsynth.study.store import Study

    study = Study(options.study)
    if not study.private:
        print(
            f"{options.study}: other users of this machine can read it, and the pictures of "
            f"patients in it; chmod 600 {options.study}",
            file=sys.stderr,
        )
    print("one link per rater; press Ctrl+C to stop:", flush=True)
    paths = [f"/r/{token}" for token in study.tokens()]
    serve(study_app(study), options.host, options.port, address=options.address, paths=paths)


def study_report(options: StudyReportOptions) -> None:
    """Report the answers: means, agreement between raters, paired tests, plots and answers.csv."""
    from palsynth.evaluation.document import print_table
    from palsynth.study.report import write_study_report
    from palsynth.study.store import Study

    means = write_study_report(Study(options.study), options.out)
    print_table(means)
    print(f"{options.out / 'study.html'}")
