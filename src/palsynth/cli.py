"""The command line: finds a command, parses its options and turns bad input into one line.

Commands live in ``commands/``, each a few lines over the Python API. Only the module of the
requested command is imported, so that ``palsynth --help`` stays fast and imports no heavy library.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

import palsynth
from palsynth import renamed
from palsynth.errors import InputError
from palsynth.terminal import drop_output, one_line, prepare

if TYPE_CHECKING:
    from palsynth.guards import Guard

COMMANDS: dict[str, tuple[str, str]] = {
    "sheet": ("sheets", "show a photo or synthetic subject in the ten Yanagihara movements"),
    "grid": ("sheets", "show several identities (rows) with several expressions (columns)"),
    "gallery": ("gallery", "render every movement of some subjects at several grades, full size"),
    "simulate": ("simulate", "apply a facial palsy to a photo"),
    "synthesize": ("synthesize", "transfer the expression of one photo to the person of another"),
    "anonymize": ("anonymize", "show a patient's expression on another face and check privacy"),
    "video": ("video", "show a movement, or a patient's clip on somebody else, as moving pictures"),
    "condition": ("condition", "write the edge map of a patient's features in another face"),
    "measure": ("measure", "measure both sides of a face, their asymmetry and the item score"),
    "generate": ("generate", "make a labelled data set by a plan, with any method"),
    "subjects sample": ("subjects", "render synthetic subjects"),
    "subjects export": ("subjects", "make a labelled data set of synthetic subjects"),
    "subjects fit": ("subjects", "fit the appearance model to photographs"),
    "data check": ("data", "check a dataset for errors"),
    "data import": ("data", "import a clinical dataset"),
    "data stats": ("data", "count and plot a dataset's labels"),
    "fields fit": ("fitting", "register the scanned expression fields to the mesh"),
    "capture fit": ("fitting", "fit the model of neutral faces that capture compares with"),
    "smile fit": ("fitting", "fit the model of smiles to photographs"),
    "calibrate": ("fitting", "calibrate the measures on faces with known ground truth"),
    "evaluate": ("evaluate", "evaluate a method's pictures of a benchmark set"),
    "evaluate compare": ("evaluate", "join several reports in one table"),
    "benchmark": ("benchmark", "build a benchmark set with its pairs and ground truth"),
    "benchmark folder": ("benchmark", "build a benchmark set from a dataset of your own"),
    "transfer": ("benchmark", "run a method over a benchmark set"),
    "afid": ("benchmark", "compute the aFID of a method: FID after a round trip"),
    "table cfcpalsy": ("table", "compare CFCPalsy models with the simulator and the baselines"),
    "table controlnet": ("table", "compare ControlNet fine-tuning strategies, training as needed"),
    "table predecessors": ("table", "compare the methods before both papers with those of today"),
    "table timesteps": ("table", "compare ControlNet timestep ranges, training as needed"),
    "audit": ("audit", "test whether a synthetic set leaks the people it was trained on"),
    "utility": ("utility", "test whether synthetic data improve a grader"),
    "study new": ("study", "create a blinded questionnaire from pictures of several methods"),
    "study serve": ("study", "serve the questionnaire as a web page, one link per rater"),
    "study report": ("study", "report the answers: means, agreement, paired tests"),
    "app": ("app", "serve a web page to simulate, anonymize and measure in a browser"),
    "train": ("train", "train a recipe: encoder, judge, grader, CFCPalsy or ControlNet"),
    "release": ("train", "export a finished run's weights in half precision"),
    "convert": ("convert", "convert a published CFCPalsy checkpoint for --weights"),
    "doctor": ("doctor", "check the installation and say how to repair it"),
}
"""Command -> module of ``palsynth.commands`` and its line in the overview."""

SECTIONS = {
    "sheet": "Pictures and measurements",
    "generate": "Synthetic subjects and datasets",
    "fields fit": "Fitting the models that ship",
    "evaluate": "Evaluation",
    "audit": "Privacy, utility and rater studies",
    "app": "In a browser",
    "train": "Training and weights",
    "doctor": "Installation",
}
"""First command of a section -> the section's heading in the overview."""

LOCKED = ("out", "target")
"""Options that name what only one command may write at a time."""

OUTPUTS = ("out", "show")
"""Options that name what a command writes; any other option may name what it reads."""

UNWRITTEN = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)
"""Errors of an output that is full, broken or closed; others may be of memory or processes."""


RESUMED = ("subjects export", "generate")
"""Commands that an interrupted user is told to run again."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs one command. Bad input ends it with exit code 2 and one line on standard error.

    Args:
        arguments: the words of the command line after ``palsynth``; default: ``sys.argv[1:]``.
    """
    prepare()
    try:
        try:
            _dispatch(list(sys.argv[1:] if arguments is None else arguments))
        finally:
            sys.stdout.flush()
    except BrokenPipeError:  # whoever read the output has read enough, as head does
        drop_output()
        sys.exit(141)
    except OSError as error:
        drop_output()
        with contextlib.suppress(OSError):  # standard error may be full too
            what = (
                "the output cannot be written" if error.errno in UNWRITTEN else "the system refuses"
            )
            print(f"palsynth: {what} ({error.strerror})", file=sys.stderr)
        sys.exit(1)


