"""The one reader of YAML and JSON: what a text means, and what is refused, where and why."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import palsynth
from palsynth.documents import (
    as_text,
    kind_of,
    parse_json,
    read_json,
    read_json_lines,
    read_yaml,
    to_yaml,
)
from palsynth.documents.checks import LARGEST, MAX_BYTES, MAX_LINE
from palsynth.errors import InputError

SOURCE = Path(palsynth.__file__).parent


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def fault(read: Any, path: Path) -> str:
    """The error of a reader: one line that starts with the file."""
    with pytest.raises(InputError) as error:
        read(path)
    text = str(error.value)
    assert "\n" not in text
    assert len(text) < len(str(path)) + 200
    assert text.startswith(str(path))
    return text.removeprefix(str(path))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[true, True, TRUE, false, False, FALSE]", [True] * 3 + [False] * 3),
        ("[yes, Yes, no, No, on, off, y, n]", ["yes", "Yes", "no", "No", "on", "off", "y", "n"]),
        ("[null, Null, NULL, ~, ]", [None] * 4),
        ("[0, 7, -3, +3, 9223372036854775807]", [0, 7, -3, 3, LARGEST]),
        ("[01, 007, 0o7, 0x1F, 0b1, 1_000, 1:30, 1:30:00]",
         ["01", "007", "0o7", "0x1F", "0b1", "1_000", "1:30", "1:30:00"]),
        ("[1e-4, 1E5, 1.5e3, .5, 5., -0.25, 1e+2]", [1e-4, 1e5, 1500.0, 0.5, 5.0, -0.25, 100.0]),
        ("[2020-01-01, 2001-12-14t21:59:43Z, 1.2.3]",
         ["2020-01-01", "2001-12-14t21:59:43Z", "1.2.3"]),
        ("[nan, NaN, inf, Infinity]", ["nan", "NaN", "inf", "Infinity"]),  # words, in YAML
        ("['1', \"2\", '.nan', 'no']", ["1", "2", ".nan", "no"]),
        ("{1: a, 01: b, Yes: c, null: d, 1.0: e}",
         {"1": "a", "01": "b", "Yes": "c", "null": "d", "1.0": "e"}),
        ("a: &anchor 1", {"a": 1}),
        ("a: {b: 1}\nc: {b: 1}", {"a": {"b": 1}, "c": {"b": 1}}),  # a key in two mappings
        ('a: "\\ud83d\\ude00 \\xe9"', {"a": "😀 é"}),  # an emoji as JSON writes it
        ("a: |\n  b\n  c\n", {"a": "b\nc\n"}),
        ("=", "="),
        ("a: <<", {"a": "<<"}),
    ],
)  # fmt: skip
def test_what_yaml_means(tmp_path: Path, text: str, value: Any) -> None:
    found = read_yaml(write(tmp_path / "a.yaml", text))
    assert found == value
    assert repr(found) == repr(value)  # 1 is not 1.0, nor True


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: 1\na: 2", ":2: the key 'a' stands twice; correct the file"),
        ("a: 1\n'a': 2", ":2: the key 'a' stands twice"),
        ("1: a\n'1': b", ":2: the key '1' stands twice"),
        ("x:\n- {a: 1}\n- b:\n    c: 1\n    c: 1", ":5: the key 'c' stands twice"),
        ("? [a]\n: 1", ":1: a list or a mapping stands for a key, which must be text"),
        ("a: &b [1]\nc: *b", ":2: the alias *b is not followed: write out the values"),
        ("&a a: *a", ":1: the alias *a is not followed"),
        ("&a [*a]", ":1: the alias *a is not followed"),
        ("a:\n  <<: {b: 1}", ":2: the merge key << is not followed"),
        ("a: !!python/object/apply:os.system [x]", ":1: the tag tag:yaml.org,2002:python/object"),
        ("a: !!float 1", ":1: the tag tag:yaml.org,2002:float is not used"),
        ("a: !x 1", ":1: the tag !x is not used"),
        ("a:\n- .nan", ":2: .nan is not a finite number"),
        ("a: -.inf", ":1: -.inf is not a finite number"),
        ("a: .Inf", ":1: .Inf is not a finite number"),
        ("a: 1e999", ":1: 1e999 is not a finite number"),
        (f"a: {'9' * 5000}", ":1: a whole number of 5,000 digits; the largest is 922337203685477"),
        (f"a: {LARGEST + 1}", ":1: a whole number of 19 digits; the largest is"),
        ("[" * 65, ":1: not a YAML file that can be read (nested deeper than 64)"),
        ("[" * 100_000, ":1: not a YAML file that can be read (nested deeper than 64)"),
        ("- " * 65 + "x", ":1: not a YAML file that can be read (nested deeper than 64)"),
        ("a:\n- [" + "1," * 200_000 + "1]", ":2: more than 100,000 keys and values"),
        ('a: "\\0"', ":1: text with a NUL character"),
        ('"a\\0": 1', ":1: text with a NUL character"),
        ('a:\n- "\\ud800"', ":2: text with half a character (a lone surrogate)"),
        ("a: b\nc: \0", ":2: not a YAML file (unacceptable character #x0000"),
        ("a: b\nc: [", ":2: not a YAML file (expected the node content"),
        ("a: b\n\tc: d", ":2: not a YAML file (found character '\\t'"),
        ("a: 1\n---\nb: 2", ":2: not a YAML file (but found another document)"),
        ("", ": is empty; correct the file"),
        ("# nothing\n", ": is empty"),
        (b"\xff\xfea\0:\0", ": not UTF-8 but UTF-16; save it as UTF-8"),
        (b"a: b\nc: M\xfcller", ":2: not UTF-8; save it as UTF-8"),
        ("x" * (MAX_BYTES + 1), ": is larger than 16 MiB"),
    ],
)  # fmt: skip
def test_what_yaml_is_refused(tmp_path: Path, content: str | bytes, message: str) -> None:
    assert fault(read_yaml, write(tmp_path / "a.yaml", content)).startswith(message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"a": 1, "a": 2}', ":1: the key 'a' stands twice; correct the file"),
        ('{"b": [\n{"a": 1,\n"a": 2}]}', ":2: the key 'a' stands twice"),
        ('{"a": 1, "\\u0061": 2}', ":1: the key 'a' stands twice"),
        ("[NaN]", ":1: NaN is not a finite number"),
        ('{"a": {\n"b": -Infinity}}', ":1: -Infinity is not a finite number"),
        ("[1e999]", ":1: 1e999 is not a finite number"),
        (f"[{'9' * 5000}]", ":1: a whole number of 5,000 digits; the largest is"),
        (f"[-{'9' * 40}]", ":1: a whole number of 40 digits; the largest is"),
        ("[" * 65 + "]" * 65, ":1: not JSON that can be read (nested deeper than 64)"),
        ('{"a":' * 10_000 + "1" + "}" * 10_000, ":1: not JSON that can be read (nested deeper"),
        ("[\n" * 65, ":65: not JSON that can be read (nested deeper than 64)"),
        ('["\\u0000"]', ":1: text with a NUL character"),
        ('{"a\\u0000": 1}', ":1: text with a NUL character"),
        ('{"a": [["\\ud800"]]}', ":1: text with half a character"),
        ("{a: 1}", ":1: not JSON (Expecting property name"),
        ('{"a": 1}\n{', ":2: not JSON (Extra data)"),
        ('["a\nb"]', ":1: not JSON (Invalid control character"),
        ("", ":1: is empty"),
        (" \n", ":1: is empty"),
        ("[" + "0," * 4_000_001 + "0]", ":1: more than 4,000,000 values"),
        (b"\xfe\xff\0{", ": not UTF-8 but UTF-16"),
        (b'["\xfc"]', ":1: not UTF-8"),
    ],
)
def test_what_json_is_refused(tmp_path: Path, content: str | bytes, message: str) -> None:
    path = write(tmp_path / "a.json", content)
    assert fault(read_json, path).startswith(message)
    assert fault(read_yaml, path).startswith(message)  # by its name


def test_what_json_means(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.json", b'\xef\xbb\xbf{"a": [1, 1.5, true, null, "\\ud83d\\ude00[{"]}'
    )
    assert read_json(path) == {"a": [1, 1.5, True, None, "😀[{"]}
    deep = '["' + "[" * 1000 + '"]'  # brackets in text are not nested
    assert parse_json(deep, "text") == ["[" * 1000]
    assert parse_json("[" * 64 + "]" * 64, "text")


def test_json_lines(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", '\ufeff{"a": "x\u2028y"}\n\n{"a": 2}\r\n')
    assert list(read_json_lines(path)) == [(1, {"a": "x\u2028y"}), (3, {"a": 2})]
    for content, message in {
        '{"a": 1}\n\n{"a": 1, "a": 2}': ":3: the key 'a' stands twice; make it again",
        '{"a": 1}\n[1]': ":2: a row must be an object, not a list",
        '{"a": 1}\n{"a":\n1}': ":2: not JSON (",
        '{"a": NaN}': ":1: NaN is not a finite number",
        "x" * (MAX_LINE + 1): ":1: a line of more than 1,048,576 bytes",
    }.items():
        write(path, content)
        assert fault(lambda p: list(read_json_lines(p, "make it again")), path).startswith(message)
    write(path, b'{"a": 1}\n{"a": "\xfc"}')
    assert fault(lambda p: list(read_json_lines(p)), path).startswith(":2: not UTF-8")


@pytest.mark.parametrize("read", [read_yaml, read_json, lambda p: list(read_json_lines(p))])
def test_what_cannot_be_read_at_all(tmp_path: Path, read: Any) -> None:
    assert fault(read, tmp_path / "none") == ": cannot be read (No such file or directory)"
    assert fault(read, tmp_path) == ": cannot be read (Is a directory)"


@pytest.mark.parametrize(
    "value",
    [
        {"a": [1, 1.5, 1e-05, 1e20, -0.1, True, None, "x"]},
        {"b": ["no", "Yes", "on", "null", "~", "", "1", "01", "1.0", "1e-4", "1e5", ".5", "1:30"]},
        {"c": ["1_000", "0o7", "2020-01-01", ".nan", "<<", "=", "*a", "&a", "!a", "é😀", "a\nb"]},
        {"1": 1, "no": 2, "1e4": 3, "": 4},
    ],
)
def test_what_is_written_is_read_again(tmp_path: Path, value: Any) -> None:
    assert repr(read_yaml(write(tmp_path / "a.yaml", to_yaml(value)))) == repr(value)
    former = yaml.safe_dump({"a": [1, 1e-05, "no", "1", None], "b": {"c": "x"}}, sort_keys=False)
    assert to_yaml(yaml.safe_load(former)) == former  # the form of files has not changed
    shared = [1, 2]
    assert "*" not in to_yaml({"a": shared, "b": shared})


def test_words_for_messages() -> None:
    kinds = {"a mapping": {}, "a list": [], "text": "", "true or false": True, "a number": 1.5}
    assert {kind_of(value): value for value in kinds.values()} == kinds
    assert kind_of(None) == "nothing"
    assert [as_text(v) for v in ("x", 1, 1.5, False, None)] == ["x", "1", "1.5", "false", ""]


def test_nothing_else_parses() -> None:
    """Every other module reads YAML and JSON by ``palsynth.documents``."""
    parsers = re.compile(
        r"\b(json|yaml)\.(load|loads|safe_load|load_all|safe_load_all|full_load|JSONDecoder)\b"
        r"|from (json|yaml) import|\bread_json\(.*lines=|validate_json\((?!json\.dumps)"
    )
    found = [
        f"{path.relative_to(SOURCE)}:{number}"
        for path in sorted(SOURCE.rglob("*.py"))
        if path.parent.name != "documents"
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if parsers.search(line)
    ]
    assert not found
