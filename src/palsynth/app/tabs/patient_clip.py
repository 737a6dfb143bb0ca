"""The clip of a patient in a movement, as a visitor chooses it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gradio as gr

from palsynth.app import clips
from palsynth.app.sessions import Work
from palsynth.app.tabs.common import UNQUEUED, Tabs, stoppable
from palsynth.app.tabs.patient import UNKNOWN
from palsynth.clinical import Movement
from palsynth.data.clips import announced_seconds
from palsynth.errors import InputError
from palsynth.generation.video.patient_clip import PatientClip, read_patient_clip

_HINT = (
    "A clip of **one** patient from the front, from rest into a movement and back: MP4, MOV or "
    f"WebM, {clips.SECONDS:.0f} s and {clips.FILE_BYTES >> 20} MB at most. Its sound is not used."
)


class PatientClipChoice:
    """The part of a tab in which a clip is chosen.

    Args:
        tabs: what the tabs share.
    """

    def __init__(self, tabs: Tabs) -> None:
        self.tabs = tabs
        gr.Markdown(_HINT, elem_classes="hint")
        self.file = gr.File(
            label="Clip",
            file_types=list(clips.ENDINGS),
            height=150,
            elem_classes="photos",
        )
        choices = [("not known", UNKNOWN), *((m.label, m.value) for m in Movement)]
        self.movement = gr.Dropdown(choices, value=UNKNOWN, label="The clip shows")
        self.file.upload(self._claim, self.file, **UNQUEUED)

    @property
    def inputs(self) -> list[Any]:
        """The components that :meth:`read` and :meth:`shown` take the values of."""
        return [self.file, self.movement]

    def read(self, work: Work, given: Mapping[Any, Any], progress: gr.Progress) -> PatientClip:
        """Reads the chosen clip.

        Args:
            work: the work that it is for.
            given: the value of each of :attr:`inputs`.
            progress: the bar, which is moved.

        Returns:
            The clip with the expression in every frame that is read.

        Raises:
            InputError: there is no clip, it is too long, or it cannot be captured.
        """
        if given[self.file] is None:
            raise InputError("choose the patient's clip first")
        (path,) = work.claim(given[self.file])
        if path.suffix not in clips.ENDINGS:
            raise InputError("choose a clip in MP4, MOV or WebM; photos have a place of their own")
        return _read(path, work, progress)

    def shown(self, given: Mapping[Any, Any]) -> Movement | None:
        """The movement that the patient performs.

        Args:
            given: the value of each of :attr:`inputs`.

        Returns:
            The movement; None if it is not known.
        """
        movement = given[self.movement]
        return None if movement == UNKNOWN else Movement(movement)

    def _claim(self, file: str | None, request: gr.Request) -> None:
        with self.tabs.answering(request) as work:
            work.claim(file)


def _read(path: Path, work: Work, progress: gr.Progress) -> PatientClip:
    seconds = announced_seconds(path)[0] or clips.SECONDS
    step = stoppable(work, progress, "capturing the clip")

    def moved(time: float) -> None:
        step(min(round(100 * time / seconds), 100), 100)

    return read_patient_clip(path, fps=clips.RATE, longest=clips.SECONDS, progress=moved)
