"""A face at rest, taken apart and ready to be moved; and the face moved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from palsynth.appearance.eyes import Eyeball
from palsynth.clinical import Side
from palsynth.simulator.surface import Pose


@dataclass(frozen=True)
class Rest:
    """A face at rest, ready to be moved.

    ``picture`` (H, W, 3) uint8 RGB is what is drawn on; ``skin`` (h, w, 3) is where skin is
    read from, vertex v at ``skin_points[v]`` (for a photo, the picture itself); ``points``
    (V, 3) the vertices in the picture; ``eyes`` what lies behind the lids; ``tooth`` (3,)
    RGB of a lit tooth. ``drawn`` says that ``picture`` shows no face yet, so all of the
    skin within the face's outline is drawn.
    """

    picture: np.ndarray
    skin: np.ndarray
    skin_points: np.ndarray
    points: np.ndarray
    pose: Pose
    eyes: dict[Side, Eyeball]
    tooth: np.ndarray
    drawn: bool = False


@dataclass(frozen=True)
class Moved:
    """The result: ``image`` (H, W, 3) uint8, ``points`` (V, 3) where the vertices went,
    ``support`` (H, W) bool, outside of which no pixel was changed."""

    image: np.ndarray
    points: np.ndarray
    support: np.ndarray
