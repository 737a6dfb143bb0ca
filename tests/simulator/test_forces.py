"""Activations, computed by hand from the tables of effort, nerve supply and fields."""

from __future__ import annotations

import pytest

from palsynth.clinical import Branch, Grade, Movement, Muscle, Palsy, Side, SidePalsy
from palsynth.simulator.drive import SideDrive, drive, forces

UNEVEN = SidePalsy(dict(zip(Branch, (0.1, 0.2, 0.6, 0.9, 1.0), strict=True)), tone=0.7)
"""A side on which every branch has a different function: temporal worst, cervical healthy."""

HEALTHY_FIELDS = {
    "rest": {},
    "wrinkle-forehead": {"browInnerUp": 1.05, "browOuterUp": 0.95, "eyeWide": 0.35},
    "close-eyes-lightly": {"browDown": 0.12},
    "close-eyes-tightly": {
        "browDown": 0.12 + 0.3 + 0.6 * 0.8,
        "cheekRaiser": 0.7,
        "eyeSquint": 0.7,
        "noseSneer": 0.25 * 0.62,
    },
    "wink": {"browDown": 0.12 + 0.45 * 0.3, "cheekRaiser": 0.315, "eyeSquint": 0.315},
    "wrinkle-nose": {"noseSneer": 0.62, "mouthUpperUp": 0.2 * 0.75, "browDown": 0.25 * 0.8},
    "puff-cheeks": {
        "mouthPress": 0.4,
        "mouthDimple": 0.2,
        "mouthPucker": 0.68,
        "mouthFunnel": 0.04,
        "cheekPuff": 2.2,
    },
    "whistle": {"mouthPucker": 1.7, "mouthFunnel": 0.1},
    "grin": {
        "mouthSmile": 0.9,
        "cheekRaiser": 0.25 + 0.14,
        "smile": 1.0,
        "mouthUpperUp": 0.3,
        "mouthStretch": 0.075,
        "eyeSquint": 0.14,
        "browDown": 0.06,
        "mouthLowerDown": 1.125,
    },
    "depress-lip": {"mouthFrown": 1.1, "mouthLowerDown": 1.25, "mouthStretch": 0.175},
    "blink": {"browDown": 0.12},
}
HEALTHY_FOLDS = {
    "rest": {},
    "wrinkle-forehead": {"forehead": 1.0},
    "close-eyes-lightly": {},
    "close-eyes-tightly": {"glabella": 0.6, "crow": 0.9, "bunny": 0.25, "nasolabial": 0.125},
    "wink": {"crow": 0.405},
    "wrinkle-nose": {"glabella": 0.25, "bunny": 1.0, "nasolabial": 0.5 + 0.08},
    "puff-cheeks": {"pucker": 0.32, "nasolabial": -0.7},
    "whistle": {"pucker": 0.8},
    "grin": {"crow": 0.18 + 0.1, "nasolabial": 0.25 + 0.16 + 0.03},
    "depress-lip": {"marionette": 0.8 + 0.1, "chin": 0.3},
    "blink": {},
}
CLOSURE = {"wrinkle-forehead": -0.15, "grin": 0.05} | dict.fromkeys(
    ("close-eyes-lightly", "close-eyes-tightly", "wink", "blink"), 1.0
)
JAW = {"grin": 0.09, "depress-lip": 0.04}
SEALED = {"grin": 0.0, "depress-lip": 0.0, "whistle": 0.6, "wrinkle-nose": 0.8}


def _some(values: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in values.items() if abs(value) > 1e-9}


@pytest.mark.parametrize("movement", list(Movement))
def test_activation_of_a_healthy_side(movement: Movement) -> None:
    name = movement.value
    activation = drive(movement, Palsy.none())
    assert _some(activation.left.fields) == pytest.approx(HEALTHY_FIELDS[name])
    assert _some(activation.left.folds) == pytest.approx(HEALTHY_FOLDS[name])
    assert activation.left.closure == pytest.approx(CLOSURE.get(name, 0))
    assert activation.left.smile == (1.0 if name == "grin" else 0.0)
    assert activation.left.bell == 0
    assert (activation.jaw, activation.sealed) == (JAW.get(name, 0.0), SEALED.get(name, 1.0))


