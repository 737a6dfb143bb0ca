"""A wrong option is refused in one line; help says what every option is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import pytest

from palsynth.cli import COMMANDS
from palsynth.clinical import Movement
from palsynth.commands.endings import Ending, check_ending
from palsynth.commands.options import PictureFile
from palsynth.commands.parsing import parse_options
from palsynth.commands.sheets import SheetOptions
from palsynth.commands.simulate import SimulateOptions
from palsynth.errors import InputError
from palsynth.training.kinds import KINDS

from .test_cli import complaint, run

RECIPES = Path(__file__).parents[2] / "recipes"


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("simulate", "PHOTO and --out are missing; see palsynth simulate --help"),
        ("simulate a.png", "--out is missing;"),
        ("simulate a --out b.png --grade VII", "--grade VII: must be I, II, III, IV, V or VI;"),
        ("measure a --movement=grn", "--movement grn: must be rest, wrinkle-forehead, "),
        ("simulate a --out b.png --sid left", "no option --sid; did you mean --side?;"),
        ("simulate a --out b.png --sid=left", "no option --sid; did you mean --side?;"),
        ("simulate a --out b.png --zzz", "no option --zzz; see palsynth simulate --help"),
        ("simulate a b --out b.png", "'b': one word too many;"),
        ("simulate a --out b.png --side", "--side: needs a value: left or right;"),
        ("sheet --size abc", "--size abc: must be a whole number;"),
        ("sheet --size=1.5", "--size 1.5: must be a whole number;"),
        ("simulate a --out b.png --intensity strong", "--intensity strong: must be a number;"),
        ("data import meei a b --frames x", "--frames x: must be peak, clips or numbers;"),
        ("sheet --healthy=false", "--healthy=false: --healthy takes no value;"),
        ("sheet --no_healthy=1", "--no_healthy takes no value;"),
        ("doctor all", "'all': one word too many;"),
        (f"train {RECIPES / 'identity.yaml'} --loop.step 3", "did you mean --loop.steps?;"),
        (f"train {RECIPES / 'identity.yaml'} --loop.steps x", "--loop.steps x: must be a whole"),
        (f"train {RECIPES / 'identity.yaml'} --loop.precision f", "must be no, bf16 or fp16;"),
        ("sheet --subject 1 --method magic", "no method 'magic'; choose one of captured, "),
        ("synthesize --identity none.jpg --movement grin --out o.png --method magic", "no method"),
        (
            "synthesize --identity subject:7 --movement grin --out o.png",
            "make one with: palsynth subjects sample --count 1 --seed 7 --out FOLDER",
        ),
        ("anonymize none.jpg --as subject:1 --out o.png", "none.jpg: no such photo or folder"),
    ],
)
def test_a_wrong_option_is_one_line(
    words: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    line = complaint(capsys, *words.split())
    assert text in line
    assert "None" not in line


def test_a_value_of_none_is_still_taken() -> None:
    parsed = parse_options(SheetOptions, ["--subject", "3", "--method", "None"], "palsynth sheet")
    assert (parsed.subject, parsed.method, parsed.photo) == (3, None, None)
    words = ["a.png", "--out", "b.png", "--grade", "None", "--movement", "rest"]
    parsed = parse_options(SimulateOptions, words, "palsynth simulate")
    assert (parsed.palsy_options.grade, parsed.movement) == (None, Movement.REST)


WRITES = {
    "sheet --subject 1": ".png",
    "grid --identities 1 --expressions rest": ".png",
    "simulate none.png": ".png",
    "synthesize --identity none.png --movement grin": ".png",
    "condition none.png": ".png",
    "data stats none": ".png",
    "fields fit none.npz": ".npz",
    "capture fit none": ".npz",
    "smile fit none": ".npz",
    "subjects fit none": ".npz",
    "calibrate": ".json",
    "study new a=b --set none": ".sqlite",
}
"""Command that writes one file -> how the file's name ends."""


@pytest.mark.parametrize("words", WRITES)
@pytest.mark.parametrize("out", ["o.gif", "o.txt", "o", "o.png.jpg"])
def test_a_false_extension_is_refused_before_the_work(
    words: str, out: str, capsys: pytest.CaptureFixture[str]
) -> None:
    line = complaint(capsys, *words.split(), "--out", out)
    assert line.startswith(f"palsynth: {out}: ")
    assert line.endswith(f"give a name that ends in {WRITES[words]}")


def test_a_patients_picture_needs_its_ending_before_the_work(
    photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for out in ("o.gif", "o"):
        line = complaint(capsys, "anonymize", photo, "--as", "no such word", "--out", out)
        assert "one photo needs a picture, ending in .png" in line


def test_an_ending_is_found_within_an_optional_type() -> None:
    class Options:
        one: PictureFile | None
        two: Path
        three: Annotated[Path, Ending(".npz", "arrays")]

    check_ending(Options, "one", Path("a.PNG"))
    check_ending(Options, "two", Path("a"))
    with pytest.raises(InputError, match=r"a\.txt: arrays are written as NPZ"):
        check_ending(Options, "three", Path("a.txt"))


OF_FILES = {"train": RECIPES, "generate": RECIPES.parent / "plans"}
"""Commands whose options are the fields of a file -> where such files are."""

COMMAND_LINES = [name.split() for name in COMMANDS if name not in OF_FILES] + [
    [name, str(path)] for name, folder in OF_FILES.items() for path in sorted(folder.glob("*.yaml"))
]


def entries(text: str) -> dict[str, str]:
    """Option or positional of a help text -> what is said of it."""
    found: dict[str, str] = {}
    lines = [re.sub(r"^[│|]?|[│|]?$", "", line) for line in text.splitlines()]
    for line in lines:
        if match := re.match(r" {1,2}(-{1,2}[a-z]\S*|\[*[A-Z]{3,}|\{)(.*)", line):
            name = match[1].rstrip(",") if match[1] != "{" else f"{match[1]}{match[2]}"
            found[name] = re.split(r"\s{2,}", match[2].strip(), maxsplit=1)[-1] + " "
        elif found and line.startswith("  "):
            found[list(found)[-1]] += line.strip() + " "
    return found


@pytest.mark.parametrize("words", COMMAND_LINES, ids=" ".join)
def test_help_says_what_every_option_is(
    words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")  # one column of options
    assert run(*words, "--help") == 0
    text = capsys.readouterr().out
    assert not re.search(r":(class|func|meth|mod|data|attr):|``|\{None", text)
    found = entries(text)
    assert {"-h"} < set(found) or words == ["doctor"]
    for name, said in found.items():
        words_of = re.findall(r"[a-z]{3,}", re.sub(r"\((default: .*|required)\)|--\S+", "", said))
        assert len(words_of) >= 2, f"{name}: {said}"


def test_the_recipes_that_help_is_read_of_are_of_every_kind() -> None:
    kinds = {re.search(r"^kind: (\S+)", p.read_text("utf-8"), re.M)[1] for p in RECIPES.glob("*")}  # type: ignore[index]
    assert set(KINDS) == kinds
