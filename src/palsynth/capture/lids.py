"""Lid closure and eye roll, from lid openings, a blendshape and the visibility of the iris."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from palsynth.clinical import Side
from palsynth.face import topology
from palsynth.face.face import Face
from palsynth.simulator.surface import Pose

OPENINGS = (0.060, 0.100)
"""Plausible range of the opening at rest when the person's own is unknown, outer-eye distances."""

_NARROWED = (-0.35, 0.0, 0.25, 0.45, 0.50, 0.55, 0.60, 0.65, 0.70, 0.75, 0.80, 0.88)
_CLOSURE = (-0.35, 0.0, 0.25, 0.34, 0.44, 0.52, 0.65, 0.72, 0.80, 0.90, 0.96, 1.0)
"""Narrowing of the lids relative to rest, and the corresponding closure, measured on 1,060
synthetic subjects with known closure; slight narrowing is used as it is."""

_BLINK = (0.0, 0.10, 0.20, 0.25, 0.30, 0.35, 0.40, 0.45, 0.50, 0.60)
_BLINK_CLOSURE = (0.03, 0.14, 0.26, 0.37, 0.50, 0.60, 0.80, 0.89, 0.94, 1.0)
"""Blendshape ``eyeBlink`` and the corresponding closure, of the same subjects."""

_CROSSTALK = 0.25
"""Share of the other eye in the measurement of one: detectors make the two alike."""

_CLOSING = (0.25, 0.40)
"""Narrowing of either eye from which crosstalk is corrected, and from which in full: the narrowing
of a smile is left as measured."""

_BLINK_COUNTS = {True: ((0.25, 0.40), 0.5), False: ((0.0, 0.25), 0.75)}
"""With the person's rest (True) and without: the narrowings between which the weight of the
blendshape rises from zero to its maximum, and that maximum. Without a rest, narrowing is measured
less accurately; a broad smile narrows the eyes and raises the blendshape too, and is read as 0.22
shut at most."""

_SHUTS = 0.8
"""Closure from which an eye counts as shut; the other then too, unless it lags behind."""

_LAGS = (0.06, 0.18)
"""Lag of the other eye up to which it counts as shut too, and from which its own measurement is
used: with both eyes shut, one appears to lag by less than 0.09 in nine of ten people."""

BY_CHANCE = {True: 0.08, False: 0.15}
"""Closure measured by chance in faces at rest, with the same person's rest (True) and without."""

SHUT = 0.75
"""Closure from which too little of the eyeball is visible."""

_ROLLED = (0.64, 1.0)
"""Brightness of the opening's lower middle relative to the sclera: up to the first value an iris is
visible (of 328 photographed eyes none lies above), at the second none is."""

_ROLLS = 1.15
"""Upper bound of the roll per unit of missing closure."""

_MIDDLE, _LOWER = (0.38, 0.62), (0.6, 0.9)
"""Position of an iris that looks straight ahead, as shares of the distance from corner to corner,
and from the upper lid down to the lower."""


@dataclass(frozen=True)
class Eyes:
    """Measurements of both eyes."""

    opening: dict[Side, float]
    """Mean opening of each side's lids, outer-eye distances."""

    white: dict[Side, float]
    """Brightness of the opening's lower middle relative to its brightest part, about 0 … 1."""

    blink: dict[Side, float] | None
    """Blendshape ``eyeBlink`` of each side, 0 … 1; None without blendshapes."""


def read_eyes(face: Face, pose: Pose) -> Eyes:
    """Measures the eyes of a face.

    Args:
        face: the face.
        pose: its pose, whose scale gives the unit.

    Returns:
        The measurements.
    """
    points = np.asarray(face.landmarks, np.float64)[:, :2] / pose.scale
    opening = {}
    for side in Side:
        upper, lower = (
            points[list(lid[side.value][2:-2])] for lid in (topology.UPPER_LID, topology.LOWER_LID)
        )
        opening[side] = float(np.linalg.norm(upper - lower, axis=1).mean())
    shapes = face.blendshapes
    named = {Side.LEFT: "eyeBlinkLeft", Side.RIGHT: "eyeBlinkRight"}
    blink = None if shapes is None else {side: shapes[named[side]] for side in Side}
    return Eyes(opening, {side: _white(face, side) for side in Side}, blink)


