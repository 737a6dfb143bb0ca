"""Every package of a method has the same parts under the same names."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import palsynth.methods
from palsynth.methods.registry import METHODS
from palsynth.training.kinds import KINDS

FOLDER = Path(palsynth.methods.__file__).parent
PARTS = ("config", "networks", "io", "pipeline", "objective", "recipe", "method")
"""The parts of a package, each of which imports only those before it, at the top of its modules."""

SMALL = {
    "palsynth.methods.controlnet.small.autoencoder",
    "palsynth.methods.controlnet.small.text_to_image",
}
"""Recipes of the base that ControlNet is trained on, which is a method of its own to nobody."""

PACKAGES = sorted(path.parent.name for path in FOLDER.glob("*/__init__.py"))


def _modules(package: str, part: str) -> list[Path]:
    """The files of a part: a module, or the modules of a package."""
    return [*FOLDER.glob(f"{package}/{part}.py"), *FOLDER.glob(f"{package}/{part}/*.py")]


def _imported_at_the_top(path: Path) -> set[str]:
    """Names of the modules that a file imports when it is imported itself."""
    nodes = ast.parse(path.read_text("utf-8")).body
    return {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}


def test_the_packages_are_found() -> None:
    assert {"cfcpalsy", "controlnet", "diffusion"} <= set(PACKAGES)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_method_package_has_every_part(package: str) -> None:
    missing = [part for part in PARTS if not _modules(package, part)]
    assert not missing, f"{package}: has no {', '.join(missing)}"


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize("part", PARTS)
def test_a_part_imports_only_the_parts_before_it(package: str, part: str) -> None:
    later = {f"palsynth.methods.{package}.{name}" for name in PARTS[PARTS.index(part) + 1 :]}
    for path in _modules(package, part):
        for name in _imported_at_the_top(path):
            assert ".".join(name.split(".")[:4]) not in later, f"{path}: imports {name}"


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize(("registry", "part"), [(METHODS, "method"), (KINDS, "recipe")])
def test_methods_and_recipes_are_where_their_registries_look(
    package: str, registry: dict[str, str], part: str
) -> None:
    place = f"palsynth.methods.{package}."
    found = [where.split(":")[0] for where in registry.values() if where.startswith(place)]
    assert any(f"{where}.".startswith(f"{place}{part}.") for where in found)
    others = {where for where in found if not f"{where}.".startswith(f"{place}{part}.")}
    assert others <= SMALL
