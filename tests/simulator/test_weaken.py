"""A palsy on an expression that was seen: as the simulator has it for one that was requested."""

from __future__ import annotations

import numpy as np
import pytest

from palsynth.clinical import Branch, Grade, Movement, Muscle, Palsy, Side
from palsynth.simulator.drive import Attempt, Drive, SideDrive, drive
from palsynth.simulator.surface import side_gate
from palsynth.simulator.weaken import effort_of, weakened

LEFT_VI = Palsy.peripheral(Side.LEFT, Grade.VI)
NERVES_ALONE = [m for m in Movement if m is not Movement.PUFF_CHEEKS]  # breath needs no nerve


@pytest.mark.parametrize("movement", NERVES_ALONE)
@pytest.mark.parametrize(
    "palsy",
    [
        LEFT_VI,
        Palsy.peripheral(Side.RIGHT, Grade.III),
        Palsy.peripheral(Side.LEFT, Grade.III, late=True),
        Palsy.central(Side.RIGHT, Grade.V),
    ],
)
def test_a_healthy_movement_becomes_that_of_the_palsy(movement: Movement, palsy: Palsy) -> None:
    wink = palsy.weak_side
    found = weakened(drive(movement, Palsy.none(), wink=wink), palsy)
    wanted = drive(movement, palsy, wink=wink)
    assert found.drag == pytest.approx(wanted.drag, abs=0.04)
    for side in Side:
        one, other = found.of(side), wanted.of(side)
        for name in one.fields.keys() | other.fields.keys():
            strength = one.fields.get(name, 0.0)
            assert strength == pytest.approx(other.fields.get(name, 0.0), abs=0.03), name
        for fold, strength in other.folds.items():
            assert one.folds[fold] == pytest.approx(strength, abs=0.08), fold
        assert one.closure == pytest.approx(other.closure, abs=0.06)
        assert one.bell == pytest.approx(other.bell, abs=0.03)
        assert one.smile == pytest.approx(other.smile, abs=0.03)


def test_without_a_palsy_nothing_changes() -> None:
    seen = drive(Movement.GRIN, Palsy.none())
    seen.offset = np.ones((len(side_gate()), 3))
    found = weakened(seen, Palsy.none())
    for name, strength in found.left.fields.items():
        assert strength == pytest.approx(seen.left.fields.get(name, 0.0)), name
    assert found.left.folds == pytest.approx(seen.left.folds)
    assert (found.drag, found.jaw, found.sealed) == (seen.drag, seen.jaw, seen.sealed)
    assert found.offset is not None
    assert np.array_equal(found.offset, seen.offset)


def test_what_no_field_explains_goes_with_the_mouth_of_the_weak_side() -> None:
    seen = Drive(SideDrive(), SideDrive(), offset=np.ones((len(side_gate()), 3)))
    found = weakened(seen, LEFT_VI).offset
    assert found is not None
    assert np.allclose(found[side_gate() == 1], 0)
    assert np.allclose(found[side_gate() == 0], 1)


def test_a_face_at_rest_sags_where_its_tone_is_lost() -> None:
    found = weakened(Drive(SideDrive(), SideDrive()), LEFT_VI)
    sags = drive(Movement.REST, LEFT_VI).left.fields
    for name, strength in found.left.fields.items():
        assert strength == pytest.approx(sags.get(name, 0.0)), name
    assert sags.keys() <= found.left.fields.keys()
    assert set(found.right.fields.values()) <= {0.0}


def test_efforts_are_those_that_made_the_skin_move() -> None:
    side = drive(Movement.CLOSE_EYES_TIGHTLY, Palsy.none(), intensity=0.8).left
    found = effort_of(side)
    assert isinstance(found, Attempt)
    assert found.lids == pytest.approx(side.closure, abs=0.01)
    shown = {m: f for m, f in side.forces.items() if m is not Muscle.ORBICULARIS_OCULI}
    for muscle, effort in shown.items():
        assert found.efforts[muscle] == pytest.approx(effort, abs=0.05), muscle


def test_a_palsy_of_one_branch_leaves_the_others() -> None:
    function = {branch: 0.0 if branch is Branch.TEMPORAL else 1.0 for branch in Branch}
    state = type(Palsy.none().left)(function=function, tone=1.0, synkinesis={})
    palsy = Palsy(left=state, right=Palsy.none().right)
    grin, brows = (drive(m, Palsy.none()) for m in (Movement.GRIN, Movement.WRINKLE_FOREHEAD))
    assert weakened(grin, palsy).left.fields["mouthSmile"] == pytest.approx(
        grin.left.fields["mouthSmile"], abs=0.02
    )
    assert weakened(brows, palsy).left.fields["browInnerUp"] == pytest.approx(0.0, abs=0.02)