def test_force_is_effort_times_function_and_the_other_side_pulls_harder() -> None:
    palsy = Palsy(left=UNEVEN)
    assert forces(Movement.GRIN, palsy, Side.LEFT) == pytest.approx(
        {
            Muscle.ZYGOMATICUS: 0.4,
            Muscle.LEVATOR_LABII: 0.4 * 0.44,
            Muscle.RISORIUS: 0.15 * 0.6,
            Muscle.ORBICULARIS_OCULI_ORBITAL: 0.2 * 0.15,
            Muscle.DEPRESSOR_LABII: 0.9 * 0.9,
        }
    )
    assert forces(Movement.GRIN, palsy, Side.RIGHT) == pytest.approx(
        {
            Muscle.ZYGOMATICUS: 1 + 0.15 * 0.6,
            Muscle.LEVATOR_LABII: 0.4 * (1 + 0.15 * 0.56),
            Muscle.RISORIUS: 0.15 * (1 + 0.15 * 0.4),
            Muscle.ORBICULARIS_OCULI_ORBITAL: 0.2,
            Muscle.DEPRESSOR_LABII: 0.9 * (1 + 0.15 * 0.1),
        }
    )


def test_synkinesis_follows_the_attempt_and_not_the_force() -> None:
    """Trying to wrinkle a paralysed forehead still pulls the mouth corner along."""
    links = {(Muscle.FRONTALIS, Muscle.ZYGOMATICUS): 0.5}
    dead = {**dict.fromkeys(Branch, 1.0), Branch.TEMPORAL: 0.0}
    palsy = Palsy(right=SidePalsy(dead, synkinesis=links))
    found = forces(Movement.WRINKLE_FOREHEAD, palsy, Side.RIGHT, intensity=0.8)
    assert found == pytest.approx({Muscle.FRONTALIS: 0, Muscle.ZYGOMATICUS: 0.6 * 0.5 * 0.8})
    assert Muscle.ZYGOMATICUS not in forces(Movement.WRINKLE_FOREHEAD, palsy, Side.LEFT)
    assert Muscle.FRONTALIS not in forces(Movement.GRIN, palsy, Side.RIGHT), "not the way back"
    much = {(Muscle.ZYGOMATICUS, Muscle.DEPRESSOR_LABII): 1.0}
    grin = forces(Movement.GRIN, Palsy(left=SidePalsy(synkinesis=much)), Side.LEFT)
    assert grin[Muscle.DEPRESSOR_LABII] == 1.2, "0.9 and 0.6, capped"


def test_a_side_without_tone_sags() -> None:
    """Brow, cheek and corner lower, fissure wider, lower lid down, fold flat; no part rises.

    Tone lost 0.3, times how weak each branch is: temporal and zygomatic wholly, buccal by half.
    """
    activation = drive(Movement.REST, Palsy(left=UNEVEN))
    assert activation.left.fields == pytest.approx(
        {
            "browInnerUp": -0.4 * 0.3,
            "browOuterUp": -0.6 * 0.3,
            "eyeWide": 0.45 * 0.3,
            "eyeSquint": -0.8 * 0.3,
            "mouthFrown": 0.75 * 0.15,
            "cheekRaiser": -0.3 * 0.15,
            "mouthSmile": -0.2 * 0.15,
        }
    )
    assert activation.left.closure == pytest.approx(-0.12 * 0.3)
    assert _some(activation.left.folds) == pytest.approx({"forehead": -0.3, "nasolabial": -0.15})
    assert activation.right == drive(Movement.REST, Palsy.none()).right
    assert activation.drag == pytest.approx(0.36 * 0.35 * (0.7 - 1.0))


def test_a_grin_of_an_uneven_side() -> None:
    activation = drive(Movement.GRIN, Palsy(left=UNEVEN))
    left = activation.left
    assert left.fields["mouthSmile"] == pytest.approx(0.9 * 0.4 - 0.2 * 0.15)
    assert left.fields["cheekRaiser"] == pytest.approx(0.25 * 0.4 + 0.7 * 0.03 - 0.3 * 0.15)
    assert left.fields["eyeSquint"] == pytest.approx(0.7 * 0.03 - 0.8 * 0.3)
    assert left.fields["mouthLowerDown"] == pytest.approx(1.25 * 0.81)
    assert left.closure == pytest.approx(0.25 * 0.03 - 0.12 * 0.3)
    assert left.smile == pytest.approx(0.4)
    assert activation.right.smile == pytest.approx(1.09)
    assert left.folds["nasolabial"] == pytest.approx(0.25 * 0.4 + 0.4 * 0.176 + 0.2 * 0.09 - 0.15)
    pull = {"left": 0.63 * 0.4 + 0.3 * 0.09, "right": 0.63 * 1.09 + 0.3 * 0.159}
    drag = 0.36 * (pull["left"] + 0.35 * 0.7 - pull["right"] - 0.35)
    assert activation.drag == pytest.approx(drag)
    assert drag < -0.2, "to the patient's right, the healthy side"


