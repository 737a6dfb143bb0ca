"""The face of the tab *Simulate*: a synthetic subject by attributes, or a photo."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import gradio as gr

from palsynth.app.sessions import Work
from palsynth.app.tabs.common import UNQUEUED, Tabs
from palsynth.appearance.model import ETHNICITIES
from palsynth.capture.at_rest import note_unless_at_rest
from palsynth.errors import InputError
from palsynth.face.detect import read_face
from palsynth.methods.base import Identity
from palsynth.subjects import Subject, sample

MAX_SEED = 999_999
"""Largest seed of a subject: those above are for evaluation."""

SUBJECT, PHOTO = "A synthetic subject", "A photo"
ANY = "any"
"""An attribute that the seed decides."""

AGES = [ANY, *map(str, range(20, 90, 10))]
GROUPS = [(ANY, ANY), *((name.replace("_", " "), name) for name in ETHNICITIES)]


class Face:
    """The part of a tab in which a face is chosen.

    Args:
        tabs: what the tabs share.
    """

    def __init__(self, tabs: Tabs) -> None:
        self.tabs = tabs
        self.source = gr.Radio([SUBJECT, PHOTO], value=SUBJECT, label="Face")
        with gr.Group() as of_subject:
            with gr.Row():
                genders = [ANY, "woman", "man"]
                self.gender = gr.Dropdown(genders, value=ANY, label="Gender", min_width=120)
                self.group = gr.Dropdown(GROUPS, value=ANY, label="Ethnicity", min_width=120)
            with gr.Row(equal_height=True):
                self.age = gr.Dropdown(AGES, value=ANY, label="Age", min_width=110)
                self.seed = gr.Number(
                    7, label="Seed", precision=0, minimum=0, maximum=MAX_SEED, min_width=110
                )
                other = gr.Button("Another face", min_width=130)
        with gr.Group(visible=False) as of_photo:
            self.photo = gr.Image(
                type="filepath",
                sources=["upload", "clipboard"],
                label="Frontal photo at rest, mouth closed",
                height=240,
                buttons=[],
            )
            self.mirrored = gr.Checkbox(label="The photo is a mirrored selfie")
        self.source.change(_shown, self.source, [of_subject, of_photo], **UNQUEUED)
        other.click(lambda: random.randint(0, MAX_SEED), outputs=self.seed, **UNQUEUED)
        self.photo.upload(self._claim, self.photo, **UNQUEUED)

    @property
    def inputs(self) -> set[Any]:
        """The components that :meth:`identity` takes the values of."""
        of_subject = {self.gender, self.group, self.age, self.seed}
        return {self.source, *of_subject, self.photo, self.mirrored}

    def identity(self, work: Work, given: Mapping[Any, Any]) -> Identity:
        """The chosen face.

        Args:
            work: the work that it is for.
            given: the value of each of :attr:`inputs`.

        Returns:
            The synthetic subject, or the face of the photo.

        Raises:
            InputError: there is no photo, it cannot be used, or there is no such subject.
        """
        if given[self.source] != PHOTO:
            parts = (self.gender, self.group, self.age, self.seed)
            return chosen_subject(*(given[part] for part in parts))
        if given[self.photo] is None:
            raise InputError("choose a photo first, or a synthetic subject")
        (path,) = work.claim(given[self.photo])
        face = read_face(path)
        note_unless_at_rest(face, "the photo")
        return face.mirrored() if given[self.mirrored] else face

    def _claim(self, photo: str | None, request: gr.Request) -> None:
        with self.tabs.answering(request) as work:
            work.claim(photo)


def _shown(source: str) -> tuple[Any, Any]:
    return gr.update(visible=source == SUBJECT), gr.update(visible=source == PHOTO)


def chosen_subject(gender: str, group: str, age: str, seed: float | None) -> Subject:
    """The synthetic subject with the chosen attributes.

    Args:
        gender: ``woman``, ``man`` or :data:`ANY`.
        group: one of :data:`palsynth.appearance.model.ETHNICITIES`, or :data:`ANY`.
        age: years, or :data:`ANY`.
        seed: a whole number, 0 to :data:`MAX_SEED`.

    Returns:
        The subject.

    Raises:
        InputError: there is no such subject.
    """
    if seed is None or not 0 <= seed <= MAX_SEED:
        raise InputError(f"seed: must be a whole number from 0 to {MAX_SEED}")
    try:
        return sample(
            int(seed),
            age=None if age == ANY else float(age),
            gender=None if gender == ANY else gender,
            ethnicity=None if group == ANY else group,
        )
    except ValueError as error:
        raise InputError(str(error)) from None
