"""Makes the clips of a plan: the apex first, which the gate looks at, then all frames, as a stream
into the file."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import asdict, replace
from itertools import islice
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from palsynth.data.manifest import Row
from palsynth.data.writer import DatasetWriter
from palsynth.face.detect import detect_faces
from palsynth.face.face import Face
from palsynth.face.images import text_chunks
from palsynth.generation.camera import photographed, posed
from palsynth.generation.clips import PlannedClip
from palsynth.generation.plan import Plan
from palsynth.generation.provenance import provenance
from palsynth.generation.runner import Generated, generate
from palsynth.generation.variety import vary
from palsynth.generation.video.excursion import requested_truth
from palsynth.generation.video.frames import make_frames
from palsynth.generation.video.keyframes import keyframed
from palsynth.generation.video.truth import FrameTruth, write_truth
from palsynth.generation.video.write import write_clip
from palsynth.methods.base import Averages, Method, Request, Weightless
from palsynth.subjects import Subject

CHECKED = 5.0
"""Frames a second in which the gate looks for the face."""


def table_name(name: str) -> str:
    """The table of a clip's truth.

    Args:
        name: path of the clip in the set.

    Returns:
        The path of the table, beside the clip.
    """
    return str(PurePosixPath(name).with_suffix(".csv"))


def _requests(plan: Plan, planned: PlannedClip) -> Iterator[Request]:
    """The requests of a clip's frames, which share seed, light, pose, backdrop and folds."""
    variety = replace(plan.variety, effort=0.0)  # the performance has it
    first = vary(
        replace(posed(planned.request, plan.camera), expression=planned.moments[0].drive), variety
    )
    if isinstance(first.identity, Face):
        assert first.framing is not None
        cropped = first.identity.aligned(first.framing, plan.size)
        first = replace(first, identity=cropped, framing=None)
    for moment in planned.moments:
        scene = first.scene
        if isinstance(first.identity, Subject):
            scene = scene.swayed(moment.sway)
        request = replace(first, expression=moment.drive, scene=scene)
        yield vary(request, replace(variety, light=0.0))


def apex_picture(method: Method, plan: Plan, planned: PlannedClip) -> Generated:
    """Makes the apex of a clip, the frame that the gate looks at.

    Args:
        method: the method that makes the frames.
        plan: the plan.
        planned: the clip.

    Returns:
        The frame, with the record of the whole clip.

    Raises:
        InputError: the method does not take what is requested.
    """
    (request,) = islice(_requests(plan, planned), planned.apex, planned.apex + 1)
    (picture,) = generate(_sampling(method), [request])
    asked = posed(planned.request, plan.camera)
    about = {"variety": asdict(plan.variety), "camera": asdict(plan.camera)}
    record = provenance(_sampling(method), asked, **about, clip=_clip_record(method, plan, planned))
    image = photographed(picture.image, plan.camera, request.seed, planned.apex)
    return Generated(image, planned.request, record, picture.landmarks)


def _sampling(method: Method) -> Method:
    """The method as it makes pictures that vary: without averaging samples."""
    return method.sampling_once() if isinstance(method, Averages) else method


def _clip_record(method: Method, plan: Plan, planned: PlannedClip) -> dict[str, Any]:
    motion = {name: v for name, v in asdict(plan.clips.motion).items() if v is not None}
    clip = {"frames": len(planned.moments), "fps": plan.clips.fps, "motion": motion}
    return clip if isinstance(method, Weightless) else {**clip, "keyframes": plan.clips.keyframes}


class _FaceLost(Exception):
    """A frame of a clip does not show exactly one face."""


def _frames(method: Method, plan: Plan, planned: PlannedClip) -> Generator[np.ndarray]:
    """The frames of a clip, one after another, (S, S, 3) uint8 RGB each.

    Raises _FaceLost where the gate looks for faces and a frame does not show exactly one.
    """
    requests = _requests(plan, planned)
    if plan.clips.keyframes > 1 and not isinstance(method, Weightless):
        every = plan.clips.keyframes
        frames = keyframed(_sampling(method), list(requests), every, (planned.apex,))
    else:
        frames = make_frames(_sampling(method), requests)
    step = max(1, round((plan.clips.fps or 0.0) / CHECKED))
    with closing(frames):
        for number, frame in enumerate(frames):
            taken = photographed(frame, plan.camera, planned.request.seed, number)
            if plan.gate.face and number % step == 0 and len(detect_faces(taken)) != 1:
                raise _FaceLost
            yield taken


def _truth(planned: PlannedClip) -> list[FrameTruth]:
    """What the frames of a clip were to show."""
    movement, _ = planned.shown
    asked = requested_truth([moment.drive for moment in planned.moments])
    return [
        FrameTruth(moment.time, {"movement": movement and movement.value, **wanted})
        for moment, wanted in zip(planned.moments, asked, strict=True)
    ]


def write_planned_clip(
    writer: DatasetWriter, method: Method, plan: Plan, planned: PlannedClip, row: Row
) -> tuple[str, ...]:
    """Makes all frames of a clip, and writes it with the table of its truth.

    Args:
        writer: writer of the data set.
        method: the method that makes the frames.
        plan: the plan.
        planned: the clip.
        row: its row, with the record that the file carries.

    Returns:
        The faults of its frames, as the gate names them; the clip is written if there are none.

    Raises:
        InputError: the method does not take what is requested, or a file cannot be written.
    """
    fps = plan.clips.fps
    assert fps is not None
    text, truth = text_chunks(row.provenance), _truth(planned)
    frames = _frames(method, plan, planned)
    table = table_name(row.file_name)
    try:
        with closing(frames):
            writer.add_file(row, lambda path: write_clip(path, frames, fps, text=text))
    except _FaceLost:
        return ("no-face",)
    writer.add_beside(table, lambda path: write_truth(path, truth))
    return ()
