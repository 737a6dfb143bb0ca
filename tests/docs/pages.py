"""The code blocks of a page."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]

PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])

_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w+)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<text>.*?)^ *```$",
    re.M | re.S,
)


class Block(NamedTuple):
    """A fenced block: ``title`` names the file that it is, or is a change of."""

    page: Path
    line: int
    language: str
    title: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """All fenced blocks of a page, in order."""
    text = page.read_text("utf-8")
    found = []
    for match in _FENCE.finditer(text):
        lines = match["text"].splitlines()
        inner = "\n".join(line.removeprefix(match["indent"]) for line in lines) + "\n"
        number = text[: match.start()].count("\n") + 1
        found.append(Block(page, number, match["language"], match["title"] or "", inner))
    return found


def commands(block: Block) -> Iterator[list[str]]:
    """The words of every ``palsynth`` command of a shell block, without ``palsynth`` itself."""
    if block.language != "sh":
        return
    for line in block.text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words and words[0] == "palsynth":
            yield words[1:]


def install_method(page: list[Block], folder: Path) -> None:
    """Writes the files of a page, and what pip would write of their entry points."""
    for block in page:
        if block.title:
            (folder / block.title).write_text(block.text, "utf-8")
    project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
    installed = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    installed.mkdir()
    about = f"Name: {project['name']}\nVersion: {project['version']}\n"
    (installed / "METADATA").write_text(about, "utf-8")
    lines = []
    for group, points in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {place}" for name, place in points.items()), ""]
    (installed / "entry_points.txt").write_text("\n".join(lines), "utf-8")
