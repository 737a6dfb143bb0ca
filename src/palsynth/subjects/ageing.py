"""What age does to a face at rest beyond the ages that were photographed: a model, extrapolated.

The photographed people are 18 to 54 years old, few over 40, so old age is drawn from what is known
of it: lines that stay at rest, brows, cheeks and mouth corners that sag, thinner lips, greying
brows (Gonzalez-Ulloa & Flores 1965; Albert, Ricanek & Patterson 2007). How much of each is a
convention of this project.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from palsynth.appearance.mesh import EXTENT
from palsynth.appearance.model import UNIT
from palsynth.simulator.drive import SideDrive

YOUNG, OLD = 35.0, 80.0
"""Years at which nothing of it shows, and all of it."""

LINES = {
    "forehead": 0.55, "glabella": 0.50, "crow": 0.75, "nasolabial": 1.05, "marionette": 0.95,
}  # fmt: skip
"""Folds that stay at rest. Where tone is lost they are smoothed away, as folds that move are."""

SAGS = {
    "browOuterUp": -0.35, "browInnerUp": -0.15, "cheekRaiser": -0.25, "mouthFrown": 0.35,
    "mouthRollUpper": 0.30, "mouthRollLower": 0.25,
}  # fmt: skip
"""Fields that gravity and lost volume drive, outer brows most."""

_GREYS_FROM, _GREYS_TO = 45.0, 80.0
_GREY = np.array([176.0, 172.0, 168.0])


def aged(side: SideDrive, age: float, lines: float) -> SideDrive:
    """One side's drive of somebody of ``age`` years whose folds are ``lines`` as deep as usual."""
    share = float(np.interp(age, (YOUNG, OLD), (0.0, 1.0)))
    names = sorted(side.folds.keys() | LINES.keys())
    folds = {n: side.folds.get(n, 0.0) * lines + share * LINES.get(n, 0.0) for n in names}
    out = replace(side, folds=folds, fields=dict(side.fields))
    if share > 0:
        out.add(SAGS, share)
    return out


def grey_brows(skin: np.ndarray, age: float) -> None:
    """Greys the brows of a skin (H, W, 3) float32 on the appearance model's texture, in place."""
    share = 0.75 * float(np.interp(age, (_GREYS_FROM, _GREYS_TO), (0.0, 1.0)))
    if share == 0:
        return
    height, width = skin.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32) / UNIT
    x, y = np.abs(x + EXTENT[0]), y + EXTENT[1]
    place = np.clip(1 - np.abs((y + 0.20) / 0.10), 0, 1) * np.clip((0.62 - x) / 0.06, 0, 1)
    place *= np.clip((x - 0.06) / 0.05, 0, 1)
    light = skin.mean(-1)
    around = cv2.GaussianBlur(light, (0, 0), 0.16 * UNIT)
    hair = np.clip((around - light) / (0.22 * around + 1), 0, 1)  # hair is darker than the skin
    weight = share * hair * np.clip(2 * place, 0, 1)
    bright = _GREY * np.clip(around / 190.0, 0.35, 1.0)[..., None]
    skin += (bright - skin) * weight[..., None]
