"""Reads a clip back as it is made: what capture sees in every frame."""

from __future__ import annotations

import numpy as np

from palsynth.capture.over_time import CapturedClip, capture_over_time
from palsynth.face.face import Face
from palsynth.face.framing import PORTRAIT
from palsynth.face.tracking import FaceTracker
from palsynth.generation.video.excursion import excursion

SIZE = 128
"""Side in pixels of the faces that are held in memory; landmarks are found in whole frames."""


class Readback:
    """Follows the face through the frames of a clip.

    Args:
        rest: the same face at rest, from which movements are measured.
    """

    def __init__(self, rest: Face) -> None:
        self._rest = rest
        self._tracker = FaceTracker()
        self.faces: list[Face | None] = []

    def watch(self, frame: np.ndarray) -> None:
        """Finds the face in the next frame.

        Args:
            frame: (H, W, 3) uint8 RGB.
        """
        face = self._tracker.update(frame)
        self.faces.append(None if face is None else face.aligned(PORTRAIT, SIZE))

    def captured(self, times: list[float]) -> CapturedClip:
        """Captures what was watched.

        Args:
            times: seconds of the frames.

        Returns:
            The captured frames.

        Raises:
            InputError: no frame shows a face.
        """
        return capture_over_time(self.faces, times, self._rest, "the clip that was made")

    def truth(self, times: list[float]) -> list[dict[str, dict[str, float]]]:
        """How far the sides of the face are seen to move.

        Args:
            times: seconds of the frames.

        Returns:
            For each frame its :func:`~palsynth.generation.video.excursion.excursion`; empty
            where no face is found.
        """
        if not any(face is not None for face in self.faces):
            return [{} for _ in times]
        clip = self.captured(times)
        return [{} if f.drive is None else excursion(f.drive) for f in clip.frames]