@pytest.mark.parametrize(
    ("movement", "pull"),
    [
        ("whistle", 0.45),
        ("puff-cheeks", 0.25 + 0.4 * 0.45),
        ("depress-lip", 0.04),
        ("wrinkle-nose", 0.12),
        ("grin", 0.63 + 0.15 * 0.3),
    ],
)
def test_drag_of_the_mouth_away_from_a_paralysed_side(movement: str, pull: float) -> None:
    activation = drive(Movement(movement), Palsy.peripheral(Side.RIGHT, Grade.VI))
    harder = 1.15  # each of these muscles pulls harder when its counterpart is paralysed
    assert activation.drag == pytest.approx(0.36 * (harder * pull + 0.35))


def test_contracture_of_a_late_palsy() -> None:
    """0.3 of the strongest synkinesis, 0.8 x 0.89: the fissure narrows by 0.6 of it, the fold
    deepens."""
    activation = drive(Movement.REST, Palsy.peripheral(Side.RIGHT, Grade.IV, late=True)).right
    assert activation.closure == pytest.approx(0.6 * 0.3 * 0.712)
    assert _some(activation.folds) == pytest.approx({"nasolabial": 0.3 * 0.712})


def test_puffed_cheeks_share_the_pressure_that_the_weaker_lips_hold() -> None:
    """On the uneven side the lips close by 0.72 and the cheek resists by 0.6."""
    activation = drive(Movement.PUFF_CHEEKS, Palsy(right=UNEVEN))
    breath = 1 - 0.5 * 0.28
    assert activation.left.fields["cheekPuff"] == pytest.approx(2.2 * breath)
    assert activation.right.fields["cheekPuff"] == pytest.approx(2.2 * breath * (1 + 0.35 * 0.4))
    assert activation.right.fields["mouthLowerDown"] == pytest.approx(0.22 * 0.28)
    assert activation.left.fields["mouthLowerDown"] == 0
    assert activation.left.folds["nasolabial"] == pytest.approx(-0.7 * breath)
    assert activation.sealed == pytest.approx(0.72)


def test_the_eye_rolls_in_proportion_to_bell_and_effort() -> None:
    palsy = Palsy.peripheral(Side.LEFT, Grade.VI)

    def bell(movement: Movement, **how: float) -> SideDrive:
        return drive(movement, palsy, **how).left

    whole = bell(Movement.CLOSE_EYES_LIGHTLY).bell
    assert whole > 0.5
    assert bell(Movement.CLOSE_EYES_LIGHTLY, bell=0.5).bell == pytest.approx(whole / 2)
    assert bell(Movement.CLOSE_EYES_LIGHTLY, intensity=0.5).bell < 0.7 * whole
    for movement in (Movement.REST, Movement.GRIN, Movement.WRINKLE_FOREHEAD):
        assert bell(movement).bell == 0, "an eye rolls only on attempted closure"


def test_the_weak_eye_winks_by_default() -> None:
    palsy = Palsy.peripheral(Side.RIGHT, Grade.II)
    requested = {
        name: {
            s.value for s in Side if activation.of(s).forces.get(Muscle.ORBICULARIS_OCULI, 0) > 0
        }
        for name, activation in {
            "default": drive(Movement.WINK, palsy),
            "left": drive(Movement.WINK, palsy, wink=Side.LEFT),
            "healthy": drive(Movement.WINK, Palsy.none()),
        }.items()
    }
    assert requested == {"default": {"right"}, "left": {"left"}, "healthy": {"left"}}
    assert forces(Movement.WINK, palsy, Side.LEFT) == {}
    assert forces(Movement.WINK, palsy, Side.RIGHT) != {}


@pytest.mark.parametrize(("movement", "jaw"), [("grin", 0.09), ("depress-lip", 0.04)])
def test_the_jaw_opens_with_the_effort(movement: str, jaw: float) -> None:
    assert drive(Movement(movement), Palsy.none(), intensity=0.5).jaw == pytest.approx(jaw / 2)
