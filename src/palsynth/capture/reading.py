"""What a capture says of a patient: which side is weaker, where, and whether regions move along.

Nothing is guessed: a difference counts from what 95 of 100 healthy people's differences stay below,
and where regions disagree or a movement could mean either side, the answer is "not sure" and why.
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
"""Left-right difference that 95 of 100 photographed people, at rest and smiling, stay below, with
their rest and without: outer-eye distances. Eyes, in shares of closing, have more room: a wink of a
smile is no palsy, and 99 of 100 stay below 0.07."""

NARROWS = {True: 0.05, False: 0.06}
"""How much more one eye narrows than the other, as the mouth moves, from which that is said, beyond
what SMILES explains: of 100 photographed smiles 96 stay below, of half-smiles 99."""

SMILES = 1.0
"""How much an eye narrows, shares of closing, for each outer-eye distance that its corner goes up:
a hearty smile narrows a healthy eye, more than a weak one."""

TURNED = 8.0
"""Degrees from which a turned head makes sides look different."""

WIDER = {
    "brow": {True: 3.0, False: 1.0},
    "eyes": {True: 0.5, False: 1.0},
    "mouth": {True: 0.5, False: 1.0},
}
"""By how much of themselves every further eight degrees raise the limits, with a rest and without:
brows lie far from the axis, so beside a frontal rest a turn moves them most."""

MOVES = 0.015
"""Way of a region, outer-eye distances, from which it is said to move up."""

CLEARER = 2.0
"""How much clearer one side's weakness must be than the other's where regions disagree."""

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
"""What another region's difference counts where it is known what the patient was asked for: brows
go a little up and down, as people please, while they grin."""

SHUT = 0.5
"""Closure from which an eye is said to close."""


@dataclass(frozen=True)
class RegionReading:
    """``left`` and ``right`` how far each side goes: brow and corner of the mouth upwards, per cent
    of the outer-eye distance; lids shut, per cent of their opening. ``clear`` how much more the
    sides differ than those of healthy people, 1 at the limit; ``weak_side`` where it is seen, and
    ``reason`` why it is not where the sides differ all the same."""

    left: float
    right: float
    clear: float
    weak_side: Side | None
    reason: str = ""


@dataclass(frozen=True)
class PalsyReading:
    """A face read as a patient's: ``regions`` by name, ``synkinesis`` one line per finding;
    ``weak_side`` None where none is seen or it is not sure, and then ``reason`` says why."""

    regions: dict[str, RegionReading]
    synkinesis: tuple[str, ...]
    weak_side: Side | None
    reason: str


def mouth_difference(coefficients: ExpressionCoefficients) -> float:
    """How much further up the right corner and upper lip go than the left, outer-eye distances:
    positive where the left is weaker in a movement upwards. The mouth's drag counts."""
    moved = np.tensordot(strengths(coefficients), basis().columns, 1)[:, 1]
    right, left = (topology.COMMISSURE[side] for side in ("right", "left"))
    upper_right, upper_left = 39, 269
    return float(-(moved[right] - moved[left]) - 0.5 * (moved[upper_right] - moved[upper_left]))


def read(coefficients: ExpressionCoefficients, movement: Movement | None = None) -> PalsyReading:
    """Reads a capture; ``movement`` is what the patient was asked for, if that is known."""
    known = coefficients.with_rest
    turned = max(abs(coefficients.yaw) - TURNED, 0.0) / TURNED
    wider = {region: 1 + slope[known] * turned for region, slope in WIDER.items()}
    limits = {region: wider[region] * limit[known] for region, limit in LIMITS.items()}
    found = {
        "brow": _brow(coefficients, limits["brow"]),
        "eyes": _eyes(coefficients, limits["eyes"], movement),
        "mouth": _mouth(coefficients, limits["mouth"], movement),
    }
    along = _synkinesis(coefficients, found)
    requested = None if movement is None else REQUESTED_REGION.get(movement)
    counts = {name: 1.0 if requested in (None, name) else ELSEWHERE for name in found}
    clear = {
        side: sum(counts[n] * r.clear for n, r in found.items() if r.weak_side is side)
        for side in (Side.LEFT, Side.RIGHT)
    }
    weaker = max(clear, key=lambda side: clear[side])
    reasons = [f"{name}: {r.reason}" for name, r in found.items() if r.reason]
    if clear[weaker] > CLEARER * clear[weaker.other]:
        return PalsyReading(found, along, weaker, "")
    if clear[weaker] > 0:
        return PalsyReading(found, along, None, "not sure: regions disagree about the side")
    if reasons:
        return PalsyReading(found, along, None, "not sure: " + "; ".join(reasons))
    if turned and max(r.clear * wider[name] for name, r in found.items()) > 1:
        degrees = abs(coefficients.yaw)
        return PalsyReading(found, along, None, f"not sure: the head is turned by {degrees:.0f}°")
    return PalsyReading(found, along, None, "both sides look alike")


def strengths(coefficients: ExpressionCoefficients) -> np.ndarray:
    """The coefficients as the basis' columns take them (C,)."""
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
    """Mean way up of each side's landmarks of a region, outer-eye distances."""
    moved = ways(strengths(coefficients), regions()[region])
    return {side: -float(way[:, 1].mean()) for side, way in moved.items()}


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
                f"the {lower.value} corner is lower, which may hang or be pulled down; "
                "say --movement"
            )
    return RegionReading(100 * left, 100 * right, abs(difference) / limit, weak, reason)


def _synkinesis(
    coefficients: ExpressionCoefficients, found: dict[str, RegionReading]
) -> tuple[str, ...]:
    """What moves along on one side: an eye that narrows with the mouth, a corner that goes up with
    the eyes."""
    lines = []
    closure = {side: coefficients.of(side).closure for side in Side}
    mouth = found["mouth"]
    up = {Side.LEFT: mouth.left, Side.RIGHT: mouth.right}
    moves = max(abs(mouth.left), abs(mouth.right)) > 100 * 2 * MOVES
    for side in Side:
        narrower = closure[side] - closure[side.other]
        narrower -= SMILES * (up[side] - up[side.other]) / 100
        # a healthy eye narrows with a hearty smile too: the side whose mouth goes further is well
        if up[side] > up[side.other] + 100 * MOVES:
            continue
        if moves and narrower > NARROWS[coefficients.with_rest]:
            lines.append(f"the {side.value} eye narrows as the mouth moves")
    limit = LIMITS["mouth"][coefficients.with_rest]
    if min(closure.values()) > SHUT and abs(mouth_difference(coefficients)) > limit:
        side = Side.LEFT if mouth_difference(coefficients) < 0 else Side.RIGHT
        lines.append(f"the {side.value} corner of the mouth goes up as the eyes close")
    return tuple(lines)
