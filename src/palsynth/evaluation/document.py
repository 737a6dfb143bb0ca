"""Documents of tables, remarks and pictures, as Markdown and as one HTML page."""

from __future__ import annotations

import base64
import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from rich.table import Table as RichTable

from palsynth.files import atomic_write
from palsynth.terminal import console, literal

CARE = "For research and teaching; not a medical device."

_TEMPLATES = Environment(
    loader=PackageLoader("palsynth.evaluation", "assets"),
    autoescape=True,
    trim_blocks=True,
    undefined=StrictUndefined,
)


@dataclass(frozen=True)
class Table:
    """A table of a document.

    Attributes:
        heading: its heading.
        columns: titles of the columns.
        rows: cells as text, the first being the row's name.
        quiet: indices of the rows that are references, printed lighter.
        hints: tooltips of the columns in HTML; default: none.
    """

    heading: str
    columns: list[str]
    rows: list[list[str]]
    quiet: set[int] = field(default_factory=set)
    hints: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Document:
    """A document.

    Attributes:
        title: its title.
        notice: text under the title.
        tables: its tables.
        remarks: list below the tables.
        pictures: caption -> PNG bytes.
    """

    title: str
    notice: str
    tables: list[Table]
    remarks: list[str] = field(default_factory=list)
    pictures: dict[str, bytes] = field(default_factory=dict)


def to_markdown(document: Document) -> str:
    """Formats a document as Markdown, without its pictures.

    Args:
        document: the document.

    Returns:
        Markdown text.
    """
    lines = [f"# {document.title}", "", document.notice, ""]
    for table in document.tables:
        lines += [f"## {table.heading}", "", f"| {' | '.join(map(_escape, table.columns))} |"]
        lines.append("|---" * len(table.columns) + "|")
        for number, (name, *cells) in enumerate(table.rows):
            mark = "*" if number in table.quiet else "**"
            lines.append(
                f"| {' | '.join([f'{mark}{_escape(name)}{mark}', *map(_escape, cells)])} |"
            )
        lines.append("")
    lines += [f"- {remark}" for remark in document.remarks]
    return "\n".join(lines) + "\n"


def print_table(table: Table) -> None:
    """Prints a table to the terminal, without its reference rows.

    Args:
        table: the table.
    """
    printed = RichTable(title=literal(table.heading))
    for column in table.columns:
        printed.add_column(literal(column))
    for number, row in enumerate(table.rows):
        if number not in table.quiet:
            printed.add_row(*map(literal, row))
    console().print(printed)


def _escape(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def to_html(document: Document) -> str:
    """Formats a document as one self-contained HTML page.

    Args:
        document: the document.

    Returns:
        The page.
    """
    pictures = {text: base64.b64encode(png).decode() for text, png in document.pictures.items()}
    page = _TEMPLATES.get_template("document.html")
    return page.render(document=document, pictures=pictures) + "\n"


def to_json(value: Any) -> str:
    """Formats plain values as JSON; infinite and NaN numbers become null.

    Args:
        value: nested dictionaries, lists, tuples, strings and numbers.

    Returns:
        JSON text.
    """
    return json.dumps(_finite(value), indent=1) + "\n"


def write_document(folder: Path, name: str, document: Document, data: Any) -> None:
    """Writes a document as Markdown and HTML, and its data as JSON, each file atomically.

    Args:
        folder: folder to write to; created if needed.
        name: file name without extension.
        document: the document.
        data: plain values for the JSON file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for kind, text in (
        ("json", to_json(data)),
        ("md", to_markdown(document)),
        ("html", to_html(document)),
    ):
        with atomic_write(folder / f"{name}.{kind}") as temporary:
            temporary.write_text(text, "utf-8")


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
