"""How far lids are shut and eyes are rolled: openings, a blendshape, and whether an iris shows."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from palsynth.clinical import Side
from palsynth.face import topology
from palsynth.face.face import Face
from palsynth.simulator.surface import Pose

OPENINGS = (0.060, 0.100)
"""Openings at rest that are believed where the person's own is not known."""

_NARROWED = (-0.35, 0.0, 0.25, 0.40, 0.55)
_CLOSURE = (-0.35, 0.0, 0.25, 0.55, 1.0)
"""How much narrower than at rest lids are seen, and how far they are shut. A detector sees lids
that are shut still a little open, and slight narrowing as it is."""

_LEAKS = 0.3
"""How much of one eye's shutting, beyond slight narrowing, is seen at the other eye too."""

_BLINK = (0.15, 0.30, 0.45)
_BLINK_CLOSURE = (0.0, 0.5, 1.0)
"""Blendshape ``eyeBlink`` and how far lids are shut where they are seen clearly narrowed."""


BY_CHANCE = {True: 0.08, False: 0.15}
"""Closure that faces at rest are read to have, with the same person's rest and without."""


SHUT = 0.75
"""Closure from which too little of an eyeball is in sight."""

_ROLLED = (0.56, 0.72)
"""Darkest against brightest within the lower part of the lids' opening: up to the first an iris is
in sight (of 328 photographed eyes none lies above 0.51), from the second on none is."""

_EYE_SCALE = 220.0
"""Pixels between the outer eye corners at which eyes are looked at; smaller ones are enlarged."""


@dataclass(frozen=True)
class Eyes:
    """Of each side: ``opening`` of the lids, outer-eye distances; ``darkest`` what is darkest
    between them against what is brightest, 0 … 1; ``blink`` the blendshape, None where it was
    not read."""

    opening: dict[Side, float]
    darkest: dict[Side, float]
    blink: dict[Side, float] | None


def read_eyes(face: Face, pose: Pose) -> Eyes:
    """Measures the eyes of a face in the units of its pose."""
    flat = np.asarray(face.landmarks, np.float64)[:, :2] / pose.scale
    opening = {}
    for side in Side:
        upper, lower = (
            flat[list(lid[side.value][2:-2])] for lid in (topology.UPPER_LID, topology.LOWER_LID)
        )
        opening[side] = float(np.linalg.norm(upper - lower, axis=1).mean())
    shapes = face.blendshapes
    named = {Side.LEFT: "eyeBlinkLeft", Side.RIGHT: "eyeBlinkRight"}
    blink = None if shapes is None else {side: shapes[named[side]] for side in Side}
    return Eyes(opening, {side: _darkest(face, side) for side in Side}, blink)


def _darkest(face: Face, side: Side) -> float:
    """Pupil and iris against the white of the eye: how dark the darkest eighth of the opening's
    lower two thirds is, in the brightness of their bright parts; 0 where too little shows. A
    landmark detector puts the iris in the middle of an opening also where it has rolled away."""
    outline = face.landmarks[topology.eye_polygon(side.value), :2].astype(np.float64)
    middle = outline.mean(0)
    inner = middle + (outline - middle) * [0.8, 0.62]  # inside the lashes
    low = np.maximum(np.floor(inner.min(0) - 3).astype(int), 0)
    high = np.ceil(inner.max(0) + 4).astype(int)
    window = face.image[low[1] : high[1], low[0] : high[0]]
    if window.size == 0:
        return 0.0
    scale = max(_EYE_SCALE / max(face.outer_eyes, 1.0), 1.0)
    window = cv2.resize(window, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    grey = cv2.GaussianBlur(cv2.cvtColor(window, cv2.COLOR_RGB2GRAY), (0, 0), 1)
    mask = np.zeros(grey.shape, np.uint8)
    corners = ((inner - low + 0.5) * scale - 0.5).round().astype(np.int32)
    cv2.fillPoly(mask, [corners], 1)
    rows = np.flatnonzero(mask.any(1))
    if len(rows):
        mask[: rows[0] + int(0.35 * (rows[-1] - rows[0]))] = 0  # where a rolled iris still peeps
    values = grey[mask > 0]
    if len(values) < 20:
        return 0.0
    dark, bright = np.percentile(values, [12, 85])
    return float(dark / max(bright, 1.0))


def closures(eyes: Eyes, rest: Eyes | None) -> dict[Side, float]:
    """How far each side's lids are shut, 0 as at rest, 1 shut, negative wider.

    Without the person's rest, lids at rest are taken to open as far as the wider of the two does
    now, within what is usual.
    """
    if rest is None:
        wider = float(np.clip(max(eyes.opening.values()), *OPENINGS))
        usual = dict.fromkeys(Side, wider)
    else:
        usual = rest.opening
    narrower = {side: 1 - eyes.opening[side] / max(usual[side], 1e-6) for side in Side}
    by_chance = BY_CHANCE[rest is not None]
    out = {}
    for side in Side:
        own = narrower[side] - _LEAKS * max(narrower[side.other] - _LEAKS, 0.0)
        closure = float(np.interp(own, _NARROWED, _CLOSURE))
        if eyes.blink is not None and own > 0.3:
            closure = max(closure, float(np.interp(eyes.blink[side], _BLINK, _BLINK_CLOSURE)))
        out[side] = _beyond(closure, by_chance)
    return out


def _beyond(closure: float, by_chance: float) -> float:
    """A closure less what faces at rest show by chance; shut stays shut."""
    return float(np.sign(closure) * max(abs(closure) - by_chance, 0.0) / (1 - by_chance))


def rolls(eyes: Eyes, closure: dict[Side, float]) -> dict[Side, float]:
    """How far each eyeball is rolled up, 0 … 1; an eye that is shut shows none."""
    low, high = _ROLLED
    return {
        side: float(np.clip((eyes.darkest[side] - low) / (high - low), 0, 1))
        if closure[side] < SHUT
        else 0.0
        for side in Side
    }
