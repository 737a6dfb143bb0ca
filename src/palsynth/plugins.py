"""What other installed packages bring: classes found by name at the entry points of a group."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any

from palsynth.errors import InputError


def with_others(ours: Mapping[str, str], group: str) -> dict[str, str]:
    """Adds the classes of other installed packages to ours.

    Args:
        ours: name -> ``module:class``; none of them can be replaced by another package.
        group: group of the entry points under which other packages name theirs.

    Returns:
        Name -> ``module:class`` of all.
    """
    return {**{point.name: point.value for point in entry_points(group=group)}, **ours}


def load_class(name: str, place: str, ours: Mapping[str, str], what: str) -> Any:
    """Imports a class.

    Args:
        name: its name.
        place: where it is, ``module:class``.
        ours: our own names; a fault in one of them is a bug and not reported as bad input.
        what: what it is, for the error message, such as ``method``.

    Returns:
        The class.

    Raises:
        InputError: the package that brings it cannot be imported.
    """
    module, _, class_name = place.partition(":")
    try:
        return getattr(importlib.import_module(module), class_name)
    except Exception as error:  # whatever the other package does while it is imported
        if name in ours:
            raise
        line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(
            f"{what} '{name}' of another package: {place} cannot be imported ({line}); mend the "
            "package or its entry point"
        ) from None
