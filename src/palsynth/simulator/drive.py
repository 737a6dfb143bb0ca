"""From nerve to force: how a movement and a palsy drive every field, lid and fold."""

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
from palsynth.settings import FiniteNumbers

OVER_CONTRACTION = 0.15
"""Extra pull of the mouth muscles of one side when the other side is paralysed."""

BELL = 1.0
"""Bell's phenomenon: how far the eye rolls up on attempted closure, 0 (absent) … 1."""

PASSIVE = 0.2
"""Closure reached without the orbicularis when the patient tries to close the eye, because the
levator relaxes. The muscle's own contribution starts from there."""

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
"""Strength of the fields that a muscle at full force produces: those of the scan, and ``smile``,
which is learnt from photographs."""

_LIMP_FIELDS: dict[Branch, dict[str, float]] = {
    Branch.TEMPORAL: {"browInnerUp": -0.4, "browOuterUp": -0.6},
    Branch.ZYGOMATIC: {"eyeWide": 0.45, "eyeSquint": -0.8},
    Branch.BUCCAL: {"mouthFrown": 0.75, "cheekRaiser": -0.3, "mouthSmile": -0.2},
}
"""A side without tone: brow and mouth corner lower, fissure wider, lower lid and cheek sagging."""

_PULL = {
    Muscle.ZYGOMATICUS: 0.63,
    Muscle.RISORIUS: 0.3,
    Muscle.ORBICULARIS_ORIS: 0.45,
    Muscle.BUCCINATOR: 0.25,
    Muscle.DEPRESSOR_ANGULI_ORIS: 0.04,
    Muscle.NASALIS: 0.12,
}
"""How much a muscle drags the mouth to its own side when the other side does not oppose it."""

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
"""Weights of the muscles that produce each fold."""

SEALED = {
    Movement.GRIN: 0.0,
    Movement.DEPRESS_LIP: 0.0,
    Movement.WHISTLE: 0.6,
    Movement.WRINKLE_NOSE: 0.8,
}
"""How firmly lips that are closed at rest stay closed in movements that may part them; 1 in all
other movements. A convention of this project."""

PUFF = {"cheekPuff": 2.2}
"""Effect on a cheek of breath held behind closed lips."""

SLACK = 0.35
"""Extra bulge under the breath of a cheek whose buccinator is paralysed."""

LEAK = 0.5
"""Share of the breath lost through lips that do not close at all."""

PARTED = {"mouthLowerDown": 0.22, "mouthFunnel": 0.15, "mouthFrown": 0.45}
"""How breath parts and pushes down the lips on a side that cannot close them at all."""

_MOUTH_MUSCLES = frozenset(_PULL) | {Muscle.LEVATOR_LABII, Muscle.DEPRESSOR_LABII}


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
    state, other = palsy.of(side), palsy.of(side.other)
    efforts = effort(movement, side, wink or palsy.weak_side)
    out = {m: intensity * e * state.strength(m) for m, e in efforts.items()}
    for muscle in _MOUTH_MUSCLES & out.keys():
        out[muscle] *= 1.0 + OVER_CONTRACTION * (1.0 - other.strength(muscle))
    for (source, target), strength in state.synkinesis.items():
        attempt = intensity * efforts.get(source, 0.0)
        # misdirected fibres reach their wrong target even where the intended muscle is weak
        out[target] = min(1.2, out.get(target, 0.0) + 0.6 * strength * attempt)
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

    At rest only lost tone and contracture show.

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