def _dispatch(words: list[str]) -> None:
    """Finds the command and runs it."""
    for word in words:
        if any("\ud800" <= character <= "\udfff" for character in word):
            _fail(f"{word}: is not UTF-8; rename the file")
    if not words or words[0] in ("-h", "--help"):
        print(_overview())
        sys.exit(0 if words else 2)
    if words[0] == "--version":
        print(palsynth.__version__)
        return
    try:
        words = renamed.command(words)
    except InputError as error:
        _fail(str(error))
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
    from palsynth.crashes import debugging, describe
    from palsynth.guards import guarded
    from palsynth.limits import check_limits
    from palsynth.settings import check_numbers
    from palsynth.signals import tidy_end

    try:
        os.getcwd()
    except OSError:
        _fail("the current folder has been deleted; change to another one")
    # Libraries read it when they are imported: no command may use the network at run time.
    os.environ["HF_HUB_OFFLINE"] = "1"
    sys.set_int_max_str_digits(0)  # check_numbers names a number that is too large
    module = importlib.import_module(f"palsynth.commands.{COMMANDS[name][0]}")
    try:
        from palsynth.commands.parsing import parse_options

        function = getattr(module, name.replace(" ", "_"))
        if hasattr(function, "parses_itself"):  # the options depend on a file
            with guarded(), tidy_end():
                function(words)
            return
        options = get_type_hints(function).get("options")
        parsed = parse_options(options or function, words, f"palsynth {name}")
        if options is not None:
            check_numbers(parsed)
            check_limits(parsed)
            with tidy_end(), guarded(force=getattr(parsed, "force", False)) as guard:
                for path in _input_paths(parsed):
                    _check_link(path)
                    guard.protect(path)
                _check_outputs(parsed, guard)
                if isinstance(method := getattr(parsed, "method", None), str):
                    from palsynth.methods.registry import method_class

                    method_class(method)
                with _locked(parsed):
                    function(parsed)
    except InputError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        hint = "; run the same command again to resume" if name in RESUMED else ""
        print(f"\ninterrupted{hint}", file=sys.stderr)
        sys.exit(130)
    except OSError as error:  # the system refuses a path for a reason not handled elsewhere
        if error.filename is None:  # or the output
            raise
        _fail(f"{error.filename}: {error.strerror or error}")
    except Exception as error:  # the last line of defence: what ends here deserves its own message
        if debugging():
            raise
        print(f"palsynth: {describe(error)}", file=sys.stderr)
        sys.exit(1)


def _input_paths(value: Any) -> Iterator[Path]:
    """Every path among the options except OUTPUTS, and every string, which may be a path."""
    if is_dataclass(value):
        for field in fields(value):
            if field.name not in OUTPUTS:
                yield from _input_paths(getattr(value, field.name))
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _input_paths(item)
    elif isinstance(value, (str, Path)):
        yield Path(value)


def _check_link(path: Path) -> None:
    """Raises InputError if a path is, or leads through, a link that leads to itself."""
    try:
        path.stat()
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise InputError(f"{path}: is a link that leads to itself; give another path") from None
    except ValueError:  # no path at all
        pass


@contextmanager
def _locked(options: Any) -> Iterator[None]:
    """Holds the locks of what the command writes; devices such as /dev/stdout have none."""
    from palsynth.locks import lock_folder

    given = [getattr(options, name, None) for name in LOCKED]
    with ExitStack() as locks:
        for path in filter(None, given):
            is_device = os.path.exists(path) and not os.path.isfile(path) and not path.is_dir()
            is_lost = path.suffix and not path.parent.exists()  # a file: the command says so
            if not is_device and not is_lost:
                locks.enter_context(lock_folder(path))
        yield


def _check_outputs(options: Any, guard: Guard) -> None:
    """Raises InputError, before any work starts, if an output must not be written or replaced."""
    from palsynth.commands.endings import check_ending

    for name in OUTPUTS:
        path = getattr(options, name, None)
        if path is None:
            continue
        _check_link(path)
        check_ending(type(options), name, path)
        if not path.is_file():
            continue
        guard.check(path)
        if hasattr(options, "force") and not guard.force:
            from palsynth.face.images import check_replaceable

            check_replaceable(path)


def _fail(text: str) -> None:
    print(f"palsynth: {one_line(text)}", file=sys.stderr)
    sys.exit(2)


def _overview(names: Sequence[str] | None = None) -> str:
    """The help of all commands under their sections, or of the commands of one group."""
    lines = [
        f"palsynth {palsynth.__version__}: synthetic pictures of facial palsy",
        "for research and teaching; not a medical device",
        "",
        "usage: palsynth COMMAND [options]     palsynth COMMAND --help",
        "",
    ]
    listed = list(names or COMMANDS)
    width = max(len(n) for n in listed)
    for name in listed:
        if name in SECTIONS and names is None:
            lines += [*([""] if name != listed[0] else []), f"{SECTIONS[name]}:"]
        lines.append(f"  {name:<{width}}  {COMMANDS[name][1]}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
