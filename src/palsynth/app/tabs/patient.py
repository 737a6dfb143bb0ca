"""The pictures of a patient in movements, as a visitor chooses them in two tabs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from palsynth.app.clips import ENDINGS
from palsynth.app.sessions import Work
from palsynth.app.tabs.common import UNQUEUED, Tabs, figure, lines
from palsynth.app.uploads import REFUSED
from palsynth.clinical import YANAGIHARA, Movement
from palsynth.errors import InputError
from palsynth.generation.patient import Patient, movement_in_name, read_pictures

MOST = 16
"""Most pictures: the ten movements, and some twice."""

UNKNOWN = "unknown"

_HINT = (
    "Frontal photos of **one** patient at rest and in movement. Files named by movement "
    "(rest.jpg, grin.jpg) find their place; choose the movement of the others below."
)


class PatientPictures:
    """The part of a tab in which pictures are chosen, and named by movement.

    Args:
        tabs: what the tabs share.
    """

    def __init__(self, tabs: Tabs) -> None:
        self.tabs = tabs
        gr.Markdown(_HINT, elem_classes="hint")
        self.files = gr.Files(
            label="Photos", file_types=["image"], height=150, elem_classes="photos"
        )
        with gr.Row():
            more = gr.UploadButton(
                "Add photos", file_count="multiple", file_types=["image"], size="md", min_width=120
            )
            folder = gr.UploadButton(
                "Add a folder", file_count="directory", size="md", min_width=120
            )
        self.said = gr.Markdown(sanitize_html=False)
        self.movements: list[gr.Dropdown] = []
        self._places: list[gr.Column] = []
        self._thumbs: list[gr.Markdown] = []
        choices = [("not known", UNKNOWN), *((m.label, m.value) for m in Movement)]
        with gr.Row(elem_classes="thumbs"):
            for k in range(MOST):
                with gr.Column(visible=False, min_width=140, elem_classes="thumb") as place:
                    self._thumbs.append(gr.Markdown(sanitize_html=False))
                    self.movements.append(
                        gr.Dropdown(choices, value=UNKNOWN, label=f"Photo {k + 1} shows")
                    )
                self._places.append(place)
        shown = [self.said, *self._places, *self._thumbs, *self.movements]
        self.files.change(self._show, self.files, shown, **UNQUEUED)
        for button in (more, folder):
            button.upload(_added, [self.files, button], self.files, **UNQUEUED)

    @property
    def inputs(self) -> list[Any]:
        """The components that :meth:`read` takes the values of."""
        return [self.files, *self.movements]

    def read(self, work: Work, given: Mapping[Any, Any]) -> Patient:
        """Reads the chosen pictures.

        Args:
            work: the work that they are for.
            given: the value of each of :attr:`inputs`.

        Returns:
            The patient.

        Raises:
            InputError: there is no picture, one cannot be used, or the movement of one of several
                is not known.
        """
        used, left_out = _sorted(given[self.files])
        movements = [given[movement] for movement in self.movements]
        if not used:
            raise InputError("choose the patient's photos first")
        chosen = [None if m == UNKNOWN else Movement(m) for m in movements[: len(used)]]
        if len(used) > 1 and None in chosen:
            raise InputError(f"choose the movement of photo {chosen.index(None) + 1}")
        claimed = work.claim(*map(str, used))
        return read_pictures(list(zip(chosen, claimed, strict=True)), left_out)

    def _show(self, paths: list[str] | None, request: gr.Request) -> list[Any]:
        with self.tabs.answering(request) as work:
            used, left_out = _sorted(paths)
            work.claim(*map(str, used))
            found = [movement_in_name(path.stem) for path in used]
            missing = [m.label for m in YANAGIHARA if m not in found]
            said = [f"left out: {line}" for line in left_out]
            if len(used) > 1 and missing:
                said.append(f"not given: {', '.join(missing)}")
            rest: list[Any] = [None] * (MOST - len(used))
            return [
                lines(said),
                *(gr.update(visible=k < len(used)) for k in range(MOST)),
                *(figure(p, f"Photo {k + 1}: {p.stem}") for k, p in enumerate(used)),
                *rest,
                *(UNKNOWN if m is None else m.value for m in found),
                *(UNKNOWN for _ in rest),
            ]


def _added(paths: list[str] | None, new: list[str] | None) -> list[str]:
    return [*(paths or []), *(new or [])]


def _sorted(paths: Sequence[str] | None) -> tuple[list[Path], list[str]]:
    """The pictures that can be used, and one line per file that is left out."""
    used, left_out = [], []
    for path in map(Path, paths or ()):
        if path.name.endswith(REFUSED):
            left_out.append(path.read_text("utf-8") if path.is_file() else path.stem)
        elif path.suffix in ENDINGS:
            left_out.append(f"{path.stem}: is a clip, not a photo")
        else:
            used.append(path)
    left_out += [f"{p.stem}: more than {MOST} photos" for p in used[MOST:]]
    return used[:MOST], left_out
