"""The tab *Measure*: how far each side moves, the items, and what is not sure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from palsynth.app.arrows import draw_arrows
from palsynth.app.sessions import Work
from palsynth.app.tabs.common import QUEUE, Tabs, figure, lines, stoppable, table
from palsynth.app.tabs.patient import PatientPictures
from palsynth.capture.measuring import PictureMeasures, measure_picture
from palsynth.clinical import YANAGIHARA, Movement, yanagihara_band
from palsynth.face.images import SHOWS_INPUT, write_png
from palsynth.generation.patient import Patient, PatientPicture

LEGEND = (
    "Arrows show twice the movement from rest: blue on the patient’s left, orange on the right. "
    "Where nothing clearly moves there is no arrow."
)
NO_REST = "Without a photo at rest, an asymmetric face may be mistaken for a palsy."
CARE = "Estimates for research and teaching, not a diagnosis."


def build(tabs: Tabs) -> None:
    """Adds the tab to the page that is being built.

    Args:
        tabs: what the tabs share.
    """
    with gr.Tab("Measure", id="measure", elem_id="tab-measure"), gr.Row():
        with gr.Column(scale=4, min_width=320):
            chosen = PatientPictures(tabs)
            mirrored = gr.Checkbox(label="The photos are mirrored selfies")
        with gr.Column(scale=5, min_width=320):
            with gr.Row():
                start = gr.Button("Measure", variant="primary", min_width=110)
                stop = gr.Button("Stop", min_width=80, scale=0)
            result = gr.Markdown(sanitize_html=False, elem_id="measured")

    def answer(
        given: dict[Any, Any],
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - how Gradio finds it
    ) -> str:
        with tabs.answering(request) as work:
            step = stoppable(work, progress, "measuring")
            patient = chosen.read(work, given)
            measured = []
            for k, picture in enumerate(patient.pictures):
                step(k, len(patient.pictures))
                measured.append(_measured(patient, picture, given[mirrored]))
            return _report(tabs, work, patient, measured)

    event = start.click(
        answer,
        {mirrored, *chosen.inputs},
        result,
        api_name="measure",
        api_visibility=tabs.visibility,
        concurrency_id=QUEUE,
        scroll_to_output=True,
    )
    tabs.stops(stop, [event])


Measured = tuple[PatientPicture, PictureMeasures, Any]
"""A picture, what is measured in it, and the picture with arrows."""


def _measured(patient: Patient, picture: PatientPicture, mirrored: bool) -> Measured:
    face, rest = picture.face, patient.expression(picture).rest
    if mirrored:
        face, rest = face.mirrored(), None if rest is None else rest.mirrored()
    found = measure_picture(face, rest, picture.movement)
    return picture, found, draw_arrows(face, found.coefficients)


def _report(tabs: Tabs, work: Work, patient: Patient, measured: list[Measured]) -> str:
    """The results as HTML."""
    folder = work.folder()
    figures, rows, unsure = [], [], []
    for picture, found, image in measured:
        name = _name(picture)
        path = folder / f"{picture.name}.png"
        write_png(path, image, **SHOWS_INPUT)
        figures.append(_figure(path, name, found))
        rows.append(_row(name, found))
        if found.reading.weak_side is None:
            unsure.append(f"{name}: {found.reading.reason}")
        unsure += [f"{name}: synkinesis: {line}" for line in found.reading.synkinesis]
    heads = ("Movement", "Item", "Weaker", "Brow up", "Lids shut", "Mouth up")
    notes = [*work.notes, *(f"left out: {line}" for line in patient.left_out)]
    notes += [NO_REST] if patient.rest is None else []
    caption = "Item 0 to 4; left | right: lids shut; brow, mouth up in % of the outer-eye distance"
    return (
        table(heads, rows, caption)
        + lines([*_total(measured), CARE], "good")
        + lines([tabs.plain(line) for line in [*unsure, *notes]])
        + f"<p class=legend>{LEGEND}</p><div class='grid large'>{''.join(figures)}</div>"
    )


def _name(picture: PatientPicture) -> str:
    if picture.movement is None:
        return "Movement not known"
    number = picture.name.removeprefix(picture.movement.value).strip("-")
    return f"{picture.movement.label} {number}".strip()


def _weak(found: PictureMeasures) -> str:
    side = found.reading.weak_side
    if side is not None:
        return side.value
    return "neither" if found.reading.reason == "both sides look alike" else "not sure"


def _figure(path: Path, name: str, found: PictureMeasures) -> str:
    mouth, brow = found.reading.regions["mouth"], found.reading.regions["brow"]
    alt = (
        f"{name}: brow up {brow.left:.1f} % left, {brow.right:.1f} % right; "
        f"mouth up {mouth.left:.1f} % left, {mouth.right:.1f} % right"
    )
    return figure(path, alt, f"{name}; weaker: {_weak(found)}")


def _row(name: str, found: PictureMeasures) -> tuple[str, ...]:
    regions = found.reading.regions
    item = "–" if found.estimate is None else str(found.estimate.score)
    brow, eyes, mouth = regions["brow"], regions["eyes"], regions["mouth"]
    return (
        name,
        item,
        _weak(found),
        f"{brow.left:+.1f} | {brow.right:+.1f}",
        f"{round(eyes.left)} | {round(eyes.right)} %",
        f"{mouth.left:+.1f} | {mouth.right:+.1f}",
    )


def _total(measured: list[Measured]) -> list[str]:
    """The Yanagihara total, if all ten items are there: of the first picture of each movement."""
    first: dict[Movement, int] = {}
    for picture, found, _ in measured:
        if picture.movement is not None and found.estimate is not None:
            first.setdefault(picture.movement, found.estimate.score)
    if missing := [m.label for m in YANAGIHARA if m not in first]:
        return [f"No total: {len(missing)} of the ten movements are not given."]
    total = sum(first[m] for m in YANAGIHARA)
    return [f"Estimated Yanagihara total: {total} of 40 ({yanagihara_band(total)})."]
