"""A movement over time, against the still drive of the same movement."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from palsynth.clinical import Grade, Movement, Muscle, Palsy, Side, SidePalsy
from palsynth.errors import InputError
from palsynth.simulator.drive import Drive, drive
from palsynth.simulator.motion import Moment, MotionSettings, performance

STEADY = MotionSettings(blinks=0, fluctuation=0, variation=0, onset=0.4, hold=1.0)
PALSIES = {
    "none": Palsy.none(),
    "left IV with synkinesis": Palsy.peripheral(Side.LEFT, Grade.IV, late=True),
    "right VI": Palsy.peripheral(Side.RIGHT, Grade.VI),
    "central": Palsy.central(Side.LEFT, Grade.V),
    "bilateral": Palsy.bilateral(Grade.III, Grade.V),
}
WEAK = PALSIES["left IV with synkinesis"]


def numbers(activation: Drive) -> dict[str, float]:
    """All coefficients by name, without those that are 0."""
    out = {"drag": activation.drag, "jaw": activation.jaw, "sealed": activation.sealed}
    for side in Side:
        one = activation.of(side)
        out |= {f"{side} {n}": getattr(one, n) for n in ("closure", "bell", "smile")}
        for kind in ("fields", "folds", "forces"):
            out |= {f"{side} {kind} {n}": v for n, v in getattr(one, kind).items()}
    return {name: value for name, value in out.items() if abs(value) > 1e-9}


def smiles(moments: list[Moment], side: Side) -> np.ndarray:
    return np.array([moment.drive.of(side).smile for moment in moments])


def half_time(values: np.ndarray) -> int:
    """The first frame at which half the largest value is reached."""
    return int(np.argmax(values >= values.max() / 2))


@pytest.mark.parametrize("palsy", PALSIES.values(), ids=PALSIES)
@pytest.mark.parametrize("movement", Movement)
def test_the_apex_is_the_still_and_both_ends_are_at_rest(movement: Movement, palsy: Palsy) -> None:
    moments = performance(movement, palsy, fps=20, settings=STEADY, bell=0.9, intensity=0.8)
    rest = pytest.approx(numbers(drive(Movement.REST, palsy)))
    still = pytest.approx(numbers(drive(movement, palsy, bell=0.9, intensity=0.8)))
    shown = {k: numbers(moment.drive) for k, moment in enumerate(moments)}
    assert shown[0] == shown[len(moments) - 1] == {**rest.expected, "sealed": 1.0}
    assert all(shown[k] == still for k, m in enumerate(moments) if 1.4 <= m.time <= 1.9)


def test_effort_fluctuates_a_little_at_the_apex() -> None:
    settings = MotionSettings(blinks=0, variation=0, hold=8.0, fluctuation=0.02)
    apex = smiles(performance(Movement.GRIN, WEAK, settings=settings), Side.RIGHT)[40:200]
    assert 0.005 < apex.std() / apex.mean() < 0.04


@pytest.mark.parametrize("movement", [m for m in Movement if m is not Movement.WINK])
def test_a_healthy_face_is_symmetric_at_all_times(movement: Movement) -> None:
    for moment in performance(movement, Palsy.none(), seconds=4, fps=30, seed=3):
        assert moment.drive.left == moment.drive.right
        assert moment.drive.drag == 0


def test_a_moment_depends_on_time_and_seed_alone() -> None:
    few = performance(Movement.GRIN, WEAK, seconds=2, fps=25, seed=5)
    many = performance(Movement.GRIN, WEAK, seconds=5, fps=50, seed=5)
    assert len(few) == 50
    assert few == many[:100:2]
    assert few != performance(Movement.GRIN, WEAK, seconds=2, fps=25, seed=6)


def test_a_healthy_and_a_palsied_performance_run_side_by_side() -> None:
    weak = performance(Movement.GRIN, WEAK, seed=2)
    healthy = performance(Movement.GRIN, Palsy.none(), seed=2)
    assert [m.sway for m in weak] == [m.sway for m in healthy]


def test_the_weak_side_is_later_slower_and_smaller() -> None:
    palsy = Palsy.on(Side.LEFT, SidePalsy(dict.fromkeys(WEAK.left.function, 0.5)))
    moments = performance(Movement.GRIN, palsy, fps=100, settings=STEADY)
    weak, healthy = smiles(moments, Side.LEFT), smiles(moments, Side.RIGHT)
    assert weak.max() == pytest.approx(0.5)
    begun = [int(np.argmax(s > 0.01 * s.max())) for s in (weak, healthy)]
    assert begun[0] > begun[1]
    speed = np.diff(weak).max() / weak.max(), np.diff(healthy).max() / healthy.max()
    assert speed[0] < 0.8 * speed[1]
    released = [len(s) - int(np.argmax(s[::-1] > 0.01 * s.max())) for s in (weak, healthy)]
    assert released[0] > released[1]


def test_a_region_that_is_spared_moves_with_the_healthy_side() -> None:
    moments = performance(Movement.WRINKLE_FOREHEAD, PALSIES["central"], settings=STEADY)
    for moment in moments:
        left, right = moment.drive.left.fields, moment.drive.right.fields
        assert left.get("browOuterUp") == right.get("browOuterUp")


def test_synkinesis_follows_the_intended_movement() -> None:
    links = {(Muscle.ZYGOMATICUS, Muscle.ORBICULARIS_OCULI): 1.0}
    palsy = Palsy.on(Side.LEFT, SidePalsy(synkinesis=links))
    moments = performance(Movement.GRIN, palsy, fps=100, settings=STEADY)
    lids = np.array([m.drive.left.forces[Muscle.ORBICULARIS_OCULI] for m in moments])
    assert lids.max() == pytest.approx(0.6)
    assert 5 <= half_time(lids) - half_time(smiles(moments, Side.LEFT)) <= 15


def test_a_blink_is_incomplete_on_the_weak_side_whose_eye_rolls_up() -> None:
    palsy = Palsy.peripheral(Side.LEFT, Grade.V)
    settings = MotionSettings(blinks=30)
    moments = performance(Movement.REST, palsy, seconds=30, fps=100, settings=settings)
    closures = {s: np.array([m.drive.of(s).closure for m in moments]) for s in Side}
    assert closures[Side.RIGHT].max() == pytest.approx(1.0)
    assert closures[Side.LEFT].max() < 0.5
    assert max(m.drive.left.bell for m in moments) > 0.2
    assert max(m.drive.right.bell for m in moments) < 0.03
    closing, opening = np.diff(closures[Side.RIGHT]).max(), -np.diff(closures[Side.RIGHT]).min()
    assert 1.2 < closing / opening < 2.2


@pytest.mark.parametrize("movement", [Movement.CLOSE_EYES_LIGHTLY, Movement.WINK])
def test_eyes_closed_on_request_do_not_blink(movement: Movement) -> None:
    settings = MotionSettings(blinks=60, hold=20, start=0.0)
    moments = performance(movement, Palsy.none(), seconds=15, settings=settings, wink=Side.LEFT)
    held = [m.drive for m in moments if m.time > 1]
    assert {round(d.left.closure, 6) for d in held} == {1.0}
    assert len({round(d.right.closure, 6) for d in held}) == 1


def test_a_movement_is_repeated() -> None:
    settings = MotionSettings(blinks=0, fluctuation=0, repeats=3, rest=0.4)
    moments = performance(Movement.GRIN, Palsy.none(), settings=settings)
    values = smiles(moments, Side.LEFT)
    high = values > 0.5
    assert int((high[1:] & ~high[:-1]).sum()) == 3
    lows = values[np.argmax(high) : len(high) - np.argmax(high[::-1])]
    assert lows.min() == 0
    assert len({round(float(v), 6) for v in values if 0.2 < v < 0.8}) > 20  # not one thrice


@pytest.mark.parametrize("movement", Movement)
def test_nothing_jumps(movement: Movement) -> None:
    moments = performance(movement, WEAK, seconds=3, fps=250 * 0.96, seed=4)
    names = set().union(*(numbers(m.drive) for m in moments))
    shown = [numbers(m.drive) for m in moments]
    for name in names:
        values = [one.get(name, 0.0) for one in shown]
        step = max(abs(b - a) for a, b in pairwise(values))
        # the fastest is a blink: minimum jerk over 75 ms
        assert step < 1.05 * 1.875 / (0.075 * 240) * max(1.0, *map(abs, values)), name


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"fps": 0}, "motion: fps 0: must lie between 0.001 and 240"),
        ({"seconds": -1}, "motion: seconds -1: must lie between 0 and 600"),
        ({"intensity": 2}, "motion: intensity 2: must lie between 0 and 1.2"),
        ({"fps": float("nan")}, "motion: fps nan: must lie between 0.001 and 240"),
        (
            {"settings": MotionSettings(repeats=100, hold=60)},
            "motion: repeats, hold and rest make ",
        ),
    ],
)
def test_bad_numbers_are_refused(given: dict, message: str) -> None:
    with pytest.raises(InputError) as caught:
        performance(Movement.GRIN, Palsy.none(), **given)
    assert str(caught.value).startswith(message)


def test_bad_settings_are_refused() -> None:
    with pytest.raises(InputError, match=r"^motion: onset 0: must lie between 0.04 and 10$"):
        MotionSettings(onset=0)
    with pytest.raises(InputError, match=r"^motion: repeats 0: must lie between 1 and 100$"):
        MotionSettings(repeats=0)
