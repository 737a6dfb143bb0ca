"""The clips of a plan: every requested movement is performed over time, in place of one picture.

What a picture of a plan shows is the apex of the clip of the same number: the gate looks at that
frame, and the row has what was measured in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path, PurePosixPath

import numpy as np

from palsynth.data.clips import read_clip
from palsynth.data.manifest import Row
from palsynth.data.writer import CLIP
from palsynth.face.images import read_image
from palsynth.generation.identities import PlannedIdentity
from palsynth.generation.pictures import Group, RequestedPictures
from palsynth.generation.plan import Plan
from palsynth.generation.runner import Planned
from palsynth.generation.variety import MAX_EFFORT, varied_effort
from palsynth.generation.video.excursion import amount_of
from palsynth.methods.base import Request, TargetExpression
from palsynth.simulator.drive import BELL
from palsynth.simulator.motion import Moment, MotionSettings, performance
from palsynth.subjects import Subject

CHECKED = 5.0
"""Frames a second in which the gate looks for the face."""

APEX = "clip_apex"
"""Column with the number of the apex frame."""


@dataclass(frozen=True)
class PlannedClip(Planned):
    """A clip of a data set that is to be made; its ``request`` is that of the apex.

    Attributes:
        moments: what happens, one per frame.
        apex: number of the frame with the largest movement.
    """

    moments: tuple[Moment, ...] = ()
    apex: int = 0


@dataclass(frozen=True)
class RequestedClips:
    """The clips of a plan: those of its pictures, each by itself.

    Attributes:
        pictures: the pictures of the plan.
    """

    pictures: RequestedPictures

    @property
    def identities(self) -> Sequence[PlannedIdentity]:
        """Who is shown."""
        return self.pictures.identities

    def groups(self) -> list[Group]:
        """All clips, each a group of its own: it is work enough for a process."""
        return [
            Group(group.identity, (number,))
            for group in self.pictures.groups()
            for number in group.numbers
        ]

    def planned(self, identity: int, number: int, attempt: int = 0) -> PlannedClip:
        """Plans one clip.

        Args:
            identity: index of the identity that it shows.
            number: number of the clip.
            attempt: how often it has been made before and did not pass the gate.

        Returns:
            The request of its apex, and what happens in its frames.
        """
        picture = self.pictures.planned(identity, number, attempt)
        moments, apex = _performed(self.pictures.plan, picture.request)
        clips = self.pictures.plan.clips
        columns = {"clip_frames": len(moments), "clip_fps": clips.fps, APEX: apex}
        return PlannedClip(
            self.name(identity, number),
            picture.subject_id,
            picture.request,
            split=picture.split,
            attributes=picture.attributes | columns,
            moments=moments,
            apex=apex,
        )

    def inputs(self) -> dict[str, Path]:
        """The photographs."""
        return self.pictures.inputs()

    def name(self, identity: int, number: int) -> str:
        """The path of a clip in the set.

        Args:
            identity: index of the identity that it shows.
            number: number of the clip.

        Returns:
            The path, with forward slashes.
        """
        return str(PurePosixPath(self.pictures.name(identity, number)).with_suffix(CLIP))


def _performed(plan: Plan, request: Request) -> tuple[tuple[Moment, ...], int]:
    """What happens in a clip, and the number of its apex, in which no blink is under way."""
    target = request.expression
    assert isinstance(target, TargetExpression)
    assert plan.clips.fps is not None
    effort = target.intensity * varied_effort(request.seed, plan.variety)

    def performed(motion: MotionSettings) -> list[Moment]:
        return performance(
            target.movement,
            target.palsy,
            seconds=plan.clips.seconds,
            fps=plan.clips.fps or 0.0,
            seed=request.seed,
            intensity=min(MAX_EFFORT, effort),
            settings=motion,
            bell=request.identity.bell if isinstance(request.identity, Subject) else BELL,
            wink=target.wink,
        )

    moments = performed(plan.clips.motion)
    unblinking = performed(replace(plan.clips.motion, blinks=0.0))
    amounts = [
        amount_of(moment.drive) if moment.drive == still.drive else -1.0
        for moment, still in zip(moments, unblinking, strict=True)
    ]
    return tuple(moments), int(np.argmax(amounts))


def shown_picture(folder: Path, row: Row) -> np.ndarray:
    """The picture of a row, or the apex of its clip.

    Args:
        folder: the data set.
        row: the row.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        InputError: the file cannot be read.
    """
    path = folder / row.file_name
    if APEX not in row.attributes:
        return read_image(path)
    apex = int(row.attributes[APEX])
    (frame,) = (image for _, image in islice(read_clip(path), apex, apex + 1))
    return frame
