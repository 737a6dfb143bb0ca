"""Recipes and other settings as YAML: every value is checked, every field is written."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from palsynth import renamed
from palsynth.documents import as_text, kind_of, read_yaml
from palsynth.documents import to_yaml as dump_yaml
from palsynth.documents.checks import shown
from palsynth.errors import InputError
from palsynth.files import atomic_write
from palsynth.limits import check_limits

T = TypeVar("T")


def load(path: Path, kinds: dict[str, type], note: Callable[[str], None] | None = None) -> Any:
    """Reads a recipe from a YAML file.

    Args:
        path: the file.
        kinds: kind of recipe -> its dataclass.
        note: called with one line when the file uses old field names; default: no message.

    Returns:
        The dataclass of the recipe's kind.

    Raises:
        InputError: names the file, the field and the fault.
    """
    data = read_yaml(path)
    if not isinstance(data, dict):
        raise InputError(
            f"{path}: has no 'kind': holds {kind_of(data)} where a mapping (key: value) is expected"
        )
    if "kind" not in data:
        raise InputError(f"{path}: has no 'kind'; kinds are {', '.join(kinds)}")
    if not isinstance(data["kind"], str) or data["kind"] not in kinds:
        raise InputError(f"{path}: no kind '{data['kind']}'; kinds are {', '.join(kinds)}")
    return from_dict(kinds[data["kind"]], data, str(path), note)


def from_dict(
    kind: type[T], data: dict[str, Any], where: str, note: Callable[[str], None] | None = None
) -> T:
    """Builds a settings dataclass from plain values.

    Args:
        kind: the dataclass.
        data: plain values, nested like the dataclass.
        where: the file, for messages.
        note: called with one line when the values use old field names; default: no message.

    Returns:
        The dataclass with validated values.

    Raises:
        InputError: names the first fault.
    """
    data, phrases = renamed.fields(kind, data, where)
    if phrases and note is not None:
        note(f"palsynth: {where}: {'; '.join(phrases)}; old names go in 0.3")
    try:
        # as JSON, of which pydantic takes a list for a tuple but no text for a number
        built = TypeAdapter(kind).validate_json(json.dumps(data, default=str), strict=True)
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(str(part) for part in fault["loc"])
        text = fault["msg"].removeprefix("Value error, ")
        if fault["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
            text = "no such field"
        elif fault["type"].endswith("_type"):
            text += _given(fault["input"], fault["type"])
        raise InputError(f"{where}: {place + ': ' if place else ''}{text}") from None
    check_limits(built, where)
    _check_paths(built, data, where)
    return built


def _check_paths(built: Any, data: Any, where: str) -> None:
    """Raises InputError where an empty text would stand for the current folder."""
    for field in dataclasses.fields(built):
        value, given = getattr(built, field.name), data.get(field.name)
        if dataclasses.is_dataclass(value) and isinstance(given, dict):
            _check_paths(value, given, where)
        elif isinstance(value, Path) and given == "":
            raise InputError(f"{where}: {field.name} is empty; give a path")


def _given(value: Any, expected: str) -> str:
    """What stands where another type is expected, and what to write where YAML 1.1 misleads."""
    given = kind_of(value) if isinstance(value, (dict, list)) else as_text(value) or "nothing"
    hint = ""
    if expected == "bool_type" and given.lower() in ("yes", "on", "no", "off"):
        hint = "; write true or false"
    elif expected in ("int_type", "float_type") and given.startswith(tuple("0123456789")):
        hint = "; write a plain number, such as 90"
    quote = "'" if isinstance(value, str) else ""
    return f", not {quote}{shown(given)}{quote}{hint}"


def save(recipe: Any, path: Path) -> None:
    """Writes a recipe with all its fields as YAML, atomically.

    Args:
        recipe: the dataclass.
        path: the file.
    """
    with atomic_write(path) as temporary:
        temporary.write_text(to_yaml(recipe), "utf-8")


def to_yaml(recipe: Any) -> str:
    """Converts a recipe to YAML.

    Args:
        recipe: the dataclass.

    Returns:
        YAML text with every field, in the order of the dataclass.
    """
    return dump_yaml(to_plain(dataclasses.asdict(recipe)))


def to_plain(value: Any) -> Any:
    """Converts settings to what YAML and JSON hold.

    Args:
        value: nested dictionaries and sequences, with paths and enums of strings.

    Returns:
        Dictionaries, lists, text, numbers and None.
    """
    if isinstance(value, dict):
        return {key: to_plain(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(v) for v in value]
    if isinstance(value, Enum):
        return value.value
    return str(value) if isinstance(value, Path) else value
