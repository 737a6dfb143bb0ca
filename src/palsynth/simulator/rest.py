"""A face at rest, decomposed into layers, and the result of animating it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from palsynth.appearance.eyes import Eyeball
from palsynth.clinical import Side
from palsynth.simulator.surface import Pose


@dataclass(frozen=True)
class Rest:
    """A face at rest, ready to be animated."""

    picture: np.ndarray
    """Image (H, W, 3) uint8 RGB that the face is rendered onto."""

    skin: np.ndarray
    """Image (h, w, 3) that skin is sampled from; for a photo, the photo itself."""

    skin_points: np.ndarray
    """Vertices (V, 2) in ``skin``, pixels."""

    points: np.ndarray
    """Vertices (V, 3) in ``picture``, pixels."""

    pose: Pose
    """Pose of the face in ``picture``."""

    eyes: dict[Side, Eyeball]
    """The eyeball behind the lids of each side."""

    tooth: np.ndarray
    """Colour (3,) of a lit tooth, RGB 0 … 255."""

    is_synthetic: bool = False
    """Whether the face is fully rendered because ``picture`` shows only the background."""


@dataclass(frozen=True)
class Moved:
    """An animated face."""

    image: np.ndarray
    """Image (H, W, 3) uint8 RGB."""

    points: np.ndarray
    """Moved vertices (V, 3), pixels."""

    support: np.ndarray
    """Mask (H, W) bool beyond which no pixel was changed."""
