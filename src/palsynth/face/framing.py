"""Framings: position and scale of a face in a picture, relative to the size of the picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Framing:
    """Position and scale of a horizontally centred face in a square picture.

    Attributes:
        name: name of the framing.
        outer_eyes: outer-eye distance, as a fraction of the side of the picture.
        eye_line: distance of the eyes from the top, as a fraction of the side of the picture.
    """

    name: str
    outer_eyes: float
    eye_line: float

    def scale(self, size: int) -> float:
        """Outer-eye distance in a picture, pixels.

        Args:
            size: side of the picture, pixels.

        Returns:
            Pixels per outer-eye distance.
        """
        return self.outer_eyes * size

    def origin(self, size: int) -> np.ndarray:
        """Point midway between the outer eye corners.

        Args:
            size: side of the picture, pixels.

        Returns:
            (2,) float64, x and y in pixels, counted from the centre of the first pixel.
        """
        return np.array([0.5 * size - 0.5, self.eye_line * size - 0.5])


ID_PHOTO = Framing("id-photo", 0.30, 0.42)
"""Head and collar, as in an ID photo."""

PORTRAIT = Framing("portrait", 0.40, 0.42)
"""The face alone, as in sheets."""

RECOGNISER = Framing("recogniser", 0.44, 0.461)
"""As tight as the crops of face recognisers at 112 px (ArcFace's five-point template)."""

FRAMINGS = {f.name: f for f in (ID_PHOTO, PORTRAIT, RECOGNISER)}
