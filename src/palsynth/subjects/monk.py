"""Skin tone by the Monk scale, so that sets can be balanced by it.

Ten tones (Monk 2019; published with the Google skin tone research, 2022, CC BY 4.0). The tone of a
face is the swatch nearest in CIE L*a*b* to the median colour of its cheeks and nose without
lighting; in a lit picture it may appear one tone lighter or darker.
"""

from __future__ import annotations

import cv2
import numpy as np

_SWATCHES = np.array(
    [
        (0xF6, 0xED, 0xE4), (0xF3, 0xE7, 0xDB), (0xF7, 0xEA, 0xD0), (0xEA, 0xDA, 0xBA),
        (0xD7, 0xBD, 0x96), (0xA0, 0x7E, 0x56), (0x82, 0x5C, 0x43), (0x60, 0x41, 0x34),
        (0x3A, 0x31, 0x2A), (0x29, 0x24, 0x20),
    ],
    np.float32,
)  # fmt: skip

MONK = tuple(range(1, len(_SWATCHES) + 1))
"""The scale's tones, lightest first."""


SEEN = (5, 8)
"""Lightest and darkest tone of the appearance model's subjects: it was fitted to photographs taken
in studio light, in which skin is darker than the scale's swatches."""


def monk_tone(skin: np.ndarray) -> int:
    """The tone of skin on the Monk scale.

    Args:
        skin: (..., 3) RGB, 0 to 255.

    Returns:
        The tone, 1 to 10.

    Example:
        >>> monk_tone(np.array([246, 237, 228]))
        1
    """
    colour = np.median(np.asarray(skin, np.float32).reshape(-1, 3), axis=0)
    distance = np.linalg.norm(_lab(_SWATCHES) - _lab(colour[None]), axis=1)
    return MONK[int(distance.argmin())]


def _lab(colours: np.ndarray) -> np.ndarray:
    return np.asarray(cv2.cvtColor(colours[None].astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[0])
