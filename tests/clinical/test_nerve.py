from __future__ import annotations

import pytest

from palsynth.clinical import SUPPLY, Branch, Muscle, Side
from palsynth.clinical.palsy import COMMON_LINKS

T, Z, B, M, C = Branch.TEMPORAL, Branch.ZYGOMATIC, Branch.BUCCAL, Branch.MARGINAL, Branch.CERVICAL


def test_the_patients_left_lies_at_larger_x() -> None:
    assert (Side.LEFT.sign, Side.RIGHT.sign) == (1, -1)
    assert (Side.LEFT.other, Side.RIGHT.other) == (Side.RIGHT, Side.LEFT)
    assert [s.value for s in Side] == ["left", "right"]


def test_branches_of_each_muscle() -> None:
    """As in the Yanagihara table of the documentation, with the shares of two branches."""
    assert SUPPLY == {
        Muscle.FRONTALIS: {T: 1.0},
        Muscle.CORRUGATOR: {T: 1.0},
        Muscle.ORBICULARIS_OCULI: {Z: 0.8, T: 0.2},
        Muscle.ORBICULARIS_OCULI_ORBITAL: {Z: 0.5, T: 0.5},
        Muscle.NASALIS: {B: 0.7, Z: 0.3},
        Muscle.ZYGOMATICUS: {Z: 0.5, B: 0.5},
        Muscle.LEVATOR_LABII: {Z: 0.4, B: 0.6},
        Muscle.RISORIUS: {B: 1.0},
        Muscle.BUCCINATOR: {B: 1.0},
        Muscle.ORBICULARIS_ORIS: {B: 0.6, M: 0.4},
        Muscle.DEPRESSOR_ANGULI_ORIS: {M: 0.8, C: 0.2},
        Muscle.DEPRESSOR_LABII: {M: 1.0},
        Muscle.MENTALIS: {M: 1.0},
        Muscle.PLATYSMA: {C: 1.0},
    }
    for shares in SUPPLY.values():
        assert sum(shares.values()) == pytest.approx(1.0)


def test_frequencies_of_synkinesis_in_patients() -> None:
    """Each link is the muscle that is moved and the one that moves with it."""
    assert COMMON_LINKS == {
        (Muscle.FRONTALIS, Muscle.ZYGOMATICUS): 0.89,
        (Muscle.ORBICULARIS_OCULI, Muscle.ZYGOMATICUS): 0.85,
        (Muscle.ORBICULARIS_ORIS, Muscle.ORBICULARIS_OCULI): 0.82,
        (Muscle.ZYGOMATICUS, Muscle.ORBICULARIS_OCULI): 0.82,
        (Muscle.ZYGOMATICUS, Muscle.FRONTALIS): 0.17,
        (Muscle.ZYGOMATICUS, Muscle.PLATYSMA): 0.5,
        (Muscle.ORBICULARIS_ORIS, Muscle.MENTALIS): 0.5,
    }
