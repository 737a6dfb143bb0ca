"""Clinical reading of a captured expression: the weaker side, by region, and synkinesis.

The reading is conservative: a difference counts only above the 95th percentile of healthy people,
and where regions disagree or a movement could mean either side, the answer is "not sure" with the
reason.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from palsynth.capture.basis import basis
from palsynth.capture.coefficients import ExpressionCoefficients
from palsynth.capture.evidence import regions, ways
from palsynth.clinical import EYE_CLOSURES, Movement, Side
from palsynth.face import topology

LIMITS: dict[str, dict[bool, float]] = {
    "mouth": {True: 0.0242, False: 0.0260},
    "brow": {True: 0.0115, False: 0.0166},
    "eyes": {True: 0.20, False: 0.25},
}
"""Left-right difference below which 95 of 100 photographed people stay, at rest and smiling, with
their rest (True) and without, in outer-eye distances. The limit of the eyes, in closure, is wider:
a smile that narrows one eye more is no palsy, and 99 of 100 stay below 0.07."""

NARROWS = {True: 0.05, False: 0.06}
"""Excess narrowing of one eye, beyond what ``SMILES`` explains, that is reported as synkinesis
while the mouth moves: of 100 photographed smiles 96 stay below, of half-smiles 99."""

SMILES = 1.0
"""Closure of an eye per outer-eye distance that the mouth corner on its side moves up: a broad
smile narrows the eye on the healthy side more than on the weak one."""

TURNED = 8.0
"""Yaw in degrees from which a turned head makes the sides look different."""

WIDER = {
    "brow": {True: 3.0, False: 1.0},
    "eyes": {True: 0.5, False: 1.0},
    "mouth": {True: 0.5, False: 1.0},
}
"""Relative increase of the limits per further eight degrees of yaw, with a rest (True) and without:
brows lie far from the axis, so compared with a frontal rest a turn shifts them most."""

MOVES = 0.015
"""Displacement of a region, in outer-eye distances, from which it counts as moving up."""

CLEARER = 2.0
"""Factor by which one side's weakness must be clearer than the other's where regions disagree."""

REQUESTED_REGION = {
    Movement.WRINKLE_FOREHEAD: "brow",
    **dict.fromkeys(EYE_CLOSURES, "eyes"),
    Movement.WRINKLE_NOSE: "mouth",
    Movement.PUFF_CHEEKS: "mouth",
    Movement.WHISTLE: "mouth",
    Movement.GRIN: "mouth",
    Movement.DEPRESS_LIP: "mouth",
}
"""The region that each movement moves."""

ELSEWHERE = 0.5
"""Weight of the other regions when the requested movement is known: brows also move a little, in
individual ways, during a grin."""

SHUT = 0.5
"""Closure from which an eye counts as closing."""


@dataclass(frozen=True)
class RegionReading:
    """Reading of one region.

    Movements are upwards for brow and mouth corner, in per cent of the outer-eye distance; for
    lids, closure in per cent of their opening.
    """

    left: float
    """Movement of the patient's left side."""

    right: float
    """Movement of the patient's right side."""

    clear: float
    """Difference of the sides relative to the limit of healthy people; 1 at the limit."""

    weak_side: Side | None
    """The weak side, if it is clear."""

    reason: str = ""
    """Why there is no weak side although the sides differ."""


@dataclass(frozen=True)
class PalsyReading:
    """Reading of a face."""

    regions: dict[str, RegionReading]
    """Readings of "brow", "eyes" and "mouth"."""

    synkinesis: tuple[str, ...]
    """One line per finding."""

    weak_side: Side | None
    """The weak side; None if there is none or the reading is not sure."""

    reason: str
    """Why there is no weak side; empty if there is one."""


def mouth_difference(coefficients: ExpressionCoefficients) -> float:
    """Measures the asymmetry of an upward movement of the mouth, its drag included.

    Args:
        coefficients: the expression.

    Returns:
        How much further up the right mouth corner and upper lip move than the left, in outer-eye
        distances; positive where the left is weaker.
    """
    moved = np.tensordot(strengths(coefficients), basis().columns, 1)[:, 1]
    right, left = (topology.COMMISSURE[side] for side in ("right", "left"))
    upper_right, upper_left = 39, 269
    return float(-(moved[right] - moved[left]) - 0.5 * (moved[upper_right] - moved[upper_left]))


