"""Names that 0.1 used, and what they are called now.

Commands, options, recipes and saved settings with an old name work for one more release; what
somebody typed is answered with one line that says the new name. Delete this module in 0.3.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import is_dataclass
from functools import cache
from typing import Any, get_args, get_type_hints

from palsynth.errors import InputError

COMMANDS = {
    "people sample": "subjects sample",
    "people export": "subjects export",
    "people fit": "subjects fit",
}

OPTIONS = {
    "sheet": {"--person": "--subject"},
    "gallery": {"--persons": "--subjects"},
    "calibrate": {"--people": "--subjects", "--per-person": "--per-subject"},
}
"""Command -> old option -> new one."""

METHODS = {"people": "subjects"}

NETWORKS = {"Judge": "JudgeNet", "Reader": "ReaderNet"}
"""Class named in the ``config.json`` of saved weights -> what it is called now."""

_DATA = {
    "people": "subjects",
    "first_person": "first_subject",
    "keep": "cache_dir",
    "keep_people": "cached_subjects",
    "keep_photographs": "cached_photographs",
    "drawing_workers": "render_workers",
}

FIELDS = {
    "FacesSettings": _DATA,
    "PairsSettings": _DATA,
    "HealthySettings": _DATA,
    "ReaderRecipe": {"keep": "cache_dir"},
    "LoopSettings": {"keep": "max_checkpoints"},
    "CFCPalsyRecipe": {"begin": "init_from", "begin_with": "init_modules"},
    "DiffusionSettings": {"draws": "num_samples_averaged"},
    "ControlNetRecipe": {"edgeless": "control_dropout", "at_edges": "edge_loss_weight"},
    "ControlNetSettings": {"anew": "from_scratch"},
    "TextToImageRecipe": {"wordless": "caption_dropout"},
    "Weighting": {"most": "max_weight"},
}
"""Settings dataclass -> old field -> new one."""


@cache
def note(old: str, new: str) -> None:
    """Says once, on standard error, what an old name is called now."""
    print(f"palsynth: '{old}' is now '{new}'; the old name goes in 0.3", file=sys.stderr)


def command(words: Sequence[str]) -> list[str]:
    """The words of a command line with the new names of commands and options."""
    out = list(words)
    old = " ".join(out[:2])
    if old in COMMANDS:
        note(old, COMMANDS[old])
        out[:2] = COMMANDS[old].split()
    options = OPTIONS.get(out[0], {}) if out else {}
    for k, word in enumerate(out):
        name, *value = word.split("=", 1)
        if name in options:
            note(name, options[name])
            out[k] = "=".join([options[name], *value])
    return out


def method(name: str) -> str:
    """The new name of a method."""
    if name in METHODS:
        note(name, METHODS[name])
    return METHODS.get(name, name)


def identity(words: str) -> str:
    """``subject:7`` for what was written ``person:7``."""
    if not words.startswith("person:"):
        return words
    note("person:SEED", "subject:SEED")
    return "subject:" + words.removeprefix("person:")


def field_names(settings: Any, prefix: str = "") -> dict[str, str]:
    """Old field -> new one in a settings dataclass and in all that it holds, as ``loop.keep``."""
    if not is_dataclass(settings):
        return {}
    name = getattr(settings, "__name__", "")
    out = {f"{prefix}{old}": f"{prefix}{new}" for old, new in FIELDS.get(name, {}).items()}
    for field, hint in get_type_hints(settings).items():
        for kind in (hint, *get_args(hint)):
            out |= field_names(kind, f"{prefix}{field}.")
    return out


def fields(settings: Any, data: Mapping[str, Any], where: str) -> tuple[dict[str, Any], list[str]]:
    """Plain values for a settings dataclass, under the new names.

    Args:
        settings: the dataclass that the values are for.
        data: plain values, nested as the dataclass is.
        where: names the file in an error.

    Returns:
        The values, and one phrase a renamed field, as ``'loop.keep' is now 'loop.max_checkpoints'``.

    Raises:
        InputError: a value stands under its old and under its new name.
    """
    out = _copied(data)
    phrases = []
    for old, new in field_names(settings).items():
        *path, last = old.split(".")
        holder: Any = out
        for part in path:
            holder = holder.get(part) if isinstance(holder, dict) else None
        if not isinstance(holder, dict) or last not in holder:
            continue
        if (now := new.split(".")[-1]) in holder:
            raise InputError(f"{where}: '{old}' is the old name of '{new}'; give one of them")
        # at the old one's place: a recipe that is written again keeps its order
        items = [(now if key == last else key, value) for key, value in holder.items()]
        holder.clear()
        holder.update(items)
        phrases.append(f"'{old}' is now '{new}'")
    return out, phrases


def _copied(data: Any) -> Any:
    return {k: _copied(v) for k, v in data.items()} if isinstance(data, Mapping) else data


def recipe_options(settings: Any, words: Sequence[str]) -> list[str]:
    """The words of ``palsynth train`` with the new names of a recipe's fields."""
    names = field_names(settings)
    out = []
    for word in words:
        name, *value = word.split("=", 1)
        path = name.removeprefix("--").replace("-", "_")
        if name.startswith("--") and path in names:
            new = "--" + names[path].replace("_", "-")
            note(name, new)
            word = "=".join([new, *value])
        out.append(word)
    return out
