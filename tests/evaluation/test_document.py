from __future__ import annotations

import json
from pathlib import Path

import pytest

from palsynth.evaluation.document import (
    Document,
    Table,
    print_table,
    to_html,
    to_json,
    to_markdown,
    write_document,
)

TABLE = Table(
    "Heights",
    ["name", "a|b", "c"],
    [["old", "1", "2"], ["new", "3", "4"]],
    {0},
    ["", "of a", "of <c>"],
)
DOCUMENT = Document("Title", "Notice", [TABLE], ["one", "two"], {"caption": b"png"})


def test_markdown_distinguishes_rows_columns_and_references() -> None:
    assert to_markdown(DOCUMENT) == (
        "# Title\n\nNotice\n\n## Heights\n\n| name | a\\|b | c |\n|---|---|---|\n"
        "| *old* | 1 | 2 |\n| **new** | 3 | 4 |\n\n- one\n- two\n"
    )


def test_the_page_puts_each_hint_on_its_own_column() -> None:
    page = to_html(DOCUMENT)
    head = "<th title=''>name</th><th title='of a'>a|b</th><th title='of &lt;c&gt;'>c</th>"
    assert head in page
    assert "<tr class=reference><th>old</th><td>1</td><td>2</td></tr>" in page
    assert "<tr><th>new</th><td>3</td><td>4</td></tr>" in page
    assert "<img alt='caption' src='data:image/png;base64,cG5n'>" in page


def test_the_terminal_leaves_references_out(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(TABLE)
    printed = capsys.readouterr().out
    assert "old" not in printed
    assert [w for w in printed.split() if w in ("new", "3", "4")] == ["new", "3", "4"]


def test_numbers_that_are_not_finite_are_null(tmp_path: Path) -> None:
    assert json.loads(to_json({"a": [float("nan"), (1.5, float("inf"))]})) == {
        "a": [None, [1.5, None]]
    }
    write_document(tmp_path / "new", "name", DOCUMENT, {"x": 1})
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == [
        "name.html",
        "name.json",
        "name.md",
    ]
    assert json.loads((tmp_path / "new" / "name.json").read_text()) == {"x": 1}