def _white(face: Face, side: Side) -> float:
    """Brightness of an eye where an iris that looks ahead would be, relative to its brightest part.
    The iris landmarks are no help: the detector puts them in the middle of the opening even if the
    eye has rolled up."""
    points = np.asarray(face.landmarks, np.float64)[:, :2]
    first = points[topology.UPPER_LID[side.value][0]]
    along = points[topology.UPPER_LID[side.value][-1]] - first
    length = max(float(np.linalg.norm(along)), 1e-6)
    along = along / length
    down = np.array([-along[1], along[0]]) * np.sign(along[0] or 1.0)
    across = np.linspace(0.2, 0.8, 31)  # the corners are skin and shadow
    margins = []
    for lid in (topology.UPPER_LID, topology.LOWER_LID):
        relative = points[list(lid[side.value])] - first
        order = np.argsort(relative @ along)
        x, y = (relative @ along)[order] / length, (relative @ down)[order]
        margins.append(np.interp(across, x, y))
    depth = np.linspace(0.12, 0.88, 20)[:, None]  # within the lashes
    offset = margins[0] + (margins[1] - margins[0]) * depth
    x = first[0] + across * length * along[0] + offset * down[0]
    y = first[1] + across * length * along[1] + offset * down[1]
    grey = cv2.cvtColor(face.image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    pixels = cv2.remap(
        grey,
        x.astype(np.float32),
        y.astype(np.float32),
        cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    rows = (depth[:, 0] > _LOWER[0]) & (depth[:, 0] < _LOWER[1])
    middle = (across > _MIDDLE[0]) & (across < _MIDDLE[1])
    return float(np.median(pixels[rows][:, middle]) / max(np.percentile(pixels, 92), 1.0))


def closures(eyes: Eyes, rest: Eyes | None) -> dict[Side, float]:
    """Estimates how far each side's lids are shut.

    Without the person's rest, the opening at rest is estimated by the wider of both eyes, within
    the plausible range.

    Args:
        eyes: measurements of the face.
        rest: measurements of the same person at rest, if known.

    Returns:
        Closure of each side: 0 as at rest, 1 shut, negative wider than at rest.
    """
    if rest is None:
        wider = float(np.clip(max(eyes.opening.values()), *OPENINGS))
        openings_at_rest = dict.fromkeys(Side, wider)
    else:
        openings_at_rest = rest.opening
    narrowing = {side: 1 - eyes.opening[side] / max(openings_at_rest[side], 1e-6) for side in Side}
    closing = float(np.interp(max(narrowing.values()), _CLOSING, (0.0, 1.0)))
    counts, max_share = _BLINK_COUNTS[rest is not None]
    closure = {}
    for side, own in _without_crosstalk(narrowing, closing).items():
        if rest is None:  # the wider eye defines the opening at rest: it cannot exceed itself
            own = max(own, min(narrowing[side], 0.0))
        closure[side] = float(np.interp(own, _NARROWED, _CLOSURE))
        if eyes.blink is not None:
            share = float(np.interp(own, counts, (0.0, max_share)))
            blink = _without_crosstalk(eyes.blink, closing)[side]
            by_blink = float(np.interp(blink, _BLINK, _BLINK_CLOSURE))
            closure[side] += share * (by_blink - closure[side])
    by_chance = BY_CHANCE[rest is not None]
    return {s: _without_noise(c, by_chance) for s, c in _both_shut(closure).items()}


def _without_crosstalk(values: dict[Side, float], closing: float) -> dict[Side, float]:
    """Each eye's measurement without its share of the other eye, as far as one is closing."""
    gain = closing * _CROSSTALK / (1 - 2 * _CROSSTALK)
    return {side: own + gain * (own - values[side.other]) for side, own in values.items()}


def _both_shut(closure: dict[Side, float]) -> dict[Side, float]:
    """Raises the closure of an eye beside a shut one: whether it is shut too is more reliably
    judged by the difference between both than by its own measurement."""
    largest = max(closure.values())
    if largest < _SHUTS:
        return closure
    return {
        s: c + (1 - c) * float(np.interp(largest - c, _LAGS, (1, 0))) for s, c in closure.items()
    }


def _without_noise(closure: float, by_chance: float) -> float:
    """A closure less the noise of faces at rest; 1 stays 1."""
    return float(np.sign(closure) * max(abs(closure) - by_chance, 0.0) / (1 - by_chance))


def rolls(eyes: Eyes, closure: dict[Side, float]) -> dict[Side, float]:
    """Estimates how far each eyeball is rolled up.

    Behind half-closed lids even a slight roll hides the iris, so the roll is limited by the missing
    closure, as in attempts to close the eye.

    Args:
        eyes: measurements of the face.
        closure: closure of each side's lids.

    Returns:
        Roll of each side, 0 … 1; 0 for a shut eye, whose roll is not visible.
    """
    low, high = _ROLLED
    return {
        side: float(np.clip((eyes.white[side] - low) / (high - low), 0, 1))
        * float(np.clip(_ROLLS * (1 - closure[side]), 0, 1))
        if closure[side] < SHUT
        else 0.0
        for side in Side
    }
