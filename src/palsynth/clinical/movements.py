"""The standard movements that a patient is asked for, and the effort each one takes."""

from __future__ import annotations

from enum import StrEnum

from palsynth.clinical.nerve import Muscle, Side


class Movement(StrEnum):
    """The ten movements of the Yanagihara method, and the blink of its older form."""

    REST = "rest"
    WRINKLE_FOREHEAD = "wrinkle-forehead"
    CLOSE_EYES_LIGHTLY = "close-eyes-lightly"
    CLOSE_EYES_TIGHTLY = "close-eyes-tightly"
    WINK = "wink"
    WRINKLE_NOSE = "wrinkle-nose"
    PUFF_CHEEKS = "puff-cheeks"
    WHISTLE = "whistle"
    GRIN = "grin"
    DEPRESS_LIP = "depress-lip"
    BLINK = "blink"

    @property
    def label(self) -> str:
        """What is printed under a picture."""
        return self.value.replace("-", " ").capitalize()


YANAGIHARA: tuple[Movement, ...] = (
    Movement.REST,
    Movement.WRINKLE_FOREHEAD,
    Movement.CLOSE_EYES_LIGHTLY,
    Movement.CLOSE_EYES_TIGHTLY,
    Movement.WINK,
    Movement.WRINKLE_NOSE,
    Movement.PUFF_CHEEKS,
    Movement.WHISTLE,
    Movement.GRIN,
    Movement.DEPRESS_LIP,
)
"""The ten items of the 40-point method, in its order."""

EYE_CLOSURES = (
    Movement.CLOSE_EYES_LIGHTLY,
    Movement.CLOSE_EYES_TIGHTLY,
    Movement.WINK,
    Movement.BLINK,
)

_EFFORT: dict[Movement, dict[Muscle, float]] = {
    Movement.REST: {},
    Movement.WRINKLE_FOREHEAD: {Muscle.FRONTALIS: 1.0},
    Movement.CLOSE_EYES_LIGHTLY: {Muscle.ORBICULARIS_OCULI: 1.0},
    Movement.CLOSE_EYES_TIGHTLY: {
        Muscle.ORBICULARIS_OCULI: 1.0,
        Muscle.ORBICULARIS_OCULI_ORBITAL: 1.0,
        Muscle.CORRUGATOR: 0.6,
        Muscle.NASALIS: 0.25,
    },
    Movement.WINK: {Muscle.ORBICULARIS_OCULI: 1.0, Muscle.ORBICULARIS_OCULI_ORBITAL: 0.45},
    Movement.WRINKLE_NOSE: {
        Muscle.NASALIS: 1.0,
        Muscle.LEVATOR_LABII: 0.2,
        Muscle.CORRUGATOR: 0.25,
    },
    Movement.PUFF_CHEEKS: {Muscle.BUCCINATOR: 1.0, Muscle.ORBICULARIS_ORIS: 0.4},
    Movement.WHISTLE: {Muscle.ORBICULARIS_ORIS: 1.0},
    Movement.GRIN: {
        Muscle.ZYGOMATICUS: 1.0,
        Muscle.LEVATOR_LABII: 0.4,
        Muscle.RISORIUS: 0.15,
        Muscle.ORBICULARIS_OCULI_ORBITAL: 0.2,
        Muscle.DEPRESSOR_LABII: 0.9,
    },
    Movement.DEPRESS_LIP: {
        Muscle.DEPRESSOR_ANGULI_ORIS: 1.0,
        Muscle.DEPRESSOR_LABII: 1.0,
        Muscle.PLATYSMA: 0.5,
    },
    Movement.BLINK: {Muscle.ORBICULARIS_OCULI: 1.0},
}


def effort(movement: Movement, side: Side, wink: Side | None = None) -> dict[Muscle, float]:
    """How hard each muscle of one side is asked to work, 0 … 1, before any palsy.

    ``wink`` is the side whose eye is to close in :attr:`Movement.WINK` (the scale asks
    for the weak one); the other eye stays open. It is ignored for other movements and
    defaults to the left.
    """
    if movement is Movement.WINK and side is not (wink or Side.LEFT):
        return {}
    return dict(_EFFORT[movement])
