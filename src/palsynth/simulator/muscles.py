"""What each muscle, lost tone and breath do to the face: fields, folds and a drag of the mouth."""

from __future__ import annotations

from palsynth.clinical import Branch, Muscle

MUSCLE_FIELDS: dict[Muscle, dict[str, float]] = {
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

LIMP_FIELDS: dict[Branch, dict[str, float]] = {
    Branch.TEMPORAL: {"browInnerUp": -0.4, "browOuterUp": -0.6},
    Branch.ZYGOMATIC: {"eyeWide": 0.45, "eyeSquint": -0.8},
    Branch.BUCCAL: {"mouthFrown": 0.75, "cheekRaiser": -0.3, "mouthSmile": -0.2},
}
"""A side without tone: brow and mouth corner lower, fissure wider, lower lid and cheek sagging."""

PULL = {
    Muscle.ZYGOMATICUS: 0.63,
    Muscle.RISORIUS: 0.3,
    Muscle.ORBICULARIS_ORIS: 0.45,
    Muscle.BUCCINATOR: 0.25,
    Muscle.DEPRESSOR_ANGULI_ORIS: 0.04,
    Muscle.NASALIS: 0.12,
}
"""How much a muscle drags the mouth to its own side when the other side does not oppose it."""

FOLDS: dict[str, dict[Muscle, float]] = {
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

MOUTH_MUSCLES = frozenset(PULL) | {Muscle.LEVATOR_LABII, Muscle.DEPRESSOR_LABII}
"""The muscles of one side of the mouth that pull harder where the other side is paralysed."""

PUFF = {"cheekPuff": 2.2}
"""Effect on a cheek of breath held behind closed lips."""

SLACK = 0.35
"""Extra bulge under the breath of a cheek whose buccinator is paralysed."""

PARTED = {"mouthLowerDown": 0.22, "mouthFunnel": 0.15, "mouthFrown": 0.45}
"""How breath parts and pushes down the lips on a side that cannot close them at all."""
