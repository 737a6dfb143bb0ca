"""The JSON decoder of the standard library with checks: keys, numbers, text, depth and size."""

from __future__ import annotations

import json
import re
from json.decoder import JSONObject  # type: ignore[attr-defined]
from json.scanner import py_make_scanner  # type: ignore[attr-defined]
from typing import Any

from palsynth.documents.checks import (
    MAX_DEPTH,
    MAX_JSON_NODES,
    Fault,
    check_text,
    number,
    shown,
    whole_number,
)

_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[{\]}]', re.DOTALL)


def decode(text: str) -> Any:
    """Parses a JSON text.

    Args:
        text: the text.

    Returns:
        The values.

    Raises:
        Fault: the text is not JSON or fails a check.
    """
    if not text.strip():
        raise Fault("is empty")
    _check_size(text)
    try:
        try:
            return _decoder.decode(text)
        except Fault:
            return _Locating(**_HOOKS).decode(text)  # slower, and says in which line
    except json.JSONDecodeError as error:
        raise Fault(f"not JSON ({error.msg})", error.lineno) from None


def _check_size(text: str) -> None:
    """Refuses what is nested too deeply or has too many values."""
    if text.count(",") > MAX_JSON_NODES:
        raise Fault(f"more than {MAX_JSON_NODES:,} values")
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    depth = 0
    for token in _BRACKETS.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token.group(), 0)
        if depth > MAX_DEPTH:
            line = text.count("\n", 0, token.start()) + 1
            raise Fault(f"not JSON that can be read (nested deeper than {MAX_DEPTH})", line)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for key, part in pairs:
        if key in value:
            raise Fault(f"the key '{shown(key)}' stands twice")
        check_text(key)
        _check_texts(part)
        value[key] = part
    return value


def _check_texts(value: Any) -> None:
    """Checks a text, or those in a list; the texts of an object have been checked."""
    if isinstance(value, str):
        check_text(value)
    elif isinstance(value, list):
        for part in value:
            _check_texts(part)


_HOOKS: dict[str, Any] = {
    "object_pairs_hook": _object,
    "parse_int": whole_number,
    "parse_float": number,
    "parse_constant": number,
}


class _Decoder(json.JSONDecoder):
    """Checks texts outside objects too."""

    def decode(self, text: str) -> Any:  # type: ignore[override]
        value = super().decode(text)
        _check_texts(value)
        return value


class _Locating(_Decoder):
    """Adds to a fault the line in which the innermost object around it begins."""

    def __init__(self, **hooks: Any) -> None:
        super().__init__(**hooks)
        self.parse_object = self._parse_object
        self.scan_once = py_make_scanner(self)  # the one in C calls no parse_object

    def _parse_object(self, start: tuple[str, int], *others: Any) -> Any:
        try:
            return JSONObject(start, *others)
        except Fault as fault:
            fault.line = fault.line or start[0].count("\n", 0, start[1]) + 1
            raise


_decoder = _Decoder(**_HOOKS)
