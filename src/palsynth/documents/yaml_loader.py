"""PyYAML's safe loader with the plain words of YAML 1.2, unique keys and limits."""

from __future__ import annotations

import re
from typing import Any, ClassVar

import yaml

from palsynth.documents.checks import (
    MAX_DEPTH,
    MAX_YAML_NODES,
    Fault,
    check_text,
    number,
    shown,
    whole_number,
)

_PREFIX = "tag:yaml.org,2002:"
_TEXT = f"{_PREFIX}str"
_FLOAT = re.compile(
    r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?$"
    r"|[-+]?\.(inf|Inf|INF)$|\.(nan|NaN|NAN)$"
)


def load(text: str) -> Any:
    """Parses a YAML text.

    Args:
        text: the text.

    Returns:
        The values; None for an empty text.

    Raises:
        Fault: the text is not YAML or fails a check.
    """
    try:
        return yaml.load(text, _Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = f"not a YAML file ({error.problem or error.context})"
        raise Fault(what, mark.line + 1 if mark else None) from None
    except yaml.YAMLError as error:  # a character that YAML does not allow
        what = f"not a YAML file ({str(error).splitlines()[0]})"
        raise Fault(what, text.count("\n", 0, getattr(error, "position", 0)) + 1) from None


def dump(values: Any) -> str:
    """Formats plain values, so that :func:`load` reads the same values.

    Args:
        values: dictionaries, lists, text, finite numbers, booleans and None.

    Returns:
        YAML text, keys in order.
    """
    text: str = yaml.dump(values, Dumper=_Dumper, sort_keys=False)
    return text


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with the plain words of YAML 1.2 and our limits."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}  # type: ignore[misc]

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._depth = self._nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        line = event.start_mark.line + 1
        self._nodes += 1
        if self._nodes > MAX_YAML_NODES:
            raise Fault(f"more than {MAX_YAML_NODES:,} keys and values", line)
        if isinstance(event, yaml.CollectionStartEvent) and self._depth == MAX_DEPTH:
            raise Fault(f"not a YAML file that can be read (nested deeper than {MAX_DEPTH})", line)
        if isinstance(event, yaml.AliasEvent):
            raise Fault(f"the alias *{event.anchor} is not followed: write out the values", line)
        if event.tag not in (None, "!"):
            raise Fault(f"the tag {shown(event.tag)} is not used: write the plain value", line)
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise Fault("a list or a mapping stands for a key, which must be text", line)
            if key.value == "<<" and key.style is None:
                raise Fault("the merge key << is not followed: write out the values", line)
            if key.value in seen:
                raise Fault(f"the key '{shown(key.value)}' stands twice", line)
            seen.add(key.value)
            key.tag = _TEXT
        return super().construct_mapping(node, deep)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except Fault as fault:
            fault.line = fault.line or node.start_mark.line + 1
            raise


def _construct_text(_: _Loader, node: yaml.ScalarNode) -> str:
    text = str(node.value)
    if node.style == '"':  # JSON writes one emoji as two escapes
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    check_text(text)
    return text


_Loader.add_constructor(_TEXT, _construct_text)
_Loader.add_constructor(f"{_PREFIX}int", lambda _, node: whole_number(node.value))
_Loader.add_constructor(f"{_PREFIX}float", lambda _, node: number(node.value))
for _name, _pattern, _first in (  # the first that matches counts
    ("bool", re.compile(r"(true|True|TRUE|false|False|FALSE)$"), "tTfF"),
    ("int", re.compile(r"[-+]?(0|[1-9][0-9]*)$"), "-+0123456789"),
    ("float", _FLOAT, "-+.0123456789"),
    ("null", re.compile(r"(~|null|Null|NULL|)$"), ["~", "n", "N", ""]),
):
    _Loader.add_implicit_resolver(f"{_PREFIX}{_name}", _pattern, list(_first))


class _Dumper(yaml.SafeDumper):
    """PyYAML's safe dumper, which also quotes text that YAML 1.2 reads as a number (``1e-4``)."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Dumper.add_implicit_resolver(f"{_PREFIX}float", _FLOAT, list("-+.0123456789"))
