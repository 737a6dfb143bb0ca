"""From nerve to force: how a movement and a palsy drive every field, lid and fold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from palsynth.clinical import (
    EYE_CLOSURES,
    Branch,
    Movement,
    Muscle,
    Palsy,
    Side,
    SidePalsy,
    effort,
)
from palsynth.settings import FiniteNumbers
from palsynth.simulator.muscles import (
    FOLDS,
    LIMP_FIELDS,
    MOUTH_MUSCLES,
    MUSCLE_FIELDS,
    PARTED,
    PUFF,
    PULL,
    SLACK,
)

OVER_CONTRACTION = 0.15
"""Extra pull of the mouth muscles of one side when the other side is paralysed."""

BELL = 1.0
"""Bell's phenomenon: how far the eye rolls up on attempted closure, 0 (absent) … 1."""

PASSIVE = 0.2
"""Closure reached without the orbicularis when the patient tries to close the eye, because the
levator relaxes. The muscle's own contribution starts from there."""

SEALED = {
    Movement.GRIN: 0.0,
    Movement.DEPRESS_LIP: 0.0,
    Movement.WHISTLE: 0.6,
    Movement.WRINKLE_NOSE: 0.8,
}
"""How firmly lips that are closed at rest stay closed in movements that may part them; 1 in all
other movements. A convention of this project."""

LEAK = 0.5
"""Share of the breath lost through lips that do not close at all."""


@dataclass
class SideDrive(FiniteNumbers):
    """Activation of one side of the face."""

    fields: dict[str, float] = field(default_factory=dict)
    """Strength of each field: 0 at rest, 1 as scanned (``smile``: as in photographed smiles)."""

    closure: float = 0.0
    """Closure of the lids: 0 as at rest, 1 shut, negative wider than at rest."""

    bell: float = 0.0
    """How far the eye is rolled up and outward, 0 … 1."""

    folds: dict[str, float] = field(default_factory=dict)
    """Strength of each fold; negative where a fold that is present at rest vanishes."""

    smile: float = 0.0
    """How far the skin is lit as in a grin, 0 … 1.2."""

    forces: dict[Muscle, float] = field(default_factory=dict)
    """Force of each muscle."""

    def add(self, fields: dict[str, float], amount: float) -> None:
        """Adds a weighted set of fields, in place.

        Args:
            fields: strength of each field.
            amount: weight of the set.
        """
        for name, share in fields.items():
            self.fields[name] = self.fields.get(name, 0.0) + amount * share


@dataclass
class Drive(FiniteNumbers):
    """Activation of the whole face."""

    left: SideDrive
    """The patient's left side."""

    right: SideDrive
    """The patient's right side."""

    drag: float = 0.0
    """Drag of the mouth, positive to the patient's left."""

    jaw: float = 0.0
    """Strength of the jaw-opening field."""

    sealed: float = 0.0
    """How firmly the lips stay as close as at rest, 0 … 1."""

    offset: np.ndarray | None = None
    """Displacement (V, 3) of the skin that no field produces, canonical units."""

    def of(self, side: Side) -> SideDrive:
        """Returns one side.

        Args:
            side: the patient's side.

        Returns:
            The activation of that side.
        """
        return self.left if Side(side) is Side.LEFT else self.right


@dataclass(frozen=True)
class Attempt:
    """What the patient attempts on one side of the face, in full or at one moment of a movement.

    Attributes:
        efforts: effort of each muscle, 0 … 1.2, as the nerve's own fibres carry it.
        misdirected: the same as it reaches synkinetic muscles, which follow later in a movement.
        lids: effort to close the eye, 0 … 1.2: the levator relaxes as much, and the eye rolls up.
    """

    efforts: Mapping[Muscle, float]
    misdirected: Mapping[Muscle, float]
    lids: float = 0.0


def attempt(
    movement: Movement, side: Side, intensity: float = 1.0, wink: Side | None = None
) -> Attempt:
    """What a movement at full effort attempts on one side.

    Args:
        movement: the requested movement.
        side: the side.
        intensity: effort of the patient, 0 … 1.2.
        wink: the eye to wink; default: the left one.

    Returns:
        The attempt of that side.
    """
    efforts = {m: intensity * e for m, e in effort(movement, side, wink).items()}
    lids = efforts.get(Muscle.ORBICULARIS_OCULI, 0.0) if movement in EYE_CLOSURES else 0.0
    return Attempt(efforts, efforts, lids)


def forces(
    movement: Movement, palsy: Palsy, side: Side, intensity: float = 1.0, wink: Side | None = None
) -> dict[Muscle, float]:
    """Computes the force of each muscle of one side: effort times nerve function, with synkinesis.

    Args:
        movement: the requested movement.
        palsy: the palsy.
        side: the side to compute.
        intensity: effort of the patient, 0 … 1.2.
        wink: the eye to wink; default: the weak one, the left one of a healthy face.

    Returns:
        Force of each active muscle, 0 … about 1.4: effort, over-contraction and synkinesis add up.
    """
    return _forces(attempt(movement, side, intensity, wink or palsy.weak_side), palsy, side)


def _forces(tried: Attempt, palsy: Palsy, side: Side) -> dict[Muscle, float]:
    state, other = palsy.of(side), palsy.of(side.other)
    out = {m: e * state.strength(m) for m, e in tried.efforts.items()}
    for muscle in MOUTH_MUSCLES & out.keys():
        out[muscle] *= 1.0 + OVER_CONTRACTION * (1.0 - other.strength(muscle))
    for (source, target), strength in state.synkinesis.items():
        # misdirected fibres reach their wrong target even where the intended muscle is weak
        dragged = 0.6 * strength * tried.misdirected.get(source, 0.0)
        out[target] = min(1.2, out.get(target, 0.0) + dragged)
    return out


