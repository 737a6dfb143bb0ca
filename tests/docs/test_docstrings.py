"""Everything public says what it takes, gives back and raises (Google style)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import palsynth

HOUSE = Path(palsynth.__file__).parent

DOCUMENTED_BY_THEIR_BASE = frozenset({
    # torch's and diffusers'
    "forward", "train", "from_pretrained", "save_pretrained", "from_config",
    # palsynth.training: Objective, Recipe; palsynth.data: Source, ShardedCache; Encoder
    "validate", "picture", "export", "source", "objective", "arrays", "records", "crop",
})  # fmt: skip
"""Methods whose arguments the base class or protocol documents once."""


def public(path: Path) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Public functions and methods of a module, but for commands, which take ``options`` alone."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield node.name, node
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for inner in node.body:
                known = getattr(inner, "name", "_") in DOCUMENTED_BY_THEIR_BASE
                if isinstance(inner, ast.FunctionDef) and not (known or inner.name[0] == "_"):
                    yield f"{node.name}.{inner.name}", inner


def takes(node: ast.FunctionDef) -> list[str]:
    """Names of a function's arguments, but for self and cls."""
    every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return [a.arg for a in every if a.arg not in ("self", "cls", "options")]


def gives(node: ast.FunctionDef) -> bool:
    """Whether a function gives something back."""
    return node.returns is not None and ast.unparse(node.returns) not in ("None", "NoReturn")


@pytest.mark.parametrize("path", sorted(HOUSE.rglob("*.py")), ids=lambda p: str(p.name))
def test_arguments_results_and_errors_are_said(path: Path) -> None:
    wrong = []
    for name, node in public(path):
        said, taken = ast.get_docstring(node) or "", takes(node)
        if not taken:
            continue
        if "Args:" not in said:
            wrong.append(f"{name}: no Args")
            continue
        wrong += [f"{name}: {arg} is not said" for arg in taken if f"{arg}:" not in said]
        if gives(node) and not any(word in said for word in ("Returns:", "Yields:")):
            wrong.append(f"{name}: no Returns")
        raises = {
            inner.exc.func.id
            for inner in ast.walk(node)
            if isinstance(inner, ast.Raise)
            and isinstance(inner.exc, ast.Call)
            and isinstance(inner.exc.func, ast.Name)
        }
        if "InputError" in raises and "Raises:" not in said:
            wrong.append(f"{name}: no Raises")
    assert wrong == []
