"""The weights that ship with a family of methods, a folder for each method."""

from __future__ import annotations

from pathlib import Path

from palsynth.errors import InputError

METHODS = Path(__file__).parent


def shipped(family: str, method: str) -> Path:
    """The folder of the weights that ship for a method.

    Args:
        family: name of the package of the method, in which its weights lie.
        method: name of the method.

    Returns:
        The folder.

    Raises:
        InputError: none ship for it.
    """
    folder = METHODS / family / "assets" / method
    if not folder.is_dir():
        raise InputError(
            f"method {method}: no weights ship; train recipes/{method}-small.yaml and give the "
            "folder of its weights"
        )
    return folder
