"""How the name of a file that a command writes must end."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

from palsynth.errors import InputError


@dataclass(frozen=True)
class Ending:
    """Marks the type of an option that names a file to write.

    Attributes:
        suffix: how the name must end.
        what: what is written, in the plural.
    """

    suffix: str
    what: str


def check_ending(options: type, name: str, path: Path) -> None:
    """Checks the name of a file before the work that it is to hold.

    Args:
        options: a command's dataclass of options.
        name: the option.
        path: its value.

    Raises:
        InputError: the option is marked with an :class:`Ending` and the name ends otherwise.
    """
    hint = get_type_hints(options, include_extras=True)[name]
    for ending in (mark for mark in _parts(hint) if isinstance(mark, Ending)):
        if path.suffix.lower() != ending.suffix:
            raise InputError(
                f"{path}: {ending.what} are written as {ending.suffix[1:].upper()}; give a name "
                f"that ends in {ending.suffix}"
            )


def _parts(hint: Any) -> list[Any]:
    """What a type is made of, such as the marks of ``Annotated[Path, mark] | None``."""
    return [part for arg in get_args(hint) for part in (arg, *_parts(arg))]
