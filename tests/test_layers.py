"""A room knows only the rooms listed before it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import palsynth

HOUSE = Path(palsynth.__file__).parent
CELLAR = {
    "compiled", "crashes", "documents", "errors", "files", "folders", "guards", "limits", "locks",
    "notes", "paths", "plugins", "progress", "records", "renamed", "seeds", "settings", "signals",
    "tables", "terminal", "workers",
}  # fmt: skip
ROOMS = (
    "clinical", "face", "appearance", "simulator", "capture", "subjects", "evaluation", "data",
    "training", "encoders", "methods", "generation", "scoring", "comparison", "audit", "utility",
    "study", "app", "commands", "cli",
)  # fmt: skip


def imported(path: Path) -> set[str]:
    """Rooms of the house that a file imports, at its top or within functions."""
    names = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            names.append(node.module or "")
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    return {name.split(".")[1] for name in names if name.startswith("palsynth.")}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_knows_only_lower_floors(room: str) -> None:
    below = CELLAR | set(ROOMS[: ROOMS.index(room) + 1])
    paths = [HOUSE / f"{room}.py"] if room == "cli" else list((HOUSE / room).rglob("*.py"))
    assert paths
    for path in paths:
        assert imported(path) <= below, path


def test_every_room_is_listed() -> None:
    there = {p.name.removesuffix(".py") for p in HOUSE.iterdir() if not p.name.startswith("_")}
    assert there - {"py.typed"} == CELLAR | set(ROOMS)


def test_the_judges_do_not_know_models() -> None:
    """Evaluation sees images, features and manifests, never a model."""
    for path in (HOUSE / "evaluation").rglob("*.py"):
        assert not imported(path) & {"training", "encoders", "methods"}, path
