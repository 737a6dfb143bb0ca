"""The page around the tabs."""

from __future__ import annotations

import gradio as gr

from palsynth.app.sessions import Sessions
from palsynth.app.tabs import anonymize, live, measure, simulate
from palsynth.app.tabs.common import Tabs

TABS = (simulate, anonymize, measure, live)
"""The tabs, in their order; each is a module with a function ``build``."""

WAITING = 32
"""Visitors whose work may wait; others are told to come back."""

AT_ONCE = 2
"""Visitors whose work is done at the same time."""

CARE = (
    "For research and teaching; not a medical device. What you upload stays on the machine that "
    "serves this page and is deleted when you close it."
)


def build(sessions: Sessions, api: bool = False) -> gr.Blocks:
    """Builds the page.

    Args:
        sessions: the visitors' private folders.
        api: whether Gradio's API offers the tabs' functions too.

    Returns:
        The page, which is not served yet.
    """
    with gr.Blocks(title="palsynth", analytics_enabled=False) as page:
        gr.Markdown("# palsynth", elem_id="heading")
        with gr.Tabs():
            for tab in TABS:
                tab.build(Tabs(sessions, api))
        gr.Markdown(CARE, elem_id="care")

        def leave(request: gr.Request) -> None:
            sessions.end(request.session_hash or "")

        page.unload(leave)
    page.queue(max_size=WAITING, default_concurrency_limit=AT_ONCE, api_open=api)
    return page
