"""The names of palsynth 0.1 and 0.2 and their replacements.

Commands, options, recipes and saved settings with an old name work for one more release; an old
name that the user typed prints one line with the new name. Delete this module in 0.3.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import is_dataclass
from functools import cache
from typing import Any, get_args, get_type_hints

from palsynth.errors import InputError

COMMANDS = {"people": "subjects"}
"""First word of a command -> new one."""

OPTIONS = {
    "sheet": {"--person": "--subject"},
    "gallery": {"--persons": "--subjects"},
    "calibrate": {"--people": "--subjects", "--per-person": "--per-subject"},
}
"""Command -> old option -> new option."""

METHODS = {"people": "subjects"}

NETWORKS = {"Judge": "JudgeNet", "Reader": "ReaderNet"}
"""Old class name in the ``config.json`` of saved weights -> new class name."""

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
    "Identities": {"people": "subjects"},
    "PairsSettings": _DATA,
    "HealthySettings": _DATA,
    "ReaderRecipe": {"keep": "cache_dir"},
    "LoopSettings": {"keep": "max_checkpoints"},
    "CFCPalsyRecipe": {"begin": "init_from", "begin_with": "init_modules"},
    "DiffusionSettings": {"draws": "num_samples_averaged"},
    "ControlNetRecipe": {"edgeless": "control_dropout", "at_edges": "edge_loss_weight"},
    "ExpressionRecipe": {"identity": "init_from"},
    "TextToImageRecipe": {"wordless": "caption_dropout", "autoencoder": "init_from"},
    "Weighting": {"most": "max_weight"},
}
"""Settings dataclass -> old field -> new field."""

_CONTROLNET = ("model.controlnet", "model.from_scratch", "model.anew")

INIT_FIELDS = {"ControlNetRecipe": _CONTROLNET, "InferenceSettings": _CONTROLNET}
"""Settings dataclass -> fields that ``init_from`` replaces: where the weights are, or flags."""

NULL_FIELDS = {"ControlNetRecipe": ("patients",)}
"""Settings dataclass -> fields that were null by default and now are settings with defaults."""

ADDED_FIELDS = {"GraderRecipe": ("model", "widths", {"features": "scratch", "predict_side": False})}
"""Settings dataclass -> its group with new fields, a field by which recipes of 0.1 are known, and
the values that the new fields have in them."""


@cache
def note(old: str, new: str) -> None:
    """Prints, once per process and on standard error, the replacement of an old name.

    Args:
        old: the former name.
        new: its replacement.
    """
    print(f"palsynth: '{old}' is now '{new}'; the old name goes in 0.3", file=sys.stderr)


def command(words: Sequence[str]) -> list[str]:
    """Replaces old names of commands and options in a command line.

    Args:
        words: the command line without the program's name.

    Returns:
        The words with new names.

    Raises:
        InputError: an option is given under both names.
    """
    out = list(words)
    if out and out[0] in COMMANDS:
        note(out[0], COMMANDS[out[0]])
        out[0] = COMMANDS[out[0]]
    options = OPTIONS.get(out[0], {}) if out else {}
    given = {_option(word) for word in out}
    for k, word in enumerate(out):
        new = options.get(_option(word))
        if new is None:
            continue
        name, *value = word.split("=", 1)
        if new in given:
            raise InputError(_both(name, new))
        note(name, new)
        out[k] = "=".join([new, *value])
    return out


def _option(word: str) -> str:
    """An option as it is listed: without a value and with hyphens."""
    return word.split("=", 1)[0].replace("_", "-")


def _both(old: str, new: str) -> str:
    return f"'{old}' is the old name of '{new}'; give one of them"


def method(name: str) -> str:
    """Replaces the old name of a method.

    Args:
        name: an old or a new name.

    Returns:
        The new name.
    """
    if name in METHODS:
        note(name, METHODS[name])
    return METHODS.get(name, name)


def identity(words: str) -> str:
    """Replaces ``person:7`` by ``subject:7``.

    Args:
        words: an identity as the user typed it.

    Returns:
        The identity with the new prefix; any other text unchanged.
    """
    if not words.startswith("person:"):
        return words
    note("person:SEED", "subject:SEED")
    return "subject:" + words.removeprefix("person:")


def field_names(settings: Any, prefix: str = "") -> dict[str, str]:
    """Collects the renamed fields of a settings dataclass and of the dataclasses nested in it.

    Args:
        settings: the dataclass; any other type has no renamed fields.
        prefix: path of the dataclass within the recipe, with a trailing dot.

    Returns:
        Old dotted path -> new dotted path, such as ``loop.keep`` -> ``loop.max_checkpoints``.
    """
    if not is_dataclass(settings):
        return {}
    name = getattr(settings, "__name__", "")
    out = {f"{prefix}{old}": f"{prefix}{new}" for old, new in FIELDS.get(name, {}).items()}
    for field, hint in get_type_hints(settings).items():
        for kind in (hint, *get_args(hint)):
            out |= field_names(kind, f"{prefix}{field}.")
    return out


def fields(settings: Any, data: Mapping[str, Any], where: str) -> tuple[dict[str, Any], list[str]]:
    """Replaces old field names in plain values for a settings dataclass.

    Args:
        settings: the dataclass that the values are for.
        data: plain values, nested like the dataclass.
        where: the file, for the error message.

    Returns:
        The values under the new names, and one phrase per renamed field, such as ``'loop.keep' is
        now 'loop.max_checkpoints'``.

    Raises:
        InputError: a value is given under both its old and its new name.
    """
    out = _copy_nested(data)
    phrases = []
    for old, new in field_names(settings).items():
        *path, last = old.split(".")
        holder: Any = out
        for part in path:
            holder = holder.get(part) if isinstance(holder, dict) else None
        if not isinstance(holder, dict) or last not in holder:
            continue
        if (now := new.split(".")[-1]) in holder:
            raise InputError(f"{where}: {_both(old, new)}")
        # in the same position, so that a rewritten recipe preserves the order of its fields
        items = [(now if key == last else key, value) for key, value in holder.items()]
        holder.clear()
        holder.update(items)
        phrases.append(f"'{old}' is now '{new}'")
    for name in NULL_FIELDS.get(getattr(settings, "__name__", ""), ()):
        if name in out and out[name] is None:
            del out[name]
    group, former, values = ADDED_FIELDS.get(getattr(settings, "__name__", ""), ("", "", {}))
    holder = out.get(group)
    if isinstance(holder, dict) and former in holder and not holder.keys() & values.keys():
        holder.update(values)
    return out, phrases + _replace_init_fields(settings, out, where)


def _replace_init_fields(settings: Any, data: dict[str, Any], where: str) -> list[str]:
    """Replaces, in place, what ``init_from`` says now; returns one phrase per field."""
    phrases = []
    for old in INIT_FIELDS.get(getattr(settings, "__name__", ""), ()):
        group, name = old.split(".")
        holder = data.get(group)
        if not isinstance(holder, dict) or name not in holder:
            continue
        value = holder.pop(name)
        phrases.append(f"'{old}' is now 'init_from'")
        if value in (None, False):  # the default
            continue
        if "init_from" in data:
            raise InputError(f"{where}: {_both(old, 'init_from')}")
        data["init_from"] = "scratch" if value is True else value
    if "init_from" in data and data["init_from"] is None:  # the default, as 0.2 wrote it
        del data["init_from"]
    return phrases


def _copy_nested(data: Any) -> Any:
    return {k: _copy_nested(v) for k, v in data.items()} if isinstance(data, Mapping) else data


def recipe_options(settings: Any, words: Sequence[str]) -> list[str]:
    """Replaces old field names in the options of ``palsynth train``.

    Args:
        settings: the recipe's dataclass.
        words: the options, such as ``--loop.keep 3`` or ``--loop.keep=3``.

    Returns:
        The options under the new names.

    Raises:
        InputError: a field is given under both its old and its new name.
    """
    words = _replace_init_options(settings, words)
    names = {}
    for old, new in field_names(settings).items():
        names[_flag(old)] = _flag(new)
        names[_flag(old, negated=True)] = _flag(new, negated=True)
    given = {_option(word) for word in words}
    out = []
    for word in words:
        replacement = names.get(_option(word))
        if replacement is not None:
            name, *value = word.split("=", 1)
            if replacement in given:
                raise InputError(_both(name, replacement))
            note(name, replacement)
            word = "=".join([replacement, *value])
        out.append(word)
    return out


def _replace_init_options(settings: Any, words: Sequence[str]) -> list[str]:
    """Replaces the options of the fields that ``init_from`` replaces."""
    given = "--init-from" in {_option(word) for word in words}
    out: list[str] = []
    for word in words:
        name, *value = word.split("=", 1)
        for old in INIT_FIELDS.get(settings.__name__, ()):
            flag = old.endswith(("anew", "from_scratch"))
            if _option(word) not in (_flag(old), _flag(old, negated=True)):
                continue
            if given:
                raise InputError(_both(name, "--init-from"))
            negated = _option(word) != _flag(old)
            note(name, "--init-from scratch" if flag and not negated else "--init-from")
            if not negated:
                out += ["--init-from", *(["scratch"] if flag else value)]
            break
        else:
            out.append(word)
    return out


def _flag(path: str, negated: bool = False) -> str:
    """The option of a field, such as ``--model.from-scratch`` or ``--model.no-from-scratch``."""
    *parents, last = path.split(".")
    return "--" + ".".join([*parents, f"no_{last}" if negated else last]).replace("_", "-")
