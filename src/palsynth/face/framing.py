"""Framings: where a face lies in a picture, whatever the picture's size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Framing:
    """``outer_eyes`` outer-eye distance and ``eye_line`` height of the eyes from the top,
    both as shares of the picture's side; the face is centred."""

    name: str
    outer_eyes: float
    eye_line: float

    def scale(self, size: int) -> float:
        """Pixels per canonical unit in a picture of ``size`` pixels."""
        return self.outer_eyes * size

    def origin(self, size: int) -> np.ndarray:
        """Pixel (2,) of the point between the outer eye corners."""
        return np.array([0.5 * size - 0.5, self.eye_line * size - 0.5])


ID_PHOTO = Framing("id-photo", 0.30, 0.42)
"""Head and collar, as an ID photo shows them."""

PORTRAIT = Framing("portrait", 0.40, 0.42)
"""The face alone, as sheets show it."""

RECOGNISER = Framing("recogniser", 0.44, 0.461)
"""As tight as face recognisers crop at 112 px (ArcFace's five-point template)."""

FRAMINGS = {f.name: f for f in (ID_PHOTO, PORTRAIT, RECOGNISER)}
