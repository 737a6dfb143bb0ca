from __future__ import annotations

import pytest

from palsynth.clinical import EYE_CLOSURES, YANAGIHARA, Movement, Muscle, Side, effort

EFFORT = {
    "rest": {},
    "wrinkle-forehead": {Muscle.FRONTALIS: 1.0},
    "close-eyes-lightly": {Muscle.ORBICULARIS_OCULI: 1.0},
    "close-eyes-tightly": {
        Muscle.ORBICULARIS_OCULI: 1.0,
        Muscle.ORBICULARIS_OCULI_ORBITAL: 1.0,
        Muscle.CORRUGATOR: 0.6,
        Muscle.NASALIS: 0.25,
    },
    "wrinkle-nose": {Muscle.NASALIS: 1.0, Muscle.LEVATOR_LABII: 0.2, Muscle.CORRUGATOR: 0.25},
    "puff-cheeks": {Muscle.BUCCINATOR: 1.0, Muscle.ORBICULARIS_ORIS: 0.4},
    "whistle": {Muscle.ORBICULARIS_ORIS: 1.0},
    "grin": {
        Muscle.ZYGOMATICUS: 1.0,
        Muscle.LEVATOR_LABII: 0.4,
        Muscle.RISORIUS: 0.15,
        Muscle.ORBICULARIS_OCULI_ORBITAL: 0.2,
        Muscle.DEPRESSOR_LABII: 0.9,
    },
    "depress-lip": {
        Muscle.DEPRESSOR_ANGULI_ORIS: 1.0,
        Muscle.DEPRESSOR_LABII: 1.0,
        Muscle.PLATYSMA: 0.5,
    },
    "blink": {Muscle.ORBICULARIS_OCULI: 1.0},
}
WINK = {Muscle.ORBICULARIS_OCULI: 1.0, Muscle.ORBICULARIS_OCULI_ORBITAL: 0.45}


def test_the_ten_items_in_the_order_of_the_method() -> None:
    assert [m.value for m in YANAGIHARA] == [
        "rest",
        "wrinkle-forehead",
        "close-eyes-lightly",
        "close-eyes-tightly",
        "wink",
        "wrinkle-nose",
        "puff-cheeks",
        "whistle",
        "grin",
        "depress-lip",
    ]


def test_four_movements_close_eyes() -> None:
    names = {m.value for m in EYE_CLOSURES}
    assert names == {"close-eyes-lightly", "close-eyes-tightly", "wink", "blink"}


@pytest.mark.parametrize("side", list(Side))
def test_each_movement_uses_its_own_muscles(side: Side) -> None:
    for name, muscles in EFFORT.items():
        assert effort(Movement(name), side) == muscles, name
        assert effort(Movement(name), side, wink=side.other) == muscles, name


def test_wink_closes_one_eye_by_default_the_left() -> None:
    assert effort(Movement.WINK, Side.LEFT, wink=Side.LEFT) == WINK
    assert effort(Movement.WINK, Side.RIGHT, wink=Side.LEFT) == {}
    assert effort(Movement.WINK, Side.RIGHT, wink=Side.RIGHT) == WINK
    assert effort(Movement.WINK, Side.LEFT, wink=Side.RIGHT) == {}
    assert effort(Movement.WINK, Side.LEFT) == WINK
    assert effort(Movement.WINK, Side.RIGHT) == {}


def test_labels() -> None:
    assert Movement.CLOSE_EYES_LIGHTLY.label == "Close eyes lightly"
    assert Movement.GRIN.label == "Grin"
