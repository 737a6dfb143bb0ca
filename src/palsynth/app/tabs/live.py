"""The tab *Live*: the visitor's face moves a synthetic subject, or is shown with a palsy.

``assets/live.js`` takes the camera and talks to :mod:`palsynth.app.live`; Gradio has no part in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import gradio as gr

from palsynth.app.tabs.common import Tabs
from palsynth.app.tabs.face import AGES, ANY, GROUPS, MAX_SEED
from palsynth.app.tabs.simulate import KINDS
from palsynth.clinical import Grade

CARE = (
    "Frames go to the machine that serves this page and to no other, and are not stored. With "
    "your own face the picture taken at rest moves as you do, with the chosen palsy: what the same "
    "effort would look like, not a prediction."
)

_STAGES = {
    "decode": "decode",
    "landmarks": "landmarks",
    "capture": "capture",
    "retarget": "retarget",
    "encode": "encode",
    "wait": "wait for its turn",
    "browser": "browser and network",
}
"""Stage -> what the page calls it; the time of each is shown."""


def build(tabs: Tabs) -> None:
    """Adds the tab to the page that is being built.

    Args:
        tabs: what the tabs share.
    """
    with gr.Tab("Live", id="live", elem_id="tab-live"):
        gr.Markdown(_page(), sanitize_html=False, elem_id="live-box")


def _page() -> str:
    """The whole tab, as HTML."""
    faces = _select("face", "Face", [("A synthetic subject", "subject"), ("My own face", "own")])
    genders = [(text, text) for text in (ANY, "woman", "man")]
    ages = [(text, text) for text in AGES]
    subject = (
        _select("gender", "Gender", genders)
        + _select("group", "Ethnicity", GROUPS)
        + _select("age", "Age", ages)
        + "<div class=field><label for=live-seed>Seed</label>"
        + f"<input id=live-seed name=seed type=number min=0 max={MAX_SEED} value=7></div>"
    )
    sides = [("none", "none"), ("left", "left"), ("right", "right")]
    grades = [(grade.value, grade.value) for grade in Grade]
    palsy = (
        _select("side", "Patient’s weak side", sides)
        + _select("grade", "House-Brackmann grade", grades, "V")
        + _select("kind", "Kind of palsy", [(kind, kind) for kind in KINDS])
    )
    cells = "".join(
        f"<div><dt>{text}, ms</dt><dd data-stage={stage}>–</dd></div>"
        for stage, text in _STAGES.items()
    )
    return (
        "<div class=live><form class=choice aria-label='What to show'>"
        f"{faces}<fieldset class=of-subject><legend>Synthetic subject</legend>{subject}</fieldset>"
        f"<fieldset><legend>Palsy</legend>{palsy}</fieldset>"
        "<label class=as-mirror><input name=mirrored type=checkbox checked>As in a mirror</label>"
        f"<p class=legend>{escape(CARE)}</p></form>"
        "<div class=stage>"
        "<div class=buttons><button type=button data-do=start class=go>Start camera</button>"
        "<button type=button data-do=rest disabled>Take rest</button>"
        "<button type=button data-do=stop disabled>Stop</button></div>"
        "<figure class=made><div class=screen>"
        "<canvas id=live-picture width=384 height=384 role=img "
        "aria-label='Synthetic picture that moves as you do'></canvas>"
        "<span class=label>Synthetic</span></div>"
        "<figcaption><span role=status id=live-note>Start the camera, look straight at it with a "
        "relaxed face, and press Take rest.</span></figcaption></figure>"
        "<figure class=camera><div class=screen><video id=live-camera muted playsinline "
        "aria-label='Your camera'></video></div><figcaption>Your camera</figcaption></figure>"
        "<dl class=pace aria-label='Speed'>"
        "<div><dt>frames a second</dt><dd id=live-rate>–</dd></div>"
        "<div><dt>latency, ms</dt><dd id=live-latency>–</dd></div>"
        f"{cells}</dl></div></div>"
    )


def _select(
    name: str, label: str, options: Sequence[str | tuple[str, str]], chosen: str = ""
) -> str:
    """A field with a label, as HTML."""
    items = ""
    for option in options:
        shown, value = (option, option) if isinstance(option, str) else option
        is_chosen = " selected" if value == chosen else ""
        items += f"<option value='{escape(value, quote=True)}'{is_chosen}>{escape(shown)}</option>"
    return (
        f"<div class=field><label for=live-{name}>{escape(label)}</label>"
        f"<select id=live-{name} name={name}>{items}</select></div>"
    )
