"""Functions that numba compiles to machine code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compiles a function when it is first called, and caches the machine code on disk.

    Where nothing can be cached, as with a read-only installation and no home folder, it is compiled
    anew in every process. It is never cached in a folder that others can write, since numba would
    run what it finds there.

    Args:
        function: a function of arrays and numbers that numba understands.

    Returns:
        The compiled function.
    """
    try:
        cached: Callable[..., Any] = njit(cache=True)(function)
    except RuntimeError:  # numba finds no folder that it can write
        cached = njit(function)
    return cached
