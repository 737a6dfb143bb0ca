"""Finite numbers, and the base class of everything that a recipe is made of."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from numbers import Integral, Real
from typing import Any, ClassVar

from palsynth.documents.checks import LARGEST
from palsynth.errors import InputError


def check_numbers(value: Any, name: str = "") -> None:
    """Checks that all numbers are finite and that whole ones fit into 64 bits.

    Args:
        value: a dataclass of options or settings, a list, a mapping or a number; what is nested in
            them is checked too.
        name: name of the value, for the message.

    Raises:
        InputError: names the first number that is not.
    """
    if value is None or isinstance(value, str):
        return
    if isinstance(value, float) and math.isfinite(value):
        return  # before what takes longer: most values are
    if is_dataclass(value):
        for field in fields(value):
            check_numbers(
                getattr(value, field.name), f"{name}.{field.name}" if name else field.name
            )
    elif isinstance(value, Mapping):
        for key, part in value.items():
            check_numbers(part, f"{name}.{key}" if name else str(key))
    elif isinstance(value, (list, tuple)):
        for part in value:
            check_numbers(part, name)
    elif isinstance(value, Integral):
        if abs(int(value)) > LARGEST:
            raise InputError(f"{name}: must lie within ±{LARGEST} (19 digits)")
    elif isinstance(value, Real) and not math.isfinite(value):
        raise InputError(f"{name} {value}: must be a finite number")


class FiniteNumbers:
    """Base of dataclasses whose numbers are finite.

    A subclass with checks of its own calls ``super().__post_init__()`` first.

    Raises:
        InputError: a number is infinite, none at all (NaN), or too large for 64 bits.
    """

    def __post_init__(self) -> None:
        check_numbers(self)


class Settings(FiniteNumbers):
    """Base of the dataclasses in a recipe: unknown keys in a YAML file raise an error."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}
