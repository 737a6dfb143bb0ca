"""A movement in words becomes a clip: its frames, its truth and its label."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from palsynth.errors import InputError
from palsynth.face.images import text_chunks
from palsynth.folders import is_system_file
from palsynth.generation.layout import captioned, framed
from palsynth.generation.provenance import merged, provenance
from palsynth.generation.video.excursion import requested_truth
from palsynth.generation.video.formats import Codec
from palsynth.generation.video.frames import (
    clip_requests,
    face_at_rest,
    make_frames,
    portrait_request,
)
from palsynth.generation.video.keyframes import keyframed
from palsynth.generation.video.readback import Readback
from palsynth.generation.video.script import ClipSettings, Take
from palsynth.generation.video.truth import FrameTruth, truth_path, write_truth
from palsynth.generation.video.write import write_clip
from palsynth.guards import guard
from palsynth.methods.base import Identity, Method, Weightless
from palsynth.progress import Progress


@dataclass(frozen=True)
class MadeClip:
    """A clip that was written: its ``path``, the ``table`` of its truth beside it, how many
    ``frames`` it has, and its ``record``."""

    path: Path
    table: Path
    frames: int
    record: dict[str, Any]


def make_clip(
    path: Path,
    identity: Identity,
    takes: Sequence[Take],
    method: Method,
    settings: ClipSettings,
    *,
    title: str | None = None,
    codec: Codec | None = None,
    workers: int = 1,
    measured: bool = False,
    watch: Callable[[int, np.ndarray], None] | None = None,
    progress: Progress | None = None,
) -> MadeClip:
    """Makes a clip of movements, and beside it the table of its truth.

    Args:
        path: the clip, see :func:`palsynth.generation.video.write.write_clip`.
        identity: who performs: a face at rest or a synthetic subject.
        takes: the movements, see :func:`palsynth.generation.video.script.write_script`.
        method: the method that makes the frames.
        settings: how the clip is made.
        title: title above the frames, with captions below; None shows the pictures alone.
        codec: how frames are coded; default: VP9.
        workers: number of processes; the clip does not depend on it.
        measured: whether the palsied face is read back from the frames into the table.
        watch: called with the number of each frame and its palsied face.
        progress: called with the number of finished frames and their total.

    Returns:
        The clip.

    Raises:
        InputError: the method does not take what is requested, shows no face where it is to be
            measured, or a file cannot be written; nothing is written then.
    """
    palsied = [moment for take in takes for moment in take.panels[-1].moments]
    times = [moment.time for moment in palsied]
    readback = None
    if measured:
        rest = face_at_rest(method, identity, settings)
        if rest is None:
            raise InputError(
                f"method {method.name}: its picture at rest shows no single face, so nothing can "
                "be measured; leave out --measure"
            )
        readback = Readback(rest)

    def see(number: int, picture: np.ndarray) -> None:
        if readback is not None:
            readback.watch(picture)
        if watch is not None:
            watch(number, picture)

    check_places(path)
    record = clip_record(method, identity, takes, settings)
    with closing(_pictures(identity, takes, method, settings, workers)) as rows:
        frames = _shown(rows, takes, title, see, progress)
        number = write_clip(path, frames, settings.fps, text=text_chunks(record), codec=codec)
    seen = readback.truth(times) if readback else [{} for _ in times]
    asked = requested_truth([moment.drive for moment in palsied])
    names = [take.movement and take.movement.value for take in takes for _ in range(take.frames)]
    truth = [
        FrameTruth(time, {"movement": name, **wanted}, found)
        for time, name, wanted, found in zip(times, names, asked, seen, strict=True)
    ]
    table = truth_path(path)
    write_truth(table, truth)
    return MadeClip(path, table, number, record)


def clip_record(
    method: Method, identity: Identity, takes: Sequence[Take], settings: ClipSettings
) -> dict[str, Any]:
    """The record of a clip: that of its pictures, and how they follow each other.

    Args:
        method: the method that makes the frames.
        identity: who performs.
        takes: the movements.
        settings: how the clip is made.

    Returns:
        What :func:`palsynth.generation.provenance.provenance` says of each panel, merged, with
        ``clip``: frames, frames a second, settings of the motion, and the keyframes of a network.
    """
    clip = {
        "frames": sum(take.frames for take in takes),
        "fps": settings.fps,
        "motion": {k: v for k, v in asdict(settings.motion).items() if v is not None},
    }
    if not isinstance(method, Weightless):
        clip["keyframes"] = settings.keyframes
    panels = [panel for take in takes for panel in take.panels]
    requests = [portrait_request(identity, panel.shown, settings) for panel in panels]
    return merged([provenance(method, request, clip=clip) for request in requests])


def check_places(path: Path) -> None:
    """Checks, before the work, that a clip and its table replace nothing of somebody else.

    Args:
        path: the clip.

    Raises:
        InputError: the folder of frames is not empty, or there is a file in the place of the table
            that is no such table and must not be replaced.
    """
    if (
        not path.suffix
        and path.is_dir()
        and any(not is_system_file(p.name) for p in path.iterdir())
    ):
        raise InputError(f"{path}: is not empty; give a new folder")
    table, current = truth_path(path), guard()
    if current is None or current.force or not table.is_file():
        return
    with table.open("rb") as file:
        if file.read(10) != b"frame,time":
            raise InputError(
                f"{table}: is there already and would be replaced by the clip's table; give "
                "another name, or --force"
            )


def _pictures(
    identity: Identity,
    takes: Sequence[Take],
    method: Method,
    settings: ClipSettings,
    workers: int,
) -> Generator[list[np.ndarray]]:
    """The pictures of each frame, one per panel."""
    panels = range(len(takes[0].panels))
    if settings.keyframes > 1 and not isinstance(method, Weightless):
        streams = []
        for n in panels:
            moments = (moment for take in takes for moment in take.panels[n].moments)
            requests = list(clip_requests(identity, moments, settings))
            streams.append(keyframed(method, requests, settings.keyframes))
        yield from (list(row) for row in zip(*streams, strict=True))
        return
    every = (
        take.panels[n].moments[k] for take in takes for k in range(take.frames) for n in panels
    )
    pictures = make_frames(method, clip_requests(identity, every, settings), workers)
    with closing(pictures):
        while row := list(islice(pictures, len(panels))):
            yield row


def _shown(
    rows: Iterator[list[np.ndarray]],
    takes: Sequence[Take],
    title: str | None,
    see: Callable[[int, np.ndarray], None],
    progress: Progress | None,
) -> Iterator[np.ndarray]:
    """The frames as they are shown."""
    total = sum(take.frames for take in takes)
    of_frame = [take for take in takes for _ in range(take.frames)]
    for number, (take, row) in enumerate(zip(of_frame, rows, strict=True)):
        see(number, row[-1])
        if title is None:
            yield np.hstack(row)
        else:
            tiles = [
                captioned(picture, take.movement.label if take.movement else "", panel.caption)
                for picture, panel in zip(row, take.panels, strict=True)
            ]
            yield framed([tiles], title, "")
        if progress is not None:
            progress(number + 1, total)
