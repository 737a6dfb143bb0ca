"""Fills in what the pages read from the code, when the site is built."""

from __future__ import annotations

from typing import Any

from palsynth.evaluation.metrics import markdown_table

MARK = "<!-- metrics -->\n"


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Puts the table of all metrics where a page has its mark.

    Args:
        markdown: text of the page.

    Returns:
        The text with the table.
    """
    return markdown.replace(MARK, markdown_table())
