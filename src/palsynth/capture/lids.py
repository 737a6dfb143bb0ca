"""How far lids are shut and eyes are rolled, from openings, blendshapes and irises."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from palsynth.clinical import Side
from palsynth.face import topology
from palsynth.face.face import Face
from palsynth.simulator.lids import ROLL
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


@dataclass(frozen=True)
class Eyes:
    """Of each side: ``opening`` of the lids and ``gaze``, the iris' height above the line of the
    canthi, in outer-eye distances; ``blink`` the blendshape, None where it was not read."""

    opening: dict[Side, float]
    gaze: dict[Side, float]
    blink: dict[Side, float] | None


def read_eyes(face: Face, pose: Pose) -> Eyes:
    """Measures the eyes of a face in the units of its pose."""
    flat = np.asarray(face.landmarks, np.float64)[:, :2] / pose.scale
    up = -(pose.rotation[:2, :2] @ np.array([0.0, 1.0]))
    up = up / max(float(np.linalg.norm(up)), 1e-9)
    opening, gaze = {}, {}
    for side in Side:
        upper, lower = (
            flat[list(lid[side.value][2:-2])] for lid in (topology.UPPER_LID, topology.LOWER_LID)
        )
        opening[side] = float(np.linalg.norm(upper - lower, axis=1).mean())
        canthi = flat[[topology.INNER_CANTHUS[side.value], topology.OUTER_CANTHUS[side.value]]]
        iris = flat[topology.IRIS[side.value][0]]
        gaze[side] = float((iris - canthi.mean(0)) @ up)
    shapes = face.blendshapes
    named = {Side.LEFT: "eyeBlinkLeft", Side.RIGHT: "eyeBlinkRight"}
    blink = None if shapes is None else {side: shapes[named[side]] for side in Side}
    return Eyes(opening, gaze, blink)


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


def rolls(eyes: Eyes, rest: Eyes | None, closure: dict[Side, float]) -> dict[Side, float]:
    """How far each eyeball is rolled up, 0 … 1; an eye that is shut shows none."""
    usual = {side: 0.0 if rest is None else rest.gaze[side] for side in Side}
    return {
        side: float(np.clip((eyes.gaze[side] - usual[side]) / ROLL[0] - 0.35, 0, 1))
        if closure[side] < 0.75
        else 0.0
        for side in Side
    }
