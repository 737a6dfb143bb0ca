"""The standard movements of the clinical examination, and the effort each one takes."""

from __future__ import annotations

from enum import StrEnum

from palsynth.clinical.nerve import Muscle, Side


class Movement(StrEnum):
    """The ten movements of the Yanagihara method, and the blink of its older version."""

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
        """Caption of a picture of the movement, such as ``Close eyes lightly``."""
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
"""The ten items of the 40-point method, in the order of the method."""

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
    """Effort of each muscle of one side in a movement, before any palsy.

    Args:
        movement: the movement.
        side: the patient's side whose muscles are returned.
        wink: the side whose eye closes in :attr:`Movement.WINK`, where the other eye stays open;
            the scale requests the weak one. Ignored for other movements. Default: left.

    Returns:
        Effort of each muscle that takes part, 0 … 1; muscles that are left out have none.

    Example:
        >>> effort(Movement.PUFF_CHEEKS, Side.LEFT)[Muscle.BUCCINATOR]
        1.0
        >>> effort(Movement.WINK, Side.RIGHT, wink=Side.LEFT)
        {}
    """
    if movement is Movement.WINK and side is not (wink or Side.LEFT):
        return {}
    return dict(_EFFORT[movement])
