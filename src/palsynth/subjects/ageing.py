"""The ageing of a face at rest beyond the photographed ages, by extrapolation.

The photographed people are 18 to 54 years old, few over 40, so old age is modelled from the
literature: lines that stay at rest, brows, cheeks and mouth corners that sag, thinner lips, greying
brows (Gonzalez-Ulloa & Flores 1965; Albert, Ricanek & Patterson 2007). The amounts are a convention
of this project.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from palsynth.appearance.mesh import EXTENT
from palsynth.appearance.model import UNIT
from palsynth.simulator.drive import SideDrive

YOUNG, OLD = 35.0, 80.0
"""Ages in years at which ageing starts to show, and shows in full."""

LINES = {
    "forehead": 0.55,
    "glabella": 0.50,
    "crow": 0.75,
    "nasolabial": 1.05,
    "marionette": 0.95,
}
"""Folds at rest in full old age. Lost tone smooths them away, like the folds of movements."""

SAGS = {
    "browOuterUp": -0.35,
    "browInnerUp": -0.15,
    "cheekRaiser": -0.25,
    "mouthFrown": 0.35,
    "mouthRollUpper": 0.30,
    "mouthRollLower": 0.25,
}
"""Fields driven by gravity and lost volume in full old age."""

_GREYS_FROM, _GREYS_TO = 45.0, 80.0
_GREY = np.array([176.0, 172.0, 168.0])


def aged(side: SideDrive, age: float, lines: float) -> SideDrive:
    """Adds ageing to the drive of one side of the face.

    Args:
        side: the drive; it is not changed.
        age: age in years.
        lines: depth of the subject's folds, relative to the average.

    Returns:
        A new drive.
    """
    share = float(np.interp(age, (YOUNG, OLD), (0.0, 1.0)))
    names = sorted(side.folds.keys() | LINES.keys())
    folds = {n: side.folds.get(n, 0.0) * lines + share * LINES.get(n, 0.0) for n in names}
    out = replace(side, folds=folds, fields=dict(side.fields))
    if share > 0:
        out.add(SAGS, share)
    return out


def grey_brows(skin: np.ndarray, age: float) -> None:
    """Greys the brows, in place.

    Args:
        skin: (H, W, 3) float32 RGB, 0 to 255, a texture of the appearance model.
        age: age in years; brows are grey from 45 years on, increasingly up to 80.
    """
    share = 0.75 * float(np.interp(age, (_GREYS_FROM, _GREYS_TO), (0.0, 1.0)))
    if share == 0:
        return
    height, width = skin.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32) / UNIT
    x, y = np.abs(x + EXTENT[0]), y + EXTENT[1]
    region = np.clip(1 - np.abs((y + 0.20) / 0.10), 0, 1) * np.clip((0.62 - x) / 0.06, 0, 1)
    region *= np.clip((x - 0.06) / 0.05, 0, 1)
    light = skin.mean(-1)
    around = cv2.GaussianBlur(light, (0, 0), 0.16 * UNIT)
    hair = np.clip((around - light) / (0.22 * around + 1), 0, 1)  # hair is darker than the skin
    weight = share * hair * np.clip(2 * region, 0, 1)
    grey = _GREY * np.clip(around / 190.0, 0.35, 1.0)[..., None]
    skin += (grey - skin) * weight[..., None]
