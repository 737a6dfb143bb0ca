"""The tab *Simulate*: a face, healthy and with a palsy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from palsynth.app.clips import made_clip
from palsynth.app.nerve_diagram import diagram, from_text, to_text
from palsynth.app.tabs.common import (
    QUEUE,
    UNQUEUED,
    Tabs,
    figure,
    lines,
    picture,
    player,
    stoppable,
    table,
)
from palsynth.app.tabs.face import Face
from palsynth.clinical import Grade, Movement, Palsy, Side, house_brackmann, yanagihara_total
from palsynth.errors import InputError
from palsynth.face.framing import PORTRAIT
from palsynth.generation.measured import RequestedMeasured, requested_and_measured
from palsynth.generation.runner import Generated, generate
from palsynth.generation.sheet import sheet
from palsynth.generation.video.clip import make_clip
from palsynth.generation.video.script import ClipSettings, write_script
from palsynth.methods.base import Identity, Method, Request, TargetExpression
from palsynth.methods.registry import get_method
from palsynth.progress import Progress
from palsynth.subjects import Subject
from palsynth.subjects.description import describe

SIZE = 512
"""Side of the pictures of a synthetic subject, pixels."""

SHEET_SIZE = 256
"""Side of each picture on the sheet, pixels."""

CLIP = ClipSettings(size=320, fps=20.0)
"""How clips are made: small enough that one comes within seconds."""

BESIDE = "Healthy on the left, with the palsy on the right."

KINDS = {"peripheral": "peripheral", "central (stroke)": "central", "late (synkinesis)": "late"}
"""What the page calls a kind of palsy -> its name."""

HINT = (
    "Or set each branch: click it to go from 100 to 0 % in steps of 25, or reach it with Tab and "
    "use the arrow keys."
)


def build(tabs: Tabs) -> None:
    """Adds the tab to the page that is being built.

    Args:
        tabs: what the tabs share.
    """
    preset = ("left", "V", "peripheral")
    drawn, text = _preset(*preset)
    with gr.Tab("Simulate", id="simulate", elem_id="tab-simulate"), gr.Row():
        with gr.Column(scale=4, min_width=320):
            face = Face(tabs)
            moves = [(m.label, m.value) for m in Movement]
            movement = gr.Dropdown(moves, value=Movement.GRIN.value, label="Movement")
            with gr.Row():
                side = gr.Radio(
                    ["left", "right"], value="left", label="Patient’s weak side", min_width=190
                )
                kind = gr.Dropdown(list(KINDS), label="Kind of palsy", min_width=190)
            grade = gr.Radio([g.value for g in Grade], value="V", label="House-Brackmann grade")
            gr.Markdown(HINT, elem_classes="hint")
            nerve = gr.Markdown(drawn, sanitize_html=False, elem_classes="diagram")
            palsy = gr.Textbox(text, label="Palsy", visible="hidden", elem_id="palsy-values")
            effort = gr.Slider(0, 120, 100, step=10, label="Effort of the movement, %")
            beside = gr.Checkbox(label="In the video, the healthy face beside it")
        with gr.Column(scale=5, min_width=320):
            with gr.Row():
                show = gr.Button("Show", variant="primary", min_width=110)
                ten = gr.Button("Ten movements", min_width=150)
                film = gr.Button("Video", min_width=90)
                stop = gr.Button("Stop", min_width=80, scale=0)
            result = gr.Markdown(sanitize_html=False, elem_id="simulated")
            overview = gr.Markdown(sanitize_html=False, elem_id="sheet-of-ten")
            clip = gr.Markdown(sanitize_html=False, elem_id="clip")
            files = gr.Files(label="Files to keep, labelled as made", visible=False)

    def answer(
        given: dict[Any, Any],
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - how Gradio finds it
    ) -> tuple[str, Any]:
        with tabs.answering(request) as work:
            identity = face.identity(work, given)
            requested = _requested(given[palsy], *(given[part] for part in (side, grade, kind)))
            target = TargetExpression(Movement(given[movement]), requested, given[effort] / 100)
            healthy, palsied = _pair(identity, target, stoppable(work, progress, "simulating"))
            row = requested_and_measured(palsied.image, target.movement, requested)
            folder = work.folder()
            paths = folder / "healthy.png", folder / "palsied.png"
            healthy.write(paths[0])
            palsied.write(paths[1])
            text = _compared(*paths, target.movement) + _findings(identity, target, row)
            text += lines(work.notes)
            return text, gr.update(value=[str(paths[1])], visible=True)

    def answer_ten(
        given: dict[Any, Any],
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> tuple[str, Any]:
        with tabs.answering(request) as work:
            identity = face.identity(work, given)
            progress(0.1, desc="simulating ten movements")
            requested = _requested(given[palsy], *(given[part] for part in (side, grade, kind)))
            made = sheet(
                identity, requested, _method(identity), title=_title(identity), size=SHEET_SIZE
            )
            path = work.folder() / "sheet.png"
            made.write(path)
            text = figure(path, "The ten movements side by side; the table gives their scores")
            heads = ("Movement", "Requested", "Measured", "Weak side")
            text += table(
                heads,
                [_row(row) for row in made.rows],
                "Item scores, 0 to 4, and the side that is measured as weaker",
            )
            return text, gr.update(value=[str(path)], visible=True)

    def answer_clip(
        given: dict[Any, Any],
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> tuple[str, Any]:
        with tabs.answering(request) as work:
            identity = face.identity(work, given)
            requested = _requested(given[palsy], *(given[part] for part in (side, grade, kind)))
            moves = Movement(given[movement])
            settings = replace(CLIP, intensity=given[effort] / 100)
            takes = write_script(
                identity, [moves], requested, settings, caption="palsy", beside=given[beside]
            )
            path = made_clip(work.folder(), moves.value)
            step = stoppable(work, progress, "making the video")
            method = _method(identity)
            title = _title(identity) if given[beside] else None
            made = make_clip(path, identity, takes, method, settings, title=title, progress=step)
            label = f"{moves.label}, with the palsy"
            text = player(path, label, BESIDE if given[beside] else "") + lines(work.notes)
            return text, gr.update(value=[str(made.path), str(made.table)], visible=True)

    changes = [side.input, grade.input, kind.input]
    gr.on(
        changes,
        _preset,
        [side, grade, kind],
        [nerve, palsy],
        trigger_mode="always_last",
        **UNQUEUED,
    )
    shared: dict[str, Any] = {
        "api_visibility": tabs.visibility,
        "concurrency_id": QUEUE,
        "scroll_to_output": True,
    }
    given = {*face.inputs, movement, side, grade, kind, palsy, effort}
    events = [
        show.click(answer, given, [result, files], api_name="simulate", **shared),
        ten.click(answer_ten, given, [overview, files], api_name="sheet", **shared),
        film.click(answer_clip, {*given, beside}, [clip, files], api_name="video", **shared),
    ]
    tabs.stops(stop, events)


def graded_palsy(side: str, grade: str, kind: str) -> Palsy:
    """The palsy of a side and grade.

    Args:
        side: the patient's weak side, ``left`` or ``right``.
        grade: grade of House and Brackmann, ``I`` to ``VI``.
        kind: one of :data:`KINDS`.

    Returns:
        The palsy.

    Raises:
        InputError: the page does not offer it.
    """
    try:
        weak, degree = Side(side), Grade(grade)
    except ValueError as error:
        raise InputError(str(error)) from None
    if KINDS.get(kind) == "central":
        return Palsy.central(weak, degree)
    return Palsy.peripheral(weak, degree, late=KINDS.get(kind) == "late")


def _preset(side: str, grade: str, kind: str) -> tuple[str, str]:
    palsy = graded_palsy(side, grade, kind)
    return diagram(palsy), to_text(palsy, (side, grade, kind))


def _requested(text: str, *preset: str) -> Palsy:
    """The palsy of the diagram; that of side, grade and kind while the diagram still shows others,
    as it does between a click on them and our answer."""
    palsy, shown = from_text(text)
    return palsy if shown == preset else graded_palsy(*preset)


def _method(identity: Identity) -> Method:
    return get_method("subjects" if isinstance(identity, Subject) else "simulator")


def _title(identity: Identity) -> str:
    return "Synthetic subject" if isinstance(identity, Subject) else "Simulated from a photo"


def _pair(
    identity: Identity, target: TargetExpression, progress: Progress
) -> tuple[Generated, Generated]:
    """The picture of a healthy face, and that with the palsy."""
    framing = PORTRAIT if isinstance(identity, Subject) else None
    wink = target.palsy.weak_side  # the healthy face winks with the same eye
    healthy = TargetExpression(target.movement, Palsy.none(), target.intensity, wink)
    made: list[Generated] = []
    for expression in (healthy, target):
        progress(len(made), 2)
        made += generate(_method(identity), [Request(identity, expression, 0, SIZE, framing)])
    return made[0], made[1]


def _compared(healthy: Path, palsied: Path, movement: Movement) -> str:
    """Both pictures in one place, with a line between them that a slider moves, as HTML."""
    return (
        "<p class=legend>Healthy on the left of the line, with the palsy on its right. Move the "
        "line with the mouse, a finger or the arrow keys.</p><div class=compare>"
        f"{picture(palsied, f'{movement.label}, with the palsy')}"
        f"{picture(healthy, f'{movement.label}, healthy')}"
        "<input type=range min=0 max=100 value=50 "
        "aria-label='Line between healthy and palsied, per cent from the left'></div>"
    )


def _findings(identity: Identity, target: TargetExpression, row: RequestedMeasured) -> str:
    """What was requested and what is measured, as HTML."""
    palsy = target.palsy
    if isinstance(identity, Subject):
        who = f"{describe(identity)}, {identity.ethnicity.replace('_', ' ')}; seed {identity.seed}"
    else:
        who = "the person of the photo"
    side = row.requested_side.value if row.requested_side else "none"
    score = "no single face found" if row.measured_score is None else str(row.measured_score)
    asymmetry = "–" if row.asymmetry is None else f"{row.asymmetry:+.1f} %"
    rows = [
        ("Weak side", side, row.side_text),
        ("Item score, 0 to 4", str(row.requested_score), score),
        ("Asymmetry, of the outer-eye distance", "–", asymmetry),
        ("House-Brackmann grade", house_brackmann(palsy).value, "–"),
        ("Yanagihara total, 0 to 40", str(yanagihara_total(palsy)), "–"),
    ]
    return table(("What", "Requested", "Measured"), rows, f"{target.movement.label}: {who}")


def _row(row: RequestedMeasured) -> tuple[str, str, str, str]:
    measured = "–" if row.measured_score is None else str(row.measured_score)
    return row.movement.label, str(row.requested_score), measured, row.side_text
