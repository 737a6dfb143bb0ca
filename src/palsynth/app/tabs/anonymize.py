"""The tab *Anonymize*: a patient's expressions on a synthetic subject, and the verdict on it."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import gradio as gr

from palsynth.app.sessions import Work
from palsynth.app.tabs.common import QUEUE, Tabs, figure, lines, stoppable
from palsynth.app.tabs.face import AGES, ANY, GROUPS, MAX_SEED
from palsynth.app.tabs.patient import PatientPictures
from palsynth.clinical import Movement
from palsynth.errors import InputError
from palsynth.generation.anonymize import (
    Anonymization,
    RequestSettings,
    anonymize,
    candidates_for,
)
from palsynth.generation.anonymized_files import named, write_folder, write_one
from palsynth.generation.patient import Patient
from palsynth.methods.base import get_method
from palsynth.subjects.description import SKINS, Description

SIZE = 512
"""Side of a picture, pixels."""


def build(tabs: Tabs) -> None:
    """Adds the tab to the page that is being built.

    Args:
        tabs: what the tabs share.
    """
    with gr.Tab("Anonymize", id="anonymize", elem_id="tab-anonymize"), gr.Row():
        with gr.Column(scale=4, min_width=320):
            chosen = PatientPictures(tabs)
            gr.Markdown("The synthetic subject who shows the movements:", elem_classes="hint")
            with gr.Row():
                gender = gr.Dropdown([ANY, "woman", "man"], value=ANY, label="Gender")
                age = gr.Dropdown(AGES, value=ANY, label="Age")
            with gr.Row():
                skin = gr.Dropdown([ANY, *SKINS], value=ANY, label="Skin tone")
                group = gr.Dropdown(GROUPS, value=ANY, label="Ethnicity")
            seed = gr.Number(0, label="Seed", precision=0, minimum=0, maximum=MAX_SEED)
        with gr.Column(scale=5, min_width=320):
            with gr.Row():
                start = gr.Button("Anonymize", variant="primary", min_width=110)
                stop = gr.Button("Stop", min_width=80, scale=0)
            result = gr.Markdown(sanitize_html=False, elem_id="anonymized")
            everything = gr.DownloadButton("Download all (zip)", visible=False)

    def answer(
        given: dict[Any, Any],
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - how Gradio finds it
    ) -> tuple[str, Any]:
        with tabs.answering(request) as work:
            number = _checked(given[seed])
            patient = chosen.read(work, given)
            description = _description(*(given[part] for part in (gender, age, skin, group)))
            candidates = candidates_for(description, number)
            step = stoppable(work, progress, "anonymizing")
            method = get_method("captured")
            made = anonymize(patient, candidates, method, RequestSettings(SIZE), step)
            text, archive = _written(tabs, work, patient, made)
            return text, gr.update(value=str(archive), visible=True)

    event = start.click(
        answer,
        {gender, age, skin, group, seed, *chosen.inputs},
        [result, everything],
        api_name="anonymize",
        api_visibility=tabs.visibility,
        concurrency_id=QUEUE,
        scroll_to_output=True,
    )
    tabs.stops(stop, [event])


def _checked(seed: float | None) -> int:
    """The seed. Raises InputError where it is none."""
    if seed is None or not 0 <= seed <= MAX_SEED:
        raise InputError(f"seed: must be a whole number from 0 to {MAX_SEED}")
    return int(seed)


def _description(gender: str, age: str, skin: str, group: str) -> Description:
    words = [
        *([] if group == ANY else [group.replace("_", " ")]),
        "person" if gender == ANY else gender,
        *([] if age == ANY else [f"of about {age}"]),
        *([] if skin == ANY else [f"with {skin} skin"]),
    ]
    return Description(
        " ".join(words),
        None if gender == ANY else gender,
        None if age == ANY else float(age),
        None if group == ANY else group,
        None if skin == ANY else skin,
    )


def _written(tabs: Tabs, work: Work, patient: Patient, made: Anonymization) -> tuple[str, Path]:
    """Writes the pictures; the verdict as HTML, and the archive of all."""
    folder = work.folder() / "anonymized"
    folder.mkdir()
    if len(patient.pictures) == 1:
        report = write_one(folder / f"{patient.pictures[0].name}.png", made)[1:]
    else:
        report = write_folder(folder, patient, made)[2:]  # after the paths
    report = [tabs.plain(line) for line in [*report, *work.notes]]
    (folder / "report.txt").write_text("\n".join(report) + "\n", "utf-8")
    archive = work.folder() / "anonymized.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as packed:
        for path in sorted(folder.iterdir()):
            packed.write(path, path.name)
    figures = []
    for picture in made.pictures:
        movement = picture.picture.movement
        name = "The picture" if movement is None else Movement(movement).label
        path = named(folder / f"{picture.picture.name}.png", picture.verdict.faults)
        caption = f"{name}: {'; '.join(picture.verdict.faults) or 'no fault found'}"
        figures.append(figure(path, f"{name}, shown by the synthetic subject", caption))
    return (
        lines([_verdict(made)], "bad" if made.faults else "good")
        + f"<div class=grid>{''.join(figures)}</div>"
        + lines(report)
    ), archive


def _verdict(made: Anonymization) -> str:
    """The verdict in one line."""
    total = len(made.pictures)
    recognised = sum(picture.verdict.recognised for picture in made.pictures)
    kept = sum(picture.verdict.expression_preserved for picture in made.pictures)
    who = (
        f"The patient IS RECOGNISED in {recognised} of {total}: do not show these pictures"
        if recognised
        else f"The patient is not recognised in any of {total}"
    )
    return f"{who}; side and movement are the patient’s in {kept} of {total}."
