"""Examples in docstrings do what they say."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import pytest

import palsynth

HOUSE = Path(palsynth.__file__).parent
MODULES = [
    ".".join(("palsynth", *path.relative_to(HOUSE).with_suffix("").parts))
    for path in sorted(HOUSE.rglob("*.py"))
    if ">>>" in path.read_text("utf-8")
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module(name: str) -> None:
    found = doctest.testmod(import_module(name.removesuffix(".__init__")))
    assert found.attempted
    assert found.failed == 0
