"""From nerve to force: what a movement and a palsy ask of every field, lid and fold."""

from __future__ import annotations

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

OVER_CONTRACTION = 0.15
"""How much harder the mouth muscles of a side pull when the other side is dead."""

BELL = 1.0
"""Bell's phenomenon: how far the eye rolls up on attempted closure, 0 (absent) … 1."""

PASSIVE = 0.2
"""How far a lid comes down without its orbicularis when the eye is asked to close: the levator
lets go. What the muscle does then goes on from there."""

_MUSCLE_FIELDS: dict[Muscle, dict[str, float]] = {
    Muscle.FRONTALIS: {"browInnerUp": 1.05, "browOuterUp": 0.95, "eyeWide": 0.35},
    Muscle.CORRUGATOR: {"browDown": 0.8},
    Muscle.ORBICULARIS_OCULI: {"browDown": 0.12},
    Muscle.ORBICULARIS_OCULI_ORBITAL: {"cheekRaiser": 0.7, "eyeSquint": 0.7, "browDown": 0.3},
    Muscle.NASALIS: {"noseSneer": 0.62},
    Muscle.ZYGOMATICUS: {"mouthSmile": 0.9, "cheekRaiser": 0.25, "smile": 1.0},
    Muscle.LEVATOR_LABII: {"mouthUpperUp": 0.75},
    Muscle.RISORIUS: {"mouthStretch": 0.5},
    Muscle.BUCCINATOR: {"mouthPress": 0.4, "mouthDimple": 0.2},
    Muscle.ORBICULARIS_ORIS: {"mouthPucker": 1.7, "mouthFunnel": 0.1},
    Muscle.DEPRESSOR_ANGULI_ORIS: {"mouthFrown": 1.1},
    Muscle.DEPRESSOR_LABII: {"mouthLowerDown": 1.25},
    Muscle.MENTALIS: {"mouthShrugLower": 0.5},
    Muscle.PLATYSMA: {"mouthStretch": 0.35},
}
"""Which scanned fields (and how much of each) a muscle at full force moves."""

_LIMP_FIELDS: dict[Branch, dict[str, float]] = {
    Branch.TEMPORAL: {"browInnerUp": -0.4, "browOuterUp": -0.6},
    Branch.ZYGOMATIC: {"eyeWide": 0.45, "eyeSquint": -0.8},
    Branch.BUCCAL: {"mouthFrown": 0.75, "cheekRaiser": -0.3, "mouthSmile": -0.2},
}
"""A side without tone: brow and corner lower, fissure wider, lower lid and cheek sagging."""

_PULL = {
    Muscle.ZYGOMATICUS: 0.63,
    Muscle.RISORIUS: 0.3,
    Muscle.ORBICULARIS_ORIS: 0.45,
    Muscle.BUCCINATOR: 0.25,
    Muscle.DEPRESSOR_ANGULI_ORIS: 0.04,
    Muscle.NASALIS: 0.12,
}
"""How much a muscle drags the mouth to its own side when the other side does not answer."""

_FOLDS: dict[str, dict[Muscle, float]] = {
    "forehead": {Muscle.FRONTALIS: 1.0},
    "glabella": {Muscle.CORRUGATOR: 1.0},
    "crow": {Muscle.ORBICULARIS_OCULI_ORBITAL: 0.9, Muscle.ZYGOMATICUS: 0.1},
    "bunny": {Muscle.NASALIS: 1.0},
    "nasolabial": {
        Muscle.ZYGOMATICUS: 0.25,
        Muscle.LEVATOR_LABII: 0.4,
        Muscle.NASALIS: 0.5,
        Muscle.RISORIUS: 0.2,
    },
    "marionette": {Muscle.DEPRESSOR_ANGULI_ORIS: 0.8, Muscle.PLATYSMA: 0.2},
    "chin": {Muscle.MENTALIS: 1.0, Muscle.DEPRESSOR_ANGULI_ORIS: 0.3},
    "pucker": {Muscle.ORBICULARIS_ORIS: 0.8},
}
"""Which muscles make which fold, by weight."""

SEALED = {
    Movement.GRIN: 0.0,
    Movement.DEPRESS_LIP: 0.0,
    Movement.WHISTLE: 0.6,
    Movement.WRINKLE_NOSE: 0.8,
}
"""How firmly lips that are closed at rest stay closed in movements that may part them; wholly in
all others. A convention of this project."""

PUFF = {"cheekPuff": 2.2}
"""What breath held behind closed lips does to a cheek."""

SLACK = 0.35
"""By how much more a cheek without its buccinator gives way to the breath than one that holds."""

LEAK = 0.5
"""Share of the breath that lips which do not close at all let go."""

PARTED = {"mouthLowerDown": 0.22, "mouthFunnel": 0.15, "mouthFrown": 0.45}
"""How breath parts and pushes down the lips of a side that does not close them at all."""

_MOUTH_MUSCLES = frozenset(_PULL) | {Muscle.LEVATOR_LABII, Muscle.DEPRESSOR_LABII}


@dataclass
class SideDrive:
    """What one side of the face does.

    ``fields`` strength of each scanned field; ``closure`` of the lids, 0 as at rest, 1 shut,
    negative wider; ``bell`` 0 … 1 how far the eye is rolled up and out; ``folds`` strength
    of each fold, negative where a fold that was there vanishes; ``smile`` how far the skin's
    light is that of a grin, 0 … 1.2; ``forces`` of the muscles.
    """

    fields: dict[str, float] = field(default_factory=dict)
    closure: float = 0.0
    bell: float = 0.0
    folds: dict[str, float] = field(default_factory=dict)
    smile: float = 0.0
    forces: dict[Muscle, float] = field(default_factory=dict)

    def add(self, fields: dict[str, float], amount: float) -> None:
        """Adds ``amount`` of a set of fields."""
        for name, share in fields.items():
            self.fields[name] = self.fields.get(name, 0.0) + amount * share


