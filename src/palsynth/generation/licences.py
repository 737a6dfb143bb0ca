"""The licences of a data set: what the cards of the models say that it is made with."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import palsynth
from palsynth.methods.registry import METHODS

_HEADER = re.compile(r"---\n(.*?)^---$", re.DOTALL | re.MULTILINE)
_LICENCE = re.compile(r"^license:\s*(\S+)\s*$", re.MULTILINE)

UNKNOWN = "not stated"


def licence_of(card: Path) -> str:
    """Reads the licence of a model.

    Args:
        card: its card, a Markdown file with a YAML header.

    Returns:
        The licence's identifier on the Hugging Face Hub; :data:`UNKNOWN` without a card or header.
    """
    if not card.is_file():
        return UNKNOWN
    header = _HEADER.match(card.read_text("utf-8", "replace"))
    found = _LICENCE.search(header[1]) if header else None
    return found[1] if found else UNKNOWN


def licences(method: str, weights: Path | None) -> dict[str, str]:
    """The licences of all models that a method's pictures are made with.

    Args:
        method: name of the method.
        weights: folder of its weights; None for those that ship.

    Returns:
        Name of a model -> its licence.
    """
    out = {
        "appearance model": licence_of(
            Path(palsynth.__file__).parent / "appearance" / "assets" / "README.md"
        )
    }
    if weights is not None:
        return {**out, f"weights of {method}": licence_of(weights / "README.md")}
    if method not in METHODS:
        return {**out, f"method {method}": UNKNOWN}
    package = find_spec(".".join(METHODS[method].split(":")[0].split(".")[:3]))
    folders = [] if package is None else list(package.submodule_search_locations or [])
    cards = sorted(card for one in folders for card in Path(one).glob("assets/*/README.md"))
    found = {licence_of(card) for card in cards}
    return {**out, **({f"weights of {method}": ", ".join(sorted(found))} if found else {})}
