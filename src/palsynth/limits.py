"""The largest whole numbers that settings take: more is a mistake, and refused at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from palsynth.errors import InputError

SEED = 2**63 - 1
"""Largest seed: databases and array libraries hold no larger number."""

LARGEST = 10_000_000
"""Largest value of a setting that is not listed in LIMITS."""

TRAINED_SIDE = 1024
"""Largest side of the images that our networks are trained on, pixels."""

LIMITS = {
    "seed": SEED,
    "subject": SEED,
    "subjects[]": SEED,
    "first_subject": SEED,
    "size": 16_384,
    "crop": 16_384,
    "workers": 256,
    "render_workers": 256,
    "batch": 4096,
    "accumulate": 65_536,
    "steps": 1_000_000_000,
    "warmup": 1_000_000_000,
    "port": 65_535,
    "raters": 10_000,
    "seeds": 1000,
    "widths[]": 65_536,
    "channels[]": 65_536,
    "depths[]": 1000,
    "blocks": 1000,
    "text_layers": 1000,
    "multipliers[]": 1000,
}
"""Name of a setting -> its largest value; [] stands for each of several. What fits a
method or a set may be less: it says so."""


def check_limits(settings: Any, where: str = "") -> None:
    """Checks all whole numbers of some settings, those nested in them too.

    Args:
        settings: a dataclass of options or of a recipe.
        where: the file that they come from, for the error message; default: the command line.

    Raises:
        InputError: names the first number that is too large.
    """
    for path, name, value in _numbers(settings, ""):
        limit = LIMITS.get(name, LARGEST)
        if value > limit:
            shown = f"{value}" if value < 10**24 else f"of {len(str(value))} digits"
            place = f"{where}: {path}" if where else path
            raise InputError(f"{place} {shown}: is too large; give {limit:,} or less")


def check_side(size: int) -> None:
    """Checks the side of the images that a network is trained on.

    Args:
        size: the side, pixels.

    Raises:
        InputError: it is larger than any that could be trained, or estimated by a dry run.
    """
    if size > TRAINED_SIDE:
        raise InputError(f"size {size}: is too large to train; give {TRAINED_SIDE:,} or less")


def parse_seed(text: str) -> int:
    """Reads a subject's seed that is part of a text, as in ``subject:7``.

    Args:
        text: the number.

    Returns:
        The seed.

    Raises:
        InputError: it is no integer of 0 or more, or too large.
    """
    if not text.isdecimal():
        raise InputError(f"seed {text}: a subject's seed must be an integer of 0 or more")
    if len(text) > len(str(SEED)) or int(text) > SEED:
        raise InputError(f"seed {text[:24]}: is too large; give {SEED:,} or less")
    return int(text)


def _numbers(value: Any, path: str, name: str = "") -> Iterator[tuple[str, str, int]]:
    """Path, name and value of every whole number."""
    if is_dataclass(value):
        for field in fields(value):
            inner = f"{path}.{field.name}" if path else field.name
            yield from _numbers(getattr(value, field.name), inner, field.name)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _numbers(item, path, f"{name}[]")
    elif isinstance(value, int) and not isinstance(value, bool):
        yield path, name, value
