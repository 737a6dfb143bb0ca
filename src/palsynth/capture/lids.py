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

_NARROWED = (-0.35, 0.0, 0.25, 0.45, 0.50, 0.55, 0.60, 0.65, 0.70, 0.75, 0.80, 0.88)
_CLOSURE = (-0.35, 0.0, 0.25, 0.34, 0.44, 0.52, 0.65, 0.72, 0.80, 0.90, 0.96, 1.0)
"""How much narrower than at rest lids are, and how far they are shut, as it is seen of 1,060 people
who do not exist with lids shut by a known share; slight narrowing is taken as it is."""

_BLINK = (0.0, 0.10, 0.20, 0.25, 0.30, 0.35, 0.40, 0.45, 0.50, 0.60)
_BLINK_CLOSURE = (0.03, 0.14, 0.26, 0.37, 0.50, 0.60, 0.80, 0.89, 0.94, 1.0)
"""Blendshape ``eyeBlink`` and how far lids are shut, of the same people."""

_MIXED = 0.25
"""Share of the other eye in what is seen of one: detectors make the two alike."""

_CLOSING = (0.25, 0.40)
"""Narrowing of either eye from which that is undone, and from which wholly: a smile's narrowing is
left as it is seen."""

_BLINK_COUNTS = {True: ((0.25, 0.40), 0.5), False: ((0.0, 0.25), 0.75)}
"""With the person's rest and without: the narrowings from which the blendshape begins to count and
counts in full, and its share then. Without the rest narrowing is seen less well; a hearty smile
narrows eyes and moves the blendshape too, and is read as 0.22 shut at most."""

_SHUTS = 0.8
"""Closure from which an eye is taken to be shut; the other then too, unless it lags behind."""

_LAGS = (0.06, 0.18)
"""By how much less shut the other seems where it is shut all the same, and where what is seen of it
is believed: of two shut eyes one seems to lag by less than 0.09 in nine people of ten."""

BY_CHANCE = {True: 0.08, False: 0.15}
"""Closure that faces at rest are read to have, with the same person's rest and without."""


SHUT = 0.75
"""Closure from which too little of an eyeball is in sight."""

_ROLLED = (0.64, 1.0)
"""Brightness of the opening's lower middle, in that of its white: up to the first an iris is in
sight (of 328 photographed eyes none lies above), at the second none is."""

_ROLLS = 1.15
"""How far an eyeball rolls for what its lids lack of closing."""

_MIDDLE, _LOWER = (0.38, 0.62), (0.6, 0.9)
"""Where an iris that looks ahead lies: shares of the way from corner to corner, and down from the
upper lid to the lower."""


@dataclass(frozen=True)
class Eyes:
    """Of each side: ``opening`` of the lids, outer-eye distances; ``white`` how bright the
    opening's lower middle is, in its brightest, 0 … 1; ``blink`` the blendshape, None where it was
    not read."""

    opening: dict[Side, float]
    white: dict[Side, float]
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
    return Eyes(opening, {side: _white(face, side) for side in Side}, blink)


def _white(face: Face, side: Side) -> float:
    """How bright an eye is where an iris that looks ahead would be, in its brightest. A landmark
    detector puts the iris in the middle of an opening also where it has rolled up."""
    points = np.asarray(face.landmarks, np.float64)[:, :2]
    first = points[topology.UPPER_LID[side.value][0]]
    along = points[topology.UPPER_LID[side.value][-1]] - first
    length = max(float(np.linalg.norm(along)), 1e-6)
    along = along / length
    down = np.array([-along[1], along[0]]) * np.sign(along[0] or 1.0)
    across = np.linspace(0.2, 0.8, 31)  # the corners are skin and shade
    margins = []
    for lid in (topology.UPPER_LID, topology.LOWER_LID):
        way = points[list(lid[side.value])] - first
        order = np.argsort(way @ along)
        margins.append(np.interp(across, (way @ along)[order] / length, (way @ down)[order]))
    depth = np.linspace(0.12, 0.88, 20)[:, None]  # within the lashes
    offset = margins[0] + (margins[1] - margins[0]) * depth
    x = first[0] + across * length * along[0] + offset * down[0]
    y = first[1] + across * length * along[1] + offset * down[1]
    grey = cv2.cvtColor(face.image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    seen = cv2.remap(
        grey, x.astype(np.float32), y.astype(np.float32), cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )  # fmt: skip
    rows = (depth[:, 0] > _LOWER[0]) & (depth[:, 0] < _LOWER[1])
    middle = (across > _MIDDLE[0]) & (across < _MIDDLE[1])
    return float(np.median(seen[rows][:, middle]) / max(np.percentile(seen, 92), 1.0))


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
    closing = float(np.interp(max(narrower.values()), _CLOSING, (0.0, 1.0)))
    counts, most = _BLINK_COUNTS[rest is not None]
    seen = {}
    for side, own in _apart(narrower, closing).items():
        if rest is None:  # the wider eye says what is usual, and is not wider than itself
            own = max(own, min(narrower[side], 0.0))
        seen[side] = float(np.interp(own, _NARROWED, _CLOSURE))
        if eyes.blink is not None:
            share = float(np.interp(own, counts, (0.0, most)))
            shape = float(np.interp(_apart(eyes.blink, closing)[side], _BLINK, _BLINK_CLOSURE))
            seen[side] += share * (shape - seen[side])
    by_chance = BY_CHANCE[rest is not None]
    return {side: _beyond(closure, by_chance) for side, closure in _beside(seen).items()}


def _apart(seen: dict[Side, float], closing: float) -> dict[Side, float]:
    """What is seen of each eye without what it has of the other, as far as one is closing."""
    more = closing * _MIXED / (1 - 2 * _MIXED)
    return {side: own + more * (own - seen[side.other]) for side, own in seen.items()}


def _beside(seen: dict[Side, float]) -> dict[Side, float]:
    """Closures beside one another: whether an eye is shut is seen more surely in its difference
    from one that is than in itself."""
    most = max(seen.values())
    if most < _SHUTS:
        return seen
    return {s: c + (1 - c) * float(np.interp(most - c, _LAGS, (1, 0))) for s, c in seen.items()}


def _beyond(closure: float, by_chance: float) -> float:
    """A closure less what faces at rest show by chance; shut stays shut."""
    return float(np.sign(closure) * max(abs(closure) - by_chance, 0.0) / (1 - by_chance))


def rolls(eyes: Eyes, closure: dict[Side, float]) -> dict[Side, float]:
    """How far each eyeball is rolled up, 0 … 1; an eye that is shut shows none. Behind lids that
    close half way a little of it shows white enough: it is taken to roll as far as the lids lack of
    closing, as attempts at closing do."""
    low, high = _ROLLED
    return {
        side: float(np.clip((eyes.white[side] - low) / (high - low), 0, 1))
        * float(np.clip(_ROLLS * (1 - closure[side]), 0, 1))
        if closure[side] < SHUT
        else 0.0
        for side in Side
    }
