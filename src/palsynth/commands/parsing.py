"""Parses the options of a command; a wrong one is refused in one line."""

from __future__ import annotations

import difflib
import types
from collections.abc import Mapping, Sequence
from dataclasses import is_dataclass, replace
from typing import Any, Union, get_args, get_origin, get_type_hints

import tyro
from tyro import _errors  # the only way to learn what was wrong, not how tyro words it
from tyro.constructors import (
    ConstructorRegistry,
    PrimitiveConstructorSpec,
    PrimitiveTypeInfo,
)

from palsynth.errors import InputError

_REGISTRY = ConstructorRegistry()


@_REGISTRY.primitive_rule
def _optional(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Any] | None:
    """Shows ``X | None`` as ``X``, with choices in their order; the word None is still taken."""
    kinds = get_args(info.type) if get_origin(info.type) in (Union, types.UnionType) else ()
    if len(kinds) != 2 or type(None) not in kinds:
        return None
    (kind,) = (kind for kind in kinds if kind is not type(None))
    given = ConstructorRegistry.get_primitive_spec(PrimitiveTypeInfo.make(kind, info.markers))
    if not isinstance(given, PrimitiveConstructorSpec) or given.nargs not in (1, "*"):
        return None
    return replace(
        given,
        choices=None if given.choices is None else (*given.choices, "None"),
        instance_from_str=lambda words: (
            None if words == ["None"] else given.instance_from_str(words)
        ),
        is_instance=lambda value: value is None or given.is_instance(value),
        str_from_instance=lambda value: (
            ["None"] if value is None else given.str_from_instance(value)
        ),
    )


def parse_options(options: Any, words: Sequence[str], prog: str, *, prefixes: bool = False) -> Any:
    """Parses the words of a command line.

    Args:
        options: a dataclass, whose fields are the options, or a function without any.
        words: the words after the command.
        prog: the command, such as ``palsynth measure``.
        prefixes: whether options of nested dataclasses start with the field's name, as in
            ``--loop.steps``.

    Returns:
        The dataclass with the given values.

    Raises:
        InputError: an option is unknown, missing or has a value that it cannot have.
        SystemExit: after the help that ``--help`` prints.
    """

    known = _options(options, prefixes)
    for word in words:
        name, equals, _ = word.partition("=")
        if equals and known.get(_spelt(name)):  # tyro would take the value for another word
            raise InputError(f"{word}: {name} takes no value; see {prog} --help")

    def refuse(event: _errors.ParseErrorEvent) -> None:
        reason = _unknown_option(known, words) or _reason(event, words)
        raise InputError(f"{reason}; see {prog} --help")

    with _errors.on_parse_error(refuse):
        return tyro.cli(
            options,
            prog=prog,
            args=list(words),
            config=() if prefixes else (tyro.conf.OmitArgPrefixes,),
            registry=_REGISTRY,
        )


def _reason(event: _errors.ParseErrorEvent, words: Sequence[str]) -> str:
    """What is wrong with the words, in one phrase."""
    if isinstance(event, _errors.InvalidChoice):
        return f"{_name(event.argument)} {event.value}: must be {_allowed(event.argument)}"
    if isinstance(event, _errors.BadValue):
        if event.argument.is_positional():
            return f"{_name(event.argument)} is missing"
        return f"{_name(event.argument)}: needs a value: {_allowed(event.argument)}"
    if isinstance(event, _errors.InstantiationFailure):
        if event.argument is None:
            return event.message
        name = _name(event.argument)
        return f"{' '.join([name, *_given(words, name)])}: must be {_allowed(event.argument)}"
    if isinstance(event, _errors.MissingArgs):
        names = [_name(found.arg) for found in event.missing_arguments]
        return f"{_either(names, 'and')} {'is' if len(names) == 1 else 'are'} missing"
    if isinstance(event, _errors.UnrecognizedArgs):
        return f"'{event.tokens[0]}': one word too many"
    return type(event).__name__


def _name(argument: Any) -> str:
    """The option, or the place of one without a name in capitals."""
    name: str = argument.display_name()
    return name.upper() if argument.is_positional() else name


def _allowed(argument: Any) -> str:
    """The values that an option takes: its choices, or their kind."""
    if argument.lowered.choices is not None:
        return _either([choice for choice in argument.lowered.choices if choice != "None"])
    kinds: list[str] = []
    for part in (argument.lowered.metavar or "").split("|"):
        kind = next((kind for mark, kind in _KINDS.items() if mark in part), None)
        if kind is None:  # words to choose from
            kinds += part.strip("{}").split(",")
        else:
            kinds.append(f"{kind}s".removeprefix("a ") if "..." in part else kind)
    return _either(kinds)


_KINDS = {"INT": "a whole number", "FLOAT": "a number", "PATH": "a path", "STR": "a text"}
"""Placeholder in tyro's help -> what it stands for."""


def _either(words: Sequence[str], joint: str = "or") -> str:
    return f" {joint} ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def _given(words: Sequence[str], option: str) -> list[str]:
    """The value given for an option; empty for one without a name."""
    for word, following in zip(words, [*words[1:], ""], strict=True):
        name, equals, value = word.partition("=")
        if _spelt(name) in option.split("/"):
            return [value if equals else following]
    return []


def _unknown_option(known: Mapping[str, bool], words: Sequence[str]) -> str:
    """The first option that the command does not have, and the nearest that it has; or empty."""
    for word in words[: words.index("--")] if "--" in words else words:
        name = _spelt(word.partition("=")[0])
        if name.startswith("--") and name not in known:
            nearest = difflib.get_close_matches(name, sorted(known), 1)
            return f"no option {name}" + "".join(f"; did you mean {n}?" for n in nearest)
    return ""


def _spelt(option: str) -> str:
    return option.replace("_", "-")


def _options(options: Any, prefixes: bool, prefix: str = "") -> dict[str, bool]:
    """The options of a dataclass and of those nested in it, and whether each is a flag."""
    found = {"--help": True}
    hints = get_type_hints(options, include_extras=True) if is_dataclass(options) else {}
    for name, hint in hints.items():
        parts = [hint, *get_args(hint), *(k for arg in get_args(hint) for k in get_args(arg))]
        nested = [part for part in parts if isinstance(part, type) and is_dataclass(part)]
        names = [n for part in parts if isinstance(n := getattr(part, "name", None), str)]
        given = _spelt(names[0] if names else name)  # as the option is called where it is marked
        for part in nested:
            shown = prefixes and given != ""
            found |= _options(part, prefixes, f"{prefix}{given}." if shown else prefix)
        if not nested:
            flag = bool in parts
            found[f"--{prefix}{given}"] = flag
            if flag:
                found[f"--{prefix}no-{given}"] = flag
    return found
