"""``palsynth study new``, ``serve`` and ``report``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tyro

from palsynth.commands.options import named_folders
from palsynth.errors import InputError


@dataclass(frozen=True)
class StudyNewOptions:
    """Makes a questionnaire: every method's pictures of the same pairs, blinded and shuffled."""

    methods: tyro.conf.Positional[tuple[str, ...]]
    """NAME=FOLDER of each method's pictures, named as in the set's pairs.csv."""
    set: Path
    """Folder of the set."""
    out: Path
    """The study's file (.sqlite); it will hold pictures and answers."""
    pairs: int = 10
    """How many pairs are shown, of all movements alike."""
    raters: int = 14
    """How many links are made."""
    seed: int = 0
    """Decides which pairs are shown and in which order."""
    title: str = "Which pictures show facial palsy well?"
    """What stands above every page."""


@dataclass(frozen=True)
class StudyServeOptions:
    """Serves a questionnaire as a web page until interrupted. Answers are saved at every step."""

    study: tyro.conf.Positional[Path]
    """The study's file."""
    host: str = "127.0.0.1"
    """Address to listen at; 0.0.0.0 lets other machines in."""
    port: int = 8000
    address: str | None = None
    """How raters reach it, as in https://study.example.org; for the links that are printed."""


@dataclass(frozen=True)
class StudyReportOptions:
    """What the raters said: means, agreement, paired tests, plots, answers.csv."""

    study: tyro.conf.Positional[Path]
    """The study's file."""
    out: Path
    """Folder of the report."""


def study_new(options: StudyNewOptions) -> None:
    """Makes a questionnaire: every method's pictures of the same pairs, blinded and shuffled."""
    from palsynth.data.pairs import read_pairs
    from palsynth.study.new import chosen, shown
    from palsynth.study.store import create

    if options.pairs < 1 or options.raters < 1:
        raise InputError("--pairs and --raters must be at least 1")
    methods = named_folders(options.methods)
    pairs = chosen(read_pairs(options.set / "pairs.csv"), options.pairs, options.seed)
    pictures = shown(options.set, pairs, methods)
    create(options.out, options.title, pictures, options.raters, options.seed)
    print(
        f"{options.out}: {len(pictures)} pictures, {options.raters} raters; "
        f"go on with: palsynth study serve {options.out}"
    )


def study_serve(options: StudyServeOptions) -> None:
    """Serves a questionnaire as a web page until interrupted."""
    import socket

    import uvicorn

    from palsynth.app.study import study_app
    from palsynth.study.store import Study

    study = Study(options.study)
    if not 1 <= options.port <= 65535:
        raise InputError(f"--port {options.port}: must lie between 1 and 65535")
    host = f"[{options.host}]" if ":" in options.host else options.host
    address = (options.address or f"http://{host}:{options.port}").rstrip("/")
    with socket.socket(socket.AF_INET6 if ":" in options.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((options.host, options.port))
        except OSError as error:
            raise InputError(
                f"{options.host}:{options.port}: cannot be served ({error.strerror or error}); "
                "give another --port or --host"
            ) from None
    print("one link a rater; interrupt to stop:")
    for token in study.tokens():
        print(f"  {address}/r/{token}", flush=True)
    uvicorn.run(study_app(study), host=options.host, port=options.port, log_level="warning")


def study_report(options: StudyReportOptions) -> None:
    """What the raters said: means, agreement, paired tests, plots, answers.csv."""
    from palsynth.evaluation.document import print_table
    from palsynth.study.report import write_study_report
    from palsynth.study.store import Study

    means = write_study_report(Study(options.study), options.out)
    print_table(means)
    print(f"{options.out / 'study.html'}")
