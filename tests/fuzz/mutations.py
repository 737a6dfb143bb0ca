"""Damaged files as people and other programs make them, drawn by hypothesis."""

from __future__ import annotations

import io
import json
from typing import Any

import openpyxl
from hypothesis import strategies as st

WORDS = (
    *("", " ", "null", "~", "nan", ".nan", "-.inf", "Infinity", "NaN", "1e999", "-1", "0", "01"),
    *("yes", "No", "on", "true", "1:30", "2024-01-31", "0x1f", "1_0", "1e-4", "9" * 40, "9" * 5000),
    *("../x", "/etc/passwd", "C:\\x.png", "a\\b", "~/x", "x\0y", ".", "..", "./a.png", "a/../b"),
    *("[red]", "[/]", "[bold", "]", "{", "}", "{}", "[]", "[[", "- x", "*a", "&a x", "? x", "# "),
    *("!!python/object/apply:os.system [ls]", "!!binary aGk=", "!!set {a}", "---", "%YAML 9"),
    *("é", "\u202e", "\ufeff", "\x1b[31m", "\u0301", "🙂", "None", "a" * 300, '"', "'", "\\", "\t"),
    *("\n", "\r\n", ",", ";", ":", ": ", "=", "<<: {a: 1}", "&a [*a]", '"\\ud800"', "..."),
    *('{"a": ' * 3000, "[" * 3000, "- " * 500),
)
"""Words that mean something else to a parser, a file system, a terminal or a table."""

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 2, 0.5, 10**18, 10**40, 1e308, float("nan"), float("inf"), -0.0),
    *([], {}, [[]], [1, "a"], {"a": None}, {"": {}}, ["left"], {"left": 1}),
    *WORDS,
)
"""What stands in a place of a JSON document where something else is expected."""


@st.composite
def damaged_text(draw: st.DrawFn, text: str) -> bytes:
    """A text file with one to three places damaged.

    Args:
        text: the sound file.

    Returns:
        Its bytes, at times in another encoding.
    """
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 12)))
        lines = text.splitlines(keepends=True) or [""]
        line = draw(st.integers(0, len(lines) - 1))
        word = draw(st.sampled_from(WORDS) | st.text(max_size=5))
        kind = draw(st.sampled_from(("insert", "replace", "cut", "twice", "drop", "end", "value")))
        if kind == "insert":
            text = text[:start] + word + text[start:]
        elif kind == "replace":
            text = text[:start] + word + text[end:]
        elif kind == "cut":
            text = text[:start] + text[end:]
        elif kind == "twice":
            text = "".join([*lines[:line], lines[line], *lines[line:]])
        elif kind == "drop":
            text = "".join([*lines[:line], *lines[line + 1 :]])
        elif kind == "end":
            text = text[:start]
        else:
            head, separator, _ = lines[line].partition(":")
            text = "".join(
                [*lines[:line], head + separator + " " + word + "\n", *lines[line + 1 :]]
            )
    encoding = draw(st.sampled_from(("utf-8",) * 6 + ("utf-8-sig", "utf-16", "cp1252")))
    data = text.encode(encoding, "surrogatepass" if encoding.startswith("utf") else "replace")
    return draw(damaged_bytes(data)) if draw(st.integers(0, 9)) == 0 else data


@st.composite
def damaged_bytes(draw: st.DrawFn, data: bytes) -> bytes:
    """A binary file cut short, or with some bytes replaced.

    Args:
        data: the sound file.

    Returns:
        Its bytes.
    """
    place = draw(
        st.integers(0, max(0, min(len(data) - 1, draw(st.sampled_from((16, 400, 10**9))))))
    )
    if draw(st.booleans()):
        return data[:place]
    return data[:place] + draw(st.binary(min_size=1, max_size=8)) + data[place + 4 :]


@st.composite
def damaged_document(draw: st.DrawFn, document: Any) -> bytes:
    """A JSON file with one to three values replaced, removed or added, or damaged as text.

    Args:
        document: the sound document.

    Returns:
        Its bytes.
    """
    document = json.loads(json.dumps(document))
    for _ in range(draw(st.integers(1, 3))):
        places = list(_places(document))
        holder, key = draw(st.sampled_from(places))
        value = draw(st.sampled_from(VALUES))
        kind = draw(st.sampled_from(("replace", "replace", "remove", "add")))
        if kind == "replace":
            holder[key] = value
        elif kind == "remove":
            del holder[key]
        elif isinstance(holder, dict):
            holder[draw(st.sampled_from(WORDS))] = value
        else:
            holder.append(value)
        if not list(_places(document)):
            break
    text = json.dumps(document, ensure_ascii=draw(st.booleans()))
    if draw(st.integers(0, 2)) == 0:
        return draw(damaged_text(text))
    return text.encode("utf-8", "surrogatepass")


def _places(document: Any) -> Any:
    """Every (container, key) in a document."""
    if isinstance(document, dict):
        items: Any = list(document.items())
    elif isinstance(document, list):
        items = list(enumerate(document))
    else:
        return
    for key, value in items:
        yield document, key
        yield from _places(value)


@st.composite
def damaged_workbook(draw: st.DrawFn, rows: list[list[Any]]) -> bytes:
    """An Excel file with some cells replaced, cells merged, rows moved, or its bytes damaged.

    Args:
        rows: the sound table, the header first.

    Returns:
        The bytes of the .xlsx file.
    """
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for _ in range(draw(st.integers(0, 2))):
        sheet.append([])
    for row in rows:
        sheet.append(row)
    cells = [v for v in VALUES if not isinstance(v, (list, dict)) and len(str(v)) < 3000]
    for _ in range(draw(st.integers(0, 3))):
        cell = sheet.cell(
            draw(st.integers(1, len(rows) + 1)), draw(st.integers(1, len(rows[0]) + 1))
        )
        try:
            cell.value = draw(st.sampled_from([*cells, "=A1", "=1/0", "#N/A"]))
        except (ValueError, openpyxl.utils.exceptions.IllegalCharacterError):
            continue
    if draw(st.integers(0, 3)) == 0:
        first, last = draw(st.integers(1, len(rows))), draw(st.integers(1, len(rows)))
        column = draw(st.integers(1, len(rows[0])))
        sheet.merge_cells(None, min(first, last), column, max(first, last), column)
    if draw(st.integers(0, 3)) == 0:
        other = book.create_sheet("other", 0)
        for row in rows[: draw(st.integers(0, len(rows)))]:
            other.append(row)
        book.active = draw(st.integers(0, 1))
    data = io.BytesIO()
    book.save(data)
    whole = data.getvalue()
    return draw(damaged_bytes(whole)) if draw(st.integers(0, 3)) == 0 else whole
