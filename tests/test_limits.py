"""Absurd numbers are refused at once, by every command and every recipe."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any, get_type_hints

import pytest

from palsynth.cli import COMMANDS
from palsynth.errors import InputError
from palsynth.limits import LARGEST, LIMITS, SEED, check_limits, parse_seed
from palsynth.methods.cfcpalsy.config import UNetSettings
from palsynth.methods.controlnet.small.networks import AutoencoderSettings
from palsynth.plugins import load_class
from palsynth.training.kinds import KINDS
from palsynth.training.recipe import LoopSettings
from palsynth.training.recipe_file import from_dict

ABSURD = 10**40


def whole_numbers(kind: Any, path: str = "") -> Iterator[tuple[str, bool]]:
    """Path of every whole number of a dataclass, and whether there are several."""
    hints = get_type_hints(kind)
    for field in fields(kind):
        hint = hints[field.name]
        if is_dataclass(hint):
            yield from whole_numbers(hint, f"{path}{field.name}.")
        elif "int" in str(hint).replace("Point", ""):
            yield f"{path}{field.name}", "tuple[int" in str(hint)


def with_absurd(kind: Any, path: str, several: bool) -> Any:
    """An object that is absurd at one path; nothing else of it is looked at."""
    name, _, rest = path.partition(".")
    value: Any = (1, ABSURD) if several else ABSURD
    if rest:
        value = with_absurd(get_type_hints(kind)[name], rest, several)
    made = object.__new__(kind)
    for field in fields(kind):
        object.__setattr__(made, field.name, None)
    object.__setattr__(made, name, value)
    return made


def options() -> Iterator[tuple[str, Any]]:
    for name, (module, _) in COMMANDS.items():
        function = getattr(
            importlib.import_module(f"palsynth.commands.{module}"), name.replace(" ", "_")
        )
        if (kind := get_type_hints(function).get("options")) is not None:
            yield name, kind
    for name, place in KINDS.items():
        yield name, load_class(name, place, KINDS, "recipe of kind")


@pytest.mark.parametrize(("name", "kind"), options())
def test_every_whole_number_has_a_limit(name: str, kind: Any) -> None:
    for path, several in whole_numbers(kind):
        with pytest.raises(
            InputError, match=rf"^{path} of 41 digits: is too large; give .* or less"
        ):
            check_limits(with_absurd(kind, path, several))


def test_the_limits_hold_for_settings_files_and_loops() -> None:
    with pytest.raises(InputError, match=r"workers 257: is too large; give 256 or less"):
        LoopSettings(workers=257)
    with pytest.raises(InputError, match=r"batch 4097: is too large; give 4,096 or less"):
        replace(LoopSettings(), batch=4097)
    kind = load_class("identity", KINDS["identity"], KINDS, "recipe of kind")
    data = {"kind": "identity", "data": {"cached_photographs": LARGEST + 1}}
    with pytest.raises(InputError, match=r"^mine.yaml: data.cached_photographs 10000001: is too"):
        from_dict(kind, data, "mine.yaml")


def test_the_defaults_and_the_largest_values_are_within_the_limits() -> None:
    for _, kind in options():
        for field in fields(kind):
            if isinstance(field.default, int):
                assert field.default <= LIMITS.get(field.name, LARGEST)
    check_limits(LoopSettings(seed=SEED, workers=256, batch=4096))


@pytest.mark.parametrize("kind", [UNetSettings, AutoencoderSettings])
def test_networks_are_trained_on_pictures_of_a_possible_size(kind: Any) -> None:
    """A dry run would compute for hours before it said so."""
    assert kind(size=1024).size == 1024
    with pytest.raises(InputError, match=r"^size 1028: is too large to train; give 1,024 or less"):
        kind(size=1028)


def test_seeds_in_texts() -> None:
    assert parse_seed("7") == 7
    assert parse_seed(str(SEED)) == SEED
    for text, fault in (("-4", "must be an integer"), ("9" * 40, "too large"), ("x", "integer")):
        with pytest.raises(InputError, match=fault):
            parse_seed(text)
