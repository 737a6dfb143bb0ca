"""The facial nerve: its branches, and the muscles that each branch drives."""

from __future__ import annotations

from enum import StrEnum


class Side(StrEnum):
    """The PATIENT's side. In an unmirrored image the patient's left is on the image's right."""

    LEFT = "left"
    RIGHT = "right"

    @property
    def other(self) -> Side:
        """The opposite side."""
        return Side.RIGHT if self is Side.LEFT else Side.LEFT

    @property
    def sign(self) -> int:
        """+1 where the patient's side lies at larger image x (left), else -1."""
        return 1 if self is Side.LEFT else -1


class Branch(StrEnum):
    """The five terminal branches of the extracranial facial nerve."""

    TEMPORAL = "temporal"
    ZYGOMATIC = "zygomatic"
    BUCCAL = "buccal"
    MARGINAL = "marginal"
    CERVICAL = "cervical"


class Muscle(StrEnum):
    """The muscles of facial expression that the movements of the scales use."""

    FRONTALIS = "frontalis"
    CORRUGATOR = "corrugator"
    ORBICULARIS_OCULI = "orbicularis_oculi"
    """Palpebral part: closes the lids gently."""
    ORBICULARIS_OCULI_ORBITAL = "orbicularis_oculi_orbital"
    """Orbital part: squeezes the eye shut and lifts the cheek."""
    NASALIS = "nasalis"
    """With levator labii superioris alaeque nasi: moves the nostril and the bridge of the nose."""
    ZYGOMATICUS = "zygomaticus"
    """Major and minor, with levator anguli oris: lifts the corner of the mouth."""
    LEVATOR_LABII = "levator_labii"
    RISORIUS = "risorius"
    BUCCINATOR = "buccinator"
    ORBICULARIS_ORIS = "orbicularis_oris"
    DEPRESSOR_ANGULI_ORIS = "depressor_anguli_oris"
    DEPRESSOR_LABII = "depressor_labii"
    MENTALIS = "mentalis"
    PLATYSMA = "platysma"


SUPPLY: dict[Muscle, dict[Branch, float]] = {
    Muscle.FRONTALIS: {Branch.TEMPORAL: 1.0},
    Muscle.CORRUGATOR: {Branch.TEMPORAL: 1.0},
    Muscle.ORBICULARIS_OCULI: {Branch.ZYGOMATIC: 0.8, Branch.TEMPORAL: 0.2},
    Muscle.ORBICULARIS_OCULI_ORBITAL: {Branch.ZYGOMATIC: 0.5, Branch.TEMPORAL: 0.5},
    Muscle.NASALIS: {Branch.BUCCAL: 0.7, Branch.ZYGOMATIC: 0.3},
    Muscle.ZYGOMATICUS: {Branch.ZYGOMATIC: 0.5, Branch.BUCCAL: 0.5},
    Muscle.LEVATOR_LABII: {Branch.ZYGOMATIC: 0.4, Branch.BUCCAL: 0.6},
    Muscle.RISORIUS: {Branch.BUCCAL: 1.0},
    Muscle.BUCCINATOR: {Branch.BUCCAL: 1.0},
    Muscle.ORBICULARIS_ORIS: {Branch.BUCCAL: 0.6, Branch.MARGINAL: 0.4},
    Muscle.DEPRESSOR_ANGULI_ORIS: {Branch.MARGINAL: 0.8, Branch.CERVICAL: 0.2},
    Muscle.DEPRESSOR_LABII: {Branch.MARGINAL: 1.0},
    Muscle.MENTALIS: {Branch.MARGINAL: 1.0},
    Muscle.PLATYSMA: {Branch.CERVICAL: 1.0},
}
"""Share of each branch in a muscle's innervation; the shares of a muscle sum to 1.

Which branch reaches which muscle is anatomy (the Yanagihara table in the documentation). Where
two branches reach a muscle, their shares are a convention of this project.
"""
