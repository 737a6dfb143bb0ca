"""Type of the options that name a method."""

from __future__ import annotations

from typing import Annotated

import tyro

from palsynth.methods.registry import method_names

_NAMES = tyro.conf.arg(metavar=f"{{{','.join(method_names())}}}")

MethodName = Annotated[str, _NAMES]
"""A method; help lists the names, those of other packages too."""

DefaultMethodName = Annotated[str | None, _NAMES]
"""A method, or None for one that depends on the other options."""
