"""The tab *Simulate*: a face, healthy and with a palsy."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import gradio as gr

from palsynth.app.nerve_diagram import diagram, from_text, to_text
from palsynth.app.sessions import Work
from palsynth.app.tabs.common import QUEUE, UNQUEUED, Tabs, figure, lines, stoppable, table
from palsynth.appearance.model import ETHNICITIES
from palsynth.capture.at_rest import note_unless_at_rest
from palsynth.clinical import Grade, Movement, Palsy, Side, house_brackmann, yanagihara_total
from palsynth.errors import InputError
from palsynth.face.detect import read_face
from palsynth.face.framing import PORTRAIT
from palsynth.generation.measured import RequestedMeasured, requested_and_measured
from palsynth.generation.runner import Generated, generate
from palsynth.generation.sheet import sheet
from palsynth.methods.base import Identity, Method, Request, TargetExpression, get_method
from palsynth.subjects import Subject, sample
from palsynth.subjects.description import describe

SIZE = 512
"""Side of the pictures of a synthetic subject, pixels."""

SHEET_SIZE = 256
"""Side of each picture on the sheet, pixels."""

MAX_SEED = 999_999
"""Largest seed of a subject: those above are for evaluation."""

SUBJECT, PHOTO = "A synthetic subject", "A photo"
ANY = "any"
KINDS = {
    "peripheral (whole nerve)": "peripheral",
    "central (stroke)": "central",
    "late (synkinesis)": "late",
}


def build(tabs: Tabs) -> None:
    """Adds the tab to the page that is being built.

    Args:
        tabs: what the tabs share.
    """
    start = _graded("left", "V", next(iter(KINDS)))
    with gr.Tab("Simulate", id="simulate", elem_id="tab-simulate"), gr.Row():
        with gr.Column(scale=4, min_width=320):
            source = gr.Radio([SUBJECT, PHOTO], value=SUBJECT, label="Face")
            with gr.Group() as of_subject:
                with gr.Row():
                    gender = gr.Dropdown(
                        [ANY, "woman", "man"], value=ANY, label="Gender", min_width=120
                    )
                    groups = [(ANY, ANY), *((e.replace("_", " "), e) for e in ETHNICITIES)]
                    ethnicity = gr.Dropdown(groups, value=ANY, label="Ethnicity", min_width=120)
                with gr.Row(equal_height=True):
                    ages = [ANY, *map(str, range(20, 90, 10))]
                    age = gr.Dropdown(ages, value=ANY, label="Age", min_width=90)
                    seed = gr.Number(
                        7, label="Seed", precision=0, minimum=0, maximum=MAX_SEED, min_width=90
                    )
                    other = gr.Button("Another face", min_width=120)
            with gr.Group(visible=False) as of_photo:
                photo = gr.Image(
                    type="filepath",
                    sources=["upload", "clipboard"],
                    label="Frontal photo at rest, mouth closed",
                    height=240,
                    buttons=[],
                )
                mirrored = gr.Checkbox(label="The photo is a mirrored selfie")
            moves = [(m.label, m.value) for m in Movement]
            movement = gr.Dropdown(moves, value=Movement.GRIN.value, label="Movement")
            with gr.Row():
                side = gr.Radio(
                    ["left", "right"], value="left", label="Patient’s weak side", min_width=140
                )
                kind = gr.Dropdown(
                    list(KINDS), value=next(iter(KINDS)), label="Kind of palsy", min_width=140
                )
            grade = gr.Radio([g.value for g in Grade], value="V", label="House-Brackmann grade")
            hint = (
                "Or set each branch: click it to go from 100 to 0 % in steps of 25, or reach it "
                "with Tab and use the arrow keys."
            )
            gr.Markdown(hint, elem_classes="hint")
            nerve = gr.Markdown(diagram(start), sanitize_html=False, elem_classes="diagram")
            palsy = gr.Textbox(
                to_text(start), label="Palsy", visible="hidden", elem_id="palsy-values"
            )
            effort = gr.Slider(0, 120, 100, step=10, label="Effort of the movement, %")
        with gr.Column(scale=5, min_width=320):
            with gr.Row():
                show = gr.Button("Show", variant="primary", min_width=110)
                ten = gr.Button("Sheet of ten movements", min_width=180)
                stop = gr.Button("Stop", min_width=80, scale=0)
            compared = gr.ImageSlider(
                label="Healthy at the left, with the palsy at the right: move the line",
                interactive=False,
                buttons=["fullscreen"],
                max_height=560,
                elem_id="compared",
            )
            findings = gr.Markdown(sanitize_html=False, elem_id="simulated")
            shown = gr.Markdown(sanitize_html=False, elem_id="sheet-of-ten")
            files = gr.Files(label="Pictures to keep (PNG, labelled as made)", visible=False)

    handlers = _Handlers(tabs)
    source.change(
        lambda chosen: (gr.update(visible=chosen == SUBJECT), gr.update(visible=chosen == PHOTO)),
        source,
        [of_subject, of_photo],
        **UNQUEUED,
    )
    other.click(
        lambda: random.randint(0, MAX_SEED),
        outputs=seed,
        **UNQUEUED,
    )
    photo.upload(handlers.claim, photo, **UNQUEUED)
    gr.on(
        [side.input, grade.input, kind.input],
        _preset,
        [side, grade, kind],
        [nerve, palsy],
        **UNQUEUED,
    )
    face = [source, gender, ethnicity, age, seed, photo, mirrored]
    events = [
        show.click(
            handlers.show,
            [*face, movement, palsy, effort],
            [compared, findings, files],
            api_name="simulate",
            api_visibility=tabs.visibility,
            concurrency_id=QUEUE,
            scroll_to_output=True,
        ),
        ten.click(
            handlers.ten,
            [*face, palsy],
            [shown, files],
            api_name="sheet",
            api_visibility=tabs.visibility,
            concurrency_id=QUEUE,
            scroll_to_output=True,
        ),
    ]
    tabs.stops(stop, events)


def _graded(side: str, grade: str, kind: str) -> Palsy:
    """The palsy of a side and grade. Raises InputError for what the page does not offer."""
    try:
        weak, degree, named = Side(side), Grade(grade), KINDS.get(kind, "peripheral")
    except ValueError as error:
        raise InputError(str(error)) from None
    if named == "central":
        return Palsy.central(weak, degree)
    return Palsy.peripheral(weak, degree, late=named == "late")


def _preset(side: str, grade: str, kind: str) -> tuple[str, str]:
    palsy = _graded(side, grade, kind)
    return diagram(palsy), to_text(palsy)


class _Handlers:
    def __init__(self, tabs: Tabs) -> None:
        self.tabs = tabs

    def claim(self, photo: str | None, request: gr.Request) -> None:
        with self.tabs.answering(request) as work:
            work.claim(photo)

    def show(
        self,
        source: str,
        gender: str,
        ethnicity: str,
        age: str,
        seed: float | None,
        photo: str | None,
        mirrored: bool,
        movement: str,
        palsy: str,
        effort: float,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - how Gradio finds it
    ) -> tuple[Any, str, Any]:
        """Makes the picture, healthy and with the palsy."""
        with self.tabs.answering(request) as work:
            identity, method = self._identity(
                work, source, gender, ethnicity, age, seed, photo, mirrored
            )
            target = TargetExpression(Movement(movement), from_text(palsy), effort / 100)
            step = stoppable(work, progress, "making pictures")
            step(0, 2)
            healthy, palsied = self._pair(identity, method, target, step)
            row = requested_and_measured(palsied.image, target.movement, target.palsy)
            paths = _write(work.folder(), {"healthy": healthy, "palsied": palsied})
            findings = _findings(identity, target, row) + lines(work.notes)
            return tuple(map(str, paths)), findings, gr.update(value=[str(paths[1])], visible=True)

    def ten(
        self,
        source: str,
        gender: str,
        ethnicity: str,
        age: str,
        seed: float | None,
        photo: str | None,
        mirrored: bool,
        palsy: str,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> tuple[str, Any]:
        """Lays out the ten movements."""
        with self.tabs.answering(request) as work:
            identity, method = self._identity(
                work, source, gender, ethnicity, age, seed, photo, mirrored
            )
            requested = from_text(palsy)
            progress(0.1, desc="making ten pictures")
            title = (
                "Synthetic subject" if isinstance(identity, Subject) else "Simulated from a photo"
            )
            made = sheet(identity, requested, method, title=title, size=SHEET_SIZE)
            path = work.folder() / "sheet.png"
            made.write(path)
            rows = [_row(row) for row in made.rows]
            heads = ("Movement", "Requested", "Measured", "Measured weak side")
            text = figure(path, "The ten movements side by side; the table gives their scores")
            text += table(heads, rows, "Item scores, 0 to 4")
            return text, gr.update(value=[str(path)], visible=True)

    def _identity(
        self,
        work: Work,
        source: str,
        gender: str,
        ethnicity: str,
        age: str,
        seed: float | None,
        photo: str | None,
        mirrored: bool,
    ) -> tuple[Identity, Method]:
        if source != PHOTO:
            return _subject(gender, ethnicity, age, seed), get_method("subjects")
        if photo is None:
            raise InputError("choose a photo first, or a synthetic subject")
        (path,) = work.claim(photo)
        face = read_face(path)
        note_unless_at_rest(face, "the photo")
        return face.mirrored() if mirrored else face, get_method("simulator")

    def _pair(
        self, identity: Identity, method: Method, target: TargetExpression, step: Any
    ) -> tuple[Generated, Generated]:
        framing = PORTRAIT if isinstance(identity, Subject) else None
        wink = target.palsy.weak_side  # the healthy face winks with the same eye
        healthy = TargetExpression(target.movement, Palsy.none(), target.intensity, wink)
        made: list[Generated] = []
        for expression in (healthy, target):
            made += generate(method, [Request(identity, expression, 0, SIZE, framing)])
            step(len(made), 2)
        return made[0], made[1]


def _subject(gender: str, ethnicity: str, age: str, seed: float | None) -> Subject:
    """The subject with the chosen attributes. Raises InputError where there is none."""
    if seed is None or not 0 <= seed <= MAX_SEED:
        raise InputError(f"seed: must be a whole number from 0 to {MAX_SEED}")
    try:
        return sample(
            int(seed),
            age=None if age == ANY else float(age),
            gender=None if gender == ANY else gender,
            ethnicity=None if ethnicity == ANY else ethnicity,
        )
    except ValueError as error:
        raise InputError(str(error)) from None


def _write(folder: Path, pictures: dict[str, Generated]) -> list[Path]:
    paths = []
    for name, picture in pictures.items():
        paths.append(folder / f"{name}.png")
        picture.write(paths[-1])
    return paths


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
        ("Asymmetry of the outer-eye distance", "–", asymmetry),
        ("House-Brackmann grade", house_brackmann(palsy).value, "–"),
        ("Yanagihara total, 0 to 40", str(yanagihara_total(palsy)), "–"),
    ]
    text = f"{target.movement.label}: {who}"
    return table(("", "Requested", "Measured"), rows, text)


def _row(row: RequestedMeasured) -> tuple[str, str, str, str]:
    measured = "–" if row.measured_score is None else str(row.measured_score)
    return row.movement.label, str(row.requested_score), measured, row.side_text
