"""The doors: each command is a few lines over the Python API.

Commands live in ``commands/``; only the one that is asked for is imported, so that
``palsynth --help`` stays quick and loads nothing heavy.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

import palsynth
from palsynth import renamed

if TYPE_CHECKING:
    from palsynth.files import Guard

COMMANDS: dict[str, tuple[str, str]] = {
    "sheet": ("sheets", "the ten movements of a photo or a synthetic subject, side by side"),
    "grid": ("sheets", "identities down, expressions across"),
    "gallery": ("gallery", "every movement of a few subjects at a few grades, full size"),
    "simulate": ("simulate", "move a photo the way a half-working facial nerve would"),
    "synthesize": ("synthesize", "one photo's person with another photo's expression"),
    "anonymize": ("anonymize", "a patient's expression on somebody else, with a privacy check"),
    "condition": ("condition", "edges of a patient's parts in a non-patient's face"),
    "measure": ("measure", "measure faces: left, right, asymmetry, estimated item score"),
    "subjects sample": ("subjects", "render synthetic subjects"),
    "subjects export": ("subjects", "write a labelled dataset of synthetic subjects"),
    "subjects fit": ("subjects", "fit the appearance model to photographs"),
    "data check": ("data", "find what is wrong with a dataset"),
    "data import": ("data", "import a clinical dataset"),
    "data stats": ("data", "count a dataset's labels, and draw them"),
    "fields fit": ("fitting", "register the scanned expression fields to the mesh"),
    "capture fit": ("fitting", "fit the neutral faces that capture reads expressions against"),
    "smile fit": ("fitting", "learn from photographs what smiling does to a face"),
    "calibrate": ("fitting", "calibrate the measures against people with known truth"),
    "evaluate": ("evaluate", "judge a method's pictures of a benchmark set"),
    "evaluate compare": ("evaluate", "several reports in one table"),
    "benchmark": ("benchmark", "make a benchmark set: who should show what, and the truth"),
    "transfer": ("benchmark", "run a method over a benchmark set"),
    "afid": ("benchmark", "aFID of a method: a round trip of every picture"),
    "table cfcpalsy": ("table", "CFCPalsy models beside the simulator, the truth and the copies"),
    "table controlnet": ("table", "every strategy of the ControlNet paper, trained where missing"),
    "table timesteps": ("table", "the ranges of timesteps of the ControlNet paper"),
    "audit": ("audit", "does a synthetic set give away whom it was made from?"),
    "utility": ("utility", "does synthetic data help a grader?"),
    "study new": ("study", "a questionnaire: pictures of several methods, three questions"),
    "study serve": ("study", "the questionnaire as a web page, a link a rater"),
    "study report": ("study", "what the raters said: means, agreement, paired tests"),
    "train": ("train", "train a recipe: an encoder, the judge, a grader, CFCPalsy, a ControlNet"),
    "release": ("train", "write a finished run's weights in half precision"),
    "convert": ("convert", "a published CFCPalsy checkpoint as weights for --weights"),
    "doctor": ("doctor", "what is installed, what is missing, what to do"),
}
"""Command -> module of ``palsynth.commands`` and what it does."""

OUTPUTS = ("out", "show")
"""Options that name what a command writes; all others may name what it reads."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command. Ends with exit code 2 and one line where the input is bad."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without our dashes still works
    if not words or words[0] in ("-h", "--help"):
        print(_overview())
        sys.exit(0 if words else 2)
    if words[0] == "--version":
        print(palsynth.__version__)
        return
    words = renamed.command(words)
    name = next((n for n in (" ".join(words[:2]), words[0]) if n in COMMANDS), None)
    if name is None:
        group = [n for n in COMMANDS if n.split()[0] == words[0]]
        if group and (len(words) == 1 or words[1] in ("-h", "--help")):
            print(_overview(group))
            sys.exit(0 if len(words) > 1 else 2)
        known = ", ".join(group or COMMANDS)
        _fail(f"no command '{' '.join(words[:2] if group else words[:1])}'; commands are {known}")
        return
    _run(name, words[len(name.split()) :])


def _run(name: str, words: list[str]) -> None:
    from palsynth.errors import InputError
    from palsynth.files import guarded

    # Libraries look at it when they are imported: nothing asks a network at run time.
    os.environ["HF_HUB_OFFLINE"] = "1"
    module = importlib.import_module(f"palsynth.commands.{COMMANDS[name][0]}")
    try:
        import tyro

        function = getattr(module, name.replace(" ", "_"))
        if hasattr(function, "parses_itself"):  # its options depend on a file
            with guarded():
                function(words)
            return
        options = get_type_hints(function).get("options")
        read = tyro.cli(
            options or function,
            prog=f"palsynth {name}",
            args=words,
            config=(tyro.conf.OmitArgPrefixes,),
        )
        if options is not None:
            with guarded(force=getattr(read, "force", False)) as guard:
                for path in _named(read):
                    guard.protect(path)
                _check_outputs(read, guard)
                function(read)
    except InputError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        again = "; start the same command again to go on" if name == "subjects export" else ""
        print(f"\ninterrupted{again}", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)
    except OSError as error:  # a path that the system refuses, in a way nobody thought of
        _fail(f"{error.filename or name}: {error.strerror or error}")


def _named(value: Any) -> Iterator[Path]:
    """Every path that the options name outside OUTPUTS, and every text that may be one."""
    if is_dataclass(value):
        for field in fields(value):
            if field.name not in OUTPUTS:
                yield from _named(getattr(value, field.name))
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _named(item)
    elif isinstance(value, (str, Path)):
        yield Path(value)


def _check_outputs(options: Any, guard: Guard) -> None:
    """Raises InputError, before any work, where an output may not be written or replaced."""
    from palsynth.errors import InputError

    for name in OUTPUTS:
        path = getattr(options, name, None)
        if path is None:
            continue
        if path.suffix.lower() in (".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif"):
            raise InputError(f"{path}: pictures are written as PNG; give a name that ends in .png")
        if not path.is_file():
            continue
        guard.check(path)
        if hasattr(options, "force") and not guard.force:
            from palsynth.face.images import check_replaceable

            check_replaceable(path)


def _fail(text: str) -> None:
    line = " ".join(text.split())
    print(f"palsynth: {line}", file=sys.stderr)
    sys.exit(2)


def _overview(names: Sequence[str] | None = None) -> str:
    lines = [
        f"palsynth {palsynth.__version__}: synthetic pictures of facial palsy",
        "for research and teaching; not a medical device",
        "",
        "usage: palsynth COMMAND [options]     palsynth COMMAND --help",
        "",
    ]
    shown = list(names or COMMANDS)
    width = max(len(n) for n in shown)
    lines += [f"  {n:<{width}}  {COMMANDS[n][1]}" for n in shown]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
