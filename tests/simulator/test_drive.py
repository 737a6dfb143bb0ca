from __future__ import annotations

import pytest

from palsynth.clinical import (
    EYE_CLOSURES,
    YANAGIHARA,
    Grade,
    Movement,
    Muscle,
    Palsy,
    Side,
    SidePalsy,
)
from palsynth.simulator.drive import drive, forces


@pytest.mark.parametrize("movement", [m for m in YANAGIHARA if m is not Movement.WINK])
def test_a_healthy_face_moves_symmetrically(movement: Movement) -> None:
    activation = drive(movement, Palsy.none())
    assert activation.left == activation.right
    assert activation.drag == 0


@pytest.mark.parametrize("movement", YANAGIHARA)
def test_the_mirror_image_of_a_palsy_drives_the_mirror_image(movement: Movement) -> None:
    left = drive(movement, Palsy.peripheral(Side.LEFT, Grade.V))
    right = drive(movement, Palsy.peripheral(Side.RIGHT, Grade.V))
    assert left.left == right.right
    assert left.right == right.left
    assert left.drag == pytest.approx(-right.drag)


def test_a_paralysed_side_does_not_move_and_the_other_pulls_harder() -> None:
    dead = forces(Movement.GRIN, Palsy.peripheral(Side.LEFT, Grade.VI), Side.LEFT)
    assert set(dead.values()) == {0.0}
    healthy = forces(Movement.GRIN, Palsy.none(), Side.RIGHT)
    beside_dead = forces(Movement.GRIN, Palsy.peripheral(Side.LEFT, Grade.VI), Side.RIGHT)
    assert beside_dead[Muscle.ZYGOMATICUS] > healthy[Muscle.ZYGOMATICUS]


def test_the_mouth_is_dragged_to_the_healthy_side() -> None:
    assert drive(Movement.GRIN, Palsy.peripheral(Side.LEFT, Grade.VI)).drag < 0
    assert drive(Movement.REST, Palsy.peripheral(Side.RIGHT, Grade.VI)).drag > 0


@pytest.mark.parametrize("movement", EYE_CLOSURES)
def test_a_weak_lid_hardly_comes_down_and_the_eye_rolls_up(movement: Movement) -> None:
    palsy = Palsy.peripheral(Side.LEFT, Grade.VI)
    activation, rest = drive(movement, palsy), drive(Movement.REST, palsy)
    assert activation.left.closure - rest.left.closure == pytest.approx(0.2)  # the levator lets go
    assert 0.9 < activation.left.bell < 1
    if movement is Movement.WINK:
        assert activation.right.closure == 0
    else:
        assert activation.right.closure == 1
        assert activation.right.bell == 0


def test_bells_phenomenon_can_be_absent() -> None:
    activation = drive(Movement.CLOSE_EYES_LIGHTLY, Palsy.peripheral(Side.LEFT, Grade.VI), bell=0)
    assert activation.left.bell == 0


def test_rest_shows_lost_tone_only() -> None:
    assert drive(Movement.REST, Palsy.peripheral(Side.LEFT, Grade.IV)).left.closure == 0
    limp = drive(Movement.REST, Palsy.peripheral(Side.LEFT, Grade.VI)).left
    assert limp.closure < 0  # the fissure is wider
    assert limp.folds["nasolabial"] < 0  # the fold is flat
    assert limp.fields["browOuterUp"] < 0


def test_late_palsy_narrows_the_fissure_and_shows_synkinesis() -> None:
    late = Palsy.peripheral(Side.LEFT, Grade.IV, late=True)
    assert drive(Movement.REST, late).left.closure > 0
    brow = forces(Movement.WRINKLE_FOREHEAD, late, Side.LEFT)
    assert brow[Muscle.ZYGOMATICUS] > 0
    plain = forces(Movement.WRINKLE_FOREHEAD, Palsy.peripheral(Side.LEFT, Grade.IV), Side.LEFT)
    assert Muscle.ZYGOMATICUS not in plain


def test_a_central_palsy_spares_the_forehead() -> None:
    activation = drive(Movement.WRINKLE_FOREHEAD, Palsy.central(Side.LEFT, Grade.VI))
    assert activation.left.fields["browInnerUp"] > 0.8 * activation.right.fields["browInnerUp"]


def test_intensity_scales_effort() -> None:
    half = drive(Movement.GRIN, Palsy.none(), intensity=0.5).left.fields["mouthSmile"]
    assert half == pytest.approx(drive(Movement.GRIN, Palsy.none()).left.fields["mouthSmile"] / 2)


def test_one_branch_alone() -> None:
    data = {"left": {"function": {"marginal": 0.0, "cervical": 0.0}}}
    palsy = Palsy.from_dict(data)
    assert palsy.right == SidePalsy()
    activation = drive(Movement.DEPRESS_LIP, palsy)
    assert activation.left.fields["mouthLowerDown"] == 0
    assert (
        drive(Movement.WRINKLE_FOREHEAD, palsy).left
        == drive(Movement.WRINKLE_FOREHEAD, Palsy.none()).left
    )


def test_a_healthy_person_winks_the_requested_eye() -> None:
    for side in Side:
        activation = drive(Movement.WINK, Palsy.none(), wink=side)
        assert activation.of(side).closure == 1
        assert activation.of(side.other).closure == 0
    assert drive(Movement.WINK, Palsy.peripheral(Side.RIGHT, Grade.II)).right.closure > 0.5


def test_a_slack_cheek_balloons_and_weak_lips_leak() -> None:
    def cheeks(palsy: Palsy) -> tuple[float, float]:
        activation = drive(Movement.PUFF_CHEEKS, palsy)
        return activation.left.fields["cheekPuff"], activation.right.fields["cheekPuff"]

    healthy, mild, dead = (
        cheeks(palsy)
        for palsy in (
            Palsy.none(),
            Palsy.peripheral(Side.LEFT, Grade.III),
            Palsy.peripheral(Side.LEFT, Grade.VI),
        )
    )
    assert healthy[0] == healthy[1] > mild[1] > dead[1] > 0, "breath is lost through weak lips"
    assert mild[0] > 1.05 * mild[1]
    assert dead[0] > 1.2 * dead[1]
    assert drive(Movement.PUFF_CHEEKS, Palsy.none()).sealed == 1
    assert drive(Movement.PUFF_CHEEKS, Palsy.peripheral(Side.LEFT, Grade.VI)).sealed == 0
