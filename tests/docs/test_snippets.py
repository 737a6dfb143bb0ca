"""The commands and the Python of README and docs do what they say."""

from __future__ import annotations

import shutil
from importlib import import_module
from pathlib import Path
from typing import get_type_hints

import cv2
import numpy as np
import pytest
import tyro

from palsynth.cli import COMMANDS, main
from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.commands import generate, train
from palsynth.face.detect import read_face
from palsynth.face.images import write_png
from palsynth.simulator.photo import simulate
from tests.docs.pages import PAGES, ROOT, Block, blocks, commands

SHELL = [
    block
    for page in PAGES
    for block in blocks(page)
    if block.language == "sh" and page.parent.name != "contributing"  # see test_contributing.py
]
PYTHON = [block for page in PAGES for block in blocks(page) if block.language == "python"]

RUN = ("simulate", "sheet", "grid", "synthesize", "anonymize", "measure", "subjects sample")
"""Commands of README that take seconds; of all others the options are read."""


@pytest.fixture(scope="module")
def folder(neutral: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that README and docs speak of, all of one face at rest or grinning."""
    out = tmp_path_factory.mktemp("docs")
    photo = out / "photo.png"
    write_png(photo, neutral)
    grin = simulate(read_face(photo), Movement.GRIN, Palsy.peripheral(Side.LEFT, Grade.V)).image
    (out / "patient").mkdir()
    rest = "photo selfie anna ben-at-rest ben-rest rest photo-at-rest other colleague patient/rest"
    for name in rest.split():
        cv2.imwrite(str(out / f"{name}.jpg"), cv2.imread(str(photo)))
    for name in ["ben", "ben-grin", "grin", "patient/grin"]:
        write_png(out / f"{name}.png", grin)
        shutil.move(out / f"{name}.png", out / f"{name}.jpg")  # read by its content
    return out


def check_options(words: list[str], root: Path = ROOT) -> None:
    """Reads the options of a command as the command would; recipes and plans lie in ``root``."""
    if words[0] == "train":
        if not words[1].startswith(("runs/", "$")):
            train._parse(root / words[1], words[2:])
        return
    if words[0] == "generate":
        generate._parse(root / words[1], words[2:])
        return
    name = next((n for n in (" ".join(words[:2]), words[0]) if n in COMMANDS), None)
    assert name, f"no command {' '.join(words)}"
    function = getattr(import_module(f"palsynth.commands.{COMMANDS[name][0]}"), _name(name))
    options = get_type_hints(function).get("options", function)
    rest = words[len(name.split()) :]
    if options is not function or rest:
        tyro.cli(options, args=rest, config=(tyro.conf.OmitArgPrefixes,))


def _name(command: str) -> str:
    return command.replace(" ", "_")


@pytest.mark.parametrize("block", SHELL, ids=str)
def test_every_command_has_the_options_that_are_shown(block: Block, tmp_path: Path) -> None:
    files = {one.title: one.text for one in blocks(block.page) if one.title}
    for name, text in files.items():
        (tmp_path / name).write_text(text, "utf-8")
    for words in commands(block):
        check_options(words, tmp_path if files.keys() & set(words[:2]) else ROOT)


@pytest.mark.parametrize(
    "words",
    [
        words
        for block in blocks(ROOT / "README.md")
        for words in commands(block)
        if (" ".join(words[:2]) in RUN or words[0] in RUN) and "--base" not in words
    ],
    ids=" ".join,
)
def test_commands_of_readme_run(
    words: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    main(words)
    if "--out" in words:
        assert (folder / words[words.index("--out") + 1]).exists()


@pytest.mark.parametrize("block", PYTHON, ids=str)
def test_python_runs(block: Block, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = compile(block.text, str(block), "exec")
    if "not run:" in block.text or block.title:  # needs weights that are not here; see the page
        return
    monkeypatch.chdir(folder)
    exec(code, {"__name__": "docs"})


def test_no_page_names_an_option_of_the_last_release() -> None:
    from palsynth import renamed

    for block in SHELL:
        for words in commands(block):
            assert renamed.command(words) == words, str(block)


def test_the_pages_are_found() -> None:
    assert len(SHELL) > 10
    assert len(PYTHON) > 5