def read(coefficients: ExpressionCoefficients, movement: Movement | None = None) -> PalsyReading:
    """Reads the weak side and synkinesis from an expression.

    Args:
        coefficients: the expression.
        movement: the movement requested of the patient, if known.

    Returns:
        The reading.
    """
    known = coefficients.with_rest
    turned = max(abs(coefficients.yaw) - TURNED, 0.0) / TURNED
    wider = {region: 1 + slope[known] * turned for region, slope in WIDER.items()}
    limits = {region: wider[region] * limit[known] for region, limit in LIMITS.items()}
    regional = {
        "brow": _brow(coefficients, limits["brow"]),
        "eyes": _eyes(coefficients, limits["eyes"], movement),
        "mouth": _mouth(coefficients, limits["mouth"], movement),
    }
    synkinesis = _synkinesis(coefficients, regional)
    requested = None if movement is None else REQUESTED_REGION.get(movement)
    weights = {name: 1.0 if requested in (None, name) else ELSEWHERE for name in regional}
    clear = {
        side: sum(weights[n] * r.clear for n, r in regional.items() if r.weak_side is side)
        for side in (Side.LEFT, Side.RIGHT)
    }
    weaker = max(clear, key=lambda side: clear[side])
    reasons = [f"{name}: {r.reason}" for name, r in regional.items() if r.reason]
    if clear[weaker] > CLEARER * clear[weaker.other]:
        return PalsyReading(regional, synkinesis, weaker, "")
    if clear[weaker] > 0:
        return PalsyReading(regional, synkinesis, None, "not sure: regions disagree about the side")
    if reasons:
        return PalsyReading(regional, synkinesis, None, "not sure: " + "; ".join(reasons))
    if turned and max(r.clear * wider[name] for name, r in regional.items()) > 1:
        reason = f"not sure: the head is turned by {abs(coefficients.yaw):.0f}°"
        return PalsyReading(regional, synkinesis, None, reason)
    return PalsyReading(regional, synkinesis, None, "both sides look alike")


def strengths(coefficients: ExpressionCoefficients) -> np.ndarray:
    """Arranges coefficients as strengths of the basis' columns.

    Args:
        coefficients: the expression.

    Returns:
        Strengths (C,) in the order of :func:`palsynth.capture.basis.basis`.
    """
    out = []
    for field, side in basis().names:
        if field == "drag":
            out.append(max(coefficients.drag if side == "left" else -coefficients.drag, 0.0))
        elif side == "middle":
            out.append(coefficients.middle[field])
        else:
            out.append(coefficients.of(Side(side)).fields[field])
    return np.array(out)


def _up(coefficients: ExpressionCoefficients, region: str) -> dict[Side, float]:
    """Mean upward displacement of each side's landmarks of a region, outer-eye distances."""
    moved = ways(strengths(coefficients), regions()[region])
    return {side: -float(points[:, 1].mean()) for side, points in moved.items()}


def _brow(coefficients: ExpressionCoefficients, limit: float) -> RegionReading:
    up = _up(coefficients, "brow")
    left, right = up[Side.LEFT], up[Side.RIGHT]
    weak = None
    if abs(left - right) > limit and max(left, right) > MOVES:
        weak = Side.LEFT if left < right else Side.RIGHT
    return RegionReading(100 * left, 100 * right, abs(left - right) / limit, weak)


def _eyes(
    coefficients: ExpressionCoefficients, limit: float, movement: Movement | None
) -> RegionReading:
    left, right = coefficients.left.closure, coefficients.right.closure
    weak, reason = None, ""
    clear = abs(left - right) / limit
    if clear > 1 and max(left, right) > SHUT:
        if movement is None or movement is Movement.WINK:
            reason = "one eye closes and the other does not, which may be a wink"
            if movement is None and min(left, right) > 0.1:
                weak, reason = (Side.LEFT if left < right else Side.RIGHT), ""
        else:
            weak = Side.LEFT if left < right else Side.RIGHT
    return RegionReading(100 * left, 100 * right, clear, weak, reason)


def _mouth(
    coefficients: ExpressionCoefficients, limit: float, movement: Movement | None
) -> RegionReading:
    up = _up(coefficients, "mouth")
    left, right = up[Side.LEFT], up[Side.RIGHT]
    difference = mouth_difference(coefficients)
    weak, reason = None, ""
    if abs(difference) > limit:
        lower = Side.LEFT if difference > 0 else Side.RIGHT
        if movement is Movement.DEPRESS_LIP:
            weak = lower.other
        elif movement is not None or max(left, right) > MOVES:
            weak = lower
        else:
            reason = (
                f"the {lower.value} corner is lower: it may hang or be pulled down; "
                "specify --movement"
            )
    return RegionReading(100 * left, 100 * right, abs(difference) / limit, weak, reason)


def _synkinesis(
    coefficients: ExpressionCoefficients, regional: dict[str, RegionReading]
) -> tuple[str, ...]:
    """Involuntary movements of one side: an eye that narrows with the mouth, a mouth corner that
    goes up with the eyes."""
    lines = []
    closure = {side: coefficients.of(side).closure for side in Side}
    mouth = regional["mouth"]
    up = {Side.LEFT: mouth.left, Side.RIGHT: mouth.right}
    moves = max(abs(mouth.left), abs(mouth.right)) > 100 * 2 * MOVES
    for side in Side:
        narrower = closure[side] - closure[side.other]
        narrower -= SMILES * (up[side] - up[side.other]) / 100
        # a broad smile narrows a healthy eye too: the side whose mouth moves further is healthy
        if up[side] > up[side.other] + 100 * MOVES:
            continue
        if moves and narrower > NARROWS[coefficients.with_rest]:
            lines.append(f"the {side.value} eye narrows as the mouth moves")
    limit = LIMITS["mouth"][coefficients.with_rest]
    if min(closure.values()) > SHUT and abs(mouth_difference(coefficients)) > limit:
        side = Side.LEFT if mouth_difference(coefficients) < 0 else Side.RIGHT
        lines.append(f"the {side.value} corner of the mouth goes up as the eyes close")
    return tuple(lines)