def drive(
    movement: Movement,
    palsy: Palsy,
    *,
    intensity: float = 1.0,
    bell: float = BELL,
    wink: Side | None = None,
) -> Drive:
    """Computes how a patient with this palsy performs a movement.

    At rest only lost tone and contracture show. Over time: :mod:`palsynth.simulator.motion`.

    Args:
        movement: the requested movement.
        palsy: the palsy.
        intensity: effort of the patient, 0 … 1.2.
        bell: strength of Bell's phenomenon, 0 (absent) … 1.
        wink: the eye to wink; default: the weak one, the left one of a healthy face.

    Returns:
        The activation of the whole face.
    """
    wink = wink or palsy.weak_side
    attempts = {side: attempt(movement, side, intensity, wink) for side in Side}
    return drive_of(movement, palsy, attempts, intensity=intensity, bell=bell)


def drive_of(
    movement: Movement,
    palsy: Palsy,
    attempts: Mapping[Side, Attempt],
    *,
    intensity: float,
    parted: float = 1.0,
    bell: float = BELL,
) -> Drive:
    """Computes what the attempts of both sides do to the face.

    Args:
        movement: the movement that they belong to.
        palsy: the palsy.
        attempts: the attempt of each side.
        intensity: effort of what the facial nerve does not move, jaw and breath, 0 … 1.2.
        parted: how far the lips have been released, 0 (sealed as at rest) … 1 (as the movement
            releases them).
        bell: strength of Bell's phenomenon, 0 (absent) … 1.

    Returns:
        The activation of the whole face.
    """
    sides = {side: _side(attempts[side], palsy, side, bell) for side in Side}
    pull = {
        s: sum(w * sides[s].forces.get(m, 0.0) for m, w in PULL.items()) + 0.35 * palsy.of(s).tone
        for s in Side
    }
    out = Drive(sides[Side.LEFT], sides[Side.RIGHT])
    out.drag = 0.36 * (pull[Side.LEFT] - pull[Side.RIGHT])
    out.sealed = SEALED.get(movement, 1.0)
    if movement is Movement.PUFF_CHEEKS:
        _puff(out, palsy, intensity)
    if movement is Movement.DEPRESS_LIP:
        out.jaw = 0.04 * intensity
    if movement is Movement.GRIN:
        out.jaw = 0.09 * intensity
    out.sealed += (1.0 - parted) * (1.0 - out.sealed)
    return out


def _puff(out: Drive, palsy: Palsy, intensity: float) -> None:
    """Adds held breath, in place: both cheeks share its pressure, the slack one balloons, and it
    leaks through the weaker lips."""
    seal = {side: min(1.0, palsy.of(side).strength(Muscle.ORBICULARIS_ORIS)) for side in Side}
    pressure = intensity * (1.0 - LEAK * (1.0 - min(seal.values())))
    for side in Side:
        resistance = min(1.0, palsy.of(side).strength(Muscle.BUCCINATOR))
        activation = out.of(side)
        activation.add(PUFF, pressure * (1.0 + SLACK * (1.0 - resistance)))
        activation.add(PARTED, intensity * (1.0 - seal[side]))
        activation.folds["nasolabial"] -= 0.7 * pressure
    out.sealed = min(seal.values())


def _limpness(state: SidePalsy, branch: Branch) -> float:
    """Lost tone where a branch is weak; a working branch holds its region up (a central palsy
    spares the forehead)."""
    weak = min(1.0, max(0.0, (0.9 - state.function[branch]) / 0.6))
    return (1.0 - state.tone) * weak


def _side(tried: Attempt, palsy: Palsy, side: Side, bell: float) -> SideDrive:
    state = palsy.of(side)
    out = SideDrive(forces=_forces(tried, palsy, side))
    for muscle, force in out.forces.items():
        out.add(MUSCLE_FIELDS[muscle], force)
    limp = {branch: _limpness(state, branch) for branch in LIMP_FIELDS}
    for branch, fields in LIMP_FIELDS.items():
        out.add(fields, limp[branch])
    contracture = 0.3 * max(state.synkinesis.values(), default=0.0)

    shut = out.forces.get(Muscle.ORBICULARIS_OCULI, 0.0)
    squint = out.forces.get(Muscle.ORBICULARIS_OCULI_ORBITAL, 0.0)
    wide = 0.15 * out.forces.get(Muscle.FRONTALIS, 0.0) + 0.12 * limp[Branch.ZYGOMATIC]
    out.closure = min(1.0, shut + 0.25 * squint + 0.6 * contracture) - wide * (1.0 - min(1.0, shut))
    closing = min(1.0, tried.lids)
    out.closure += PASSIVE * closing * (1.0 - min(1.0, max(0.0, out.closure)))
    out.bell = bell * closing * (1.0 - max(0.0, min(1.0, out.closure)))

    out.smile = min(1.2, out.forces.get(Muscle.ZYGOMATICUS, 0.0))
    for fold, muscles in FOLDS.items():
        strength = sum(w * out.forces.get(m, 0.0) for m, w in muscles.items())
        out.folds[fold] = min(1.2, strength)
    out.folds["forehead"] -= limp[Branch.TEMPORAL]
    out.folds["nasolabial"] -= limp[Branch.BUCCAL]
    out.folds["nasolabial"] += contracture
    return out