@dataclass
class Drive:
    """What the whole face does: both sides, the mouth's drag to the patient's left, the jaw, how
    firmly the lips stay as close as at rest (``sealed`` 0 … 1), and an ``offset`` (V, 3) of the
    skin, canonical units, that no field makes."""

    left: SideDrive
    right: SideDrive
    drag: float = 0.0
    jaw: float = 0.0
    sealed: float = 0.0
    offset: np.ndarray | None = None

    def of(self, side: Side) -> SideDrive:
        """One side."""
        return self.left if side is Side.LEFT else self.right


def forces(
    movement: Movement, palsy: Palsy, side: Side, intensity: float = 1.0, wink: Side | None = None
) -> dict[Muscle, float]:
    """Force of each muscle of one side: effort x what the nerve lets through, with synkinesis.
    ``wink`` is the eye that is asked to, the weak one's if None."""
    state, other = palsy.of(side), palsy.of(side.other)
    wanted = effort(movement, side, wink or palsy.weak_side)
    out = {m: intensity * e * state.strength(m) for m, e in wanted.items()}
    for muscle in _MOUTH_MUSCLES & out.keys():
        out[muscle] *= 1.0 + OVER_CONTRACTION * (1.0 - other.strength(muscle))
    for (moving, drags), strength in state.synkinesis.items():
        attempt = intensity * wanted.get(moving, 0.0)
        # a synkinetic nerve reaches its wrong target even where the right one is weak
        out[drags] = min(1.2, out.get(drags, 0.0) + 0.6 * strength * attempt)
    return out


def drive(
    movement: Movement, palsy: Palsy, *, intensity: float = 1.0, bell: float = BELL,
    wink: Side | None = None,
) -> Drive:  # fmt: skip
    """What a patient with this palsy does when asked for a movement.

    ``intensity`` 0 … 1.2 scales the patient's effort; ``wink`` is the eye that is asked to, the
    weak one's if None. At rest only lost tone and contracture show.
    """
    wink = wink or palsy.weak_side
    sides = {s: _side(movement, palsy, s, intensity, bell, wink) for s in Side}
    pull = {
        s: sum(w * sides[s].forces.get(m, 0.0) for m, w in _PULL.items()) + 0.35 * palsy.of(s).tone
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
    return out


def _puff(out: Drive, palsy: Palsy, intensity: float) -> None:
    """Holds breath, in place: both cheeks share its pressure, the slack one balloons, and the
    weaker lips let it go."""
    seal = {side: min(1.0, palsy.of(side).strength(Muscle.ORBICULARIS_ORIS)) for side in Side}
    pressure = intensity * (1.0 - LEAK * (1.0 - min(seal.values())))
    for side in Side:
        held = min(1.0, palsy.of(side).strength(Muscle.BUCCINATOR))
        what = out.of(side)
        what.add(PUFF, pressure * (1.0 + SLACK * (1.0 - held)))
        what.add(PARTED, intensity * (1.0 - seal[side]))
        what.folds["nasolabial"] -= 0.7 * pressure
    out.sealed = min(seal.values())


def _limpness(state: SidePalsy, branch: Branch) -> float:
    """Lost tone where a branch is weak; a branch that works keeps its region up (a stroke's
    palsy leaves the forehead)."""
    weak = min(1.0, max(0.0, (0.9 - state.function[branch]) / 0.6))
    return (1.0 - state.tone) * weak


def _side(
    movement: Movement, palsy: Palsy, side: Side, intensity: float, bell: float, wink: Side | None
) -> SideDrive:
    state = palsy.of(side)
    out = SideDrive(forces=forces(movement, palsy, side, intensity, wink))
    for muscle, force in out.forces.items():
        out.add(_MUSCLE_FIELDS[muscle], force)
    limp = {branch: _limpness(state, branch) for branch in _LIMP_FIELDS}
    for branch, fields in _LIMP_FIELDS.items():
        out.add(fields, limp[branch])
    contracture = 0.3 * max(state.synkinesis.values(), default=0.0)

    shut = out.forces.get(Muscle.ORBICULARIS_OCULI, 0.0)
    squint = out.forces.get(Muscle.ORBICULARIS_OCULI_ORBITAL, 0.0)
    wide = 0.15 * out.forces.get(Muscle.FRONTALIS, 0.0) + 0.12 * limp[Branch.ZYGOMATIC]
    out.closure = min(1.0, shut + 0.25 * squint + 0.6 * contracture) - wide * (1.0 - min(1.0, shut))
    if movement in EYE_CLOSURES:
        attempt = intensity * effort(movement, side, wink).get(Muscle.ORBICULARIS_OCULI, 0.0)
        out.closure += PASSIVE * min(1.0, attempt) * (1.0 - min(1.0, max(0.0, out.closure)))
        out.bell = bell * min(1.0, attempt) * (1.0 - max(0.0, min(1.0, out.closure)))

    out.smile = min(1.2, out.forces.get(Muscle.ZYGOMATICUS, 0.0))
    for fold, muscles in _FOLDS.items():
        strength = sum(w * out.forces.get(m, 0.0) for m, w in muscles.items())
        out.folds[fold] = min(1.2, strength)
    out.folds["forehead"] -= limp[Branch.TEMPORAL]
    out.folds["nasolabial"] -= limp[Branch.BUCCAL]
    out.folds["nasolabial"] += contracture
    return out
