"""The tab *Anonymize*: a patient's expressions on a synthetic subject, and the verdict on it."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from palsynth.app.clips import made_clip
from palsynth.app.sessions import Work
from palsynth.app.tabs.common import QUEUE, UNQUEUED, Tabs, figure, lines, player, stoppable
from palsynth.app.tabs.face import AGES, ANY, GROUPS, MAX_SEED
from palsynth.app.tabs.patient import PatientPictures
from palsynth.app.tabs.patient_clip import PatientClipChoice
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
from palsynth.generation.video.script import ClipSettings
from palsynth.generation.video.transferred import TransferredClip, transfer_clip
from palsynth.methods.registry import get_method
from palsynth.subjects.description import SKINS, Description

SIZE = 512
"""Side of a picture, pixels."""

CLIP_SIZE = 384
"""Side of a clip, pixels."""

PHOTOS, CLIP = "Photos", "A clip"


def build(tabs: Tabs) -> None:
    """Adds the tab to the page that is being built.

    Args:
        tabs: what the tabs share.
    """
    with gr.Tab("Anonymize", id="anonymize", elem_id="tab-anonymize"), gr.Row():
        with gr.Column(scale=4, min_width=320):
            source = gr.Radio([PHOTOS, CLIP], value=PHOTOS, label="The patient is seen in")
            with gr.Column() as of_photos:
                chosen = PatientPictures(tabs)
            with gr.Column(visible=False) as of_clip:
                filmed = PatientClipChoice(tabs)
            source.change(_shown, source, [of_photos, of_clip], **UNQUEUED)
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
            description = _description(*(given[part] for part in (gender, age, skin, group)))
            candidates = candidates_for(description, number)
            step = stoppable(work, progress, "anonymizing")
            method = get_method("captured")
            if given[source] == CLIP:
                clip = filmed.read(work, given, progress)
                settings = ClipSettings(CLIP_SIZE, clip.fps, seed=number)
                path = made_clip(_results(work), "anonymized")
                shown = filmed.shown(given)
                moved = transfer_clip(
                    path, clip, candidates, method, settings, movement=shown, progress=step
                )
                text, archive = _written_clip(tabs, work, moved)
                return text, gr.update(value=str(archive), visible=True)
            patient = chosen.read(work, given)
            made = anonymize(patient, candidates, method, RequestSettings(SIZE), step)
            text, archive = _written(tabs, work, patient, made)
            return text, gr.update(value=str(archive), visible=True)

    event = start.click(
        answer,
        {source, gender, age, skin, group, seed, *chosen.inputs, *filmed.inputs},
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
    folder = _results(work)
    if len(patient.pictures) == 1:
        report = write_one(folder / f"{patient.pictures[0].name}.png", made)[1:]
    else:
        report = write_folder(folder, patient, made)[2:]  # after the paths
    report, archive = _packed(tabs, work, folder, report)
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


def _written_clip(tabs: Tabs, work: Work, moved: TransferredClip) -> tuple[str, Path]:
    """The clip and its verdict as HTML, and the archive of all."""
    path, verdict = moved.made.path, moved.verdict
    report, archive = _packed(tabs, work, path.parent, moved.lines)
    seen, preserved = len(verdict.distances), verdict.apex.expression_preserved
    who = (
        f"The patient IS RECOGNISED in {verdict.recognised} of {seen} frames looked at: do not "
        "show this clip"
        if verdict.recognised or verdict.apex.recognised
        else f"The patient is not recognised in any of {seen} frames looked at"
    )
    kept = "are" if preserved else "ARE NOT"
    said = f"{who}; at the apex side and movement {kept} the patient’s."
    return (
        lines([said], "bad" if verdict.faults else "good")
        + player(path, "The patient’s movement, shown by the synthetic subject")
        + lines(report)
    ), archive


def _results(work: Work) -> Path:
    """A new folder of what is packed."""
    folder = work.folder() / "anonymized"
    folder.mkdir()
    return folder


def _packed(tabs: Tabs, work: Work, folder: Path, found: Sequence[str]) -> tuple[list[str], Path]:
    """Adds the report to a folder; its lines, and the archive of all."""
    report = [tabs.plain(line) for line in [*found, *work.notes]]
    (folder / "report.txt").write_text("\n".join(report) + "\n", "utf-8")
    archive = work.folder() / "anonymized.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as packed:
        for path in sorted(folder.iterdir()):
            packed.write(path, path.name)
    return report, archive


def _shown(source: str) -> tuple[Any, Any]:
    return gr.update(visible=source == PHOTOS), gr.update(visible=source == CLIP)


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
