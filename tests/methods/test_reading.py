"""Recognition of movement and palsy in expression images."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from palsynth.clinical import Branch, Grade, Movement, Palsy, Side
from palsynth.errors import InputError
from palsynth.face.detect import detect_face
from palsynth.face.face import Face
from palsynth.face.framing import RECOGNISER
from palsynth.methods import reading
from palsynth.methods.base import TargetExpression
from palsynth.methods.reading import as_targets, read_movements_and_sides, read_targets
from palsynth.subjects import View, render, sample


def grinning(seed: int, side: Side) -> Face:
    palsy = Palsy.peripheral(side, Grade.V)
    return detect_face(render(sample(seed), Movement.GRIN, palsy, view=View(192)).image)


@pytest.mark.parametrize("side", list(Side))
def test_the_weak_side_is_recognised(side: Side) -> None:
    found = read_targets([grinning(31, side).aligned(RECOGNISER, 112).image])[0]
    assert found.movement is Movement.GRIN
    weak, strong = (np.mean(list(found.palsy.of(s).function.values())) for s in (side, side.other))
    assert weak < strong - 0.3


@pytest.mark.parametrize("side", list(Side))
def test_movement_and_weak_side_are_recognised(side: Side) -> None:
    crops = [grinning(31, side).aligned(RECOGNISER, 112).image]
    assert read_movements_and_sides(crops, None, tuple(Movement)) == [(Movement.GRIN, side)]


def test_the_most_probable_of_the_known_movements_is_recognised(
    monkeypatch: pytest.MonkeyPatch, face: Face
) -> None:
    """Whatever their order; sides are neither, left and right."""
    predictions = SimpleNamespace(
        movement=torch.tensor([[0.0, 0.1, 1.0], [0.3, 0.2, 1.0]]),
        side=torch.tensor([[0.0, 1.0, 0.5], [0.9, 0.1, 0.2]]),
    )

    class Reader:
        head = SimpleNamespace(movements=(Movement.REST, Movement.WHISTLE, Movement.GRIN))

        def __call__(self, vectors: torch.Tensor, points: torch.Tensor) -> SimpleNamespace:
            return predictions

    monkeypatch.setattr(reading, "_reader", Reader)
    crops = [face.aligned(RECOGNISER, 112).image] * 2
    assert read_movements_and_sides(crops, None, (Movement.WHISTLE, Movement.REST)) == [
        (Movement.WHISTLE, Side.LEFT),
        (Movement.REST, None),
    ]
    with pytest.raises(InputError, match="the network does not know the movement 'wink'"):
        read_movements_and_sides(crops, None, (Movement.WINK,))


def test_predictions_are_assigned_to_sides_branches_and_movements(
    monkeypatch: pytest.MonkeyPatch, face: Face
) -> None:
    """The patient's left side first; five branches from the brow down, then tone. Movements are in
    the order of the reader's head."""
    logits = torch.tensor([[0.0, 0.0, 1.0]])
    head = SimpleNamespace(movements=(Movement.REST, Movement.WHISTLE, Movement.GRIN))
    state = torch.tensor([[[0.1, 0.2, 0.3, 0.4, 0.5, 0.6], [0.9, 0.8, 0.7, 0.65, 0.55, 0.45]]])
    predictions = SimpleNamespace(movement=logits, state=state)

    class Reader:
        def __call__(self, vectors: torch.Tensor, points: torch.Tensor) -> SimpleNamespace:
            return predictions

    Reader.head = head  # type: ignore[attr-defined]
    monkeypatch.setattr(reading, "_reader", Reader)
    (found,) = read_targets([face.aligned(RECOGNISER, 112).image])
    assert found.movement is Movement.GRIN
    left, right = found.palsy.left, found.palsy.right
    branches = (Branch.TEMPORAL, Branch.ZYGOMATIC, Branch.BUCCAL, Branch.MARGINAL, Branch.CERVICAL)
    assert [left.function[b] for b in branches] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])
    assert [right.function[b] for b in branches] == pytest.approx([0.9, 0.8, 0.7, 0.65, 0.55])
    assert (left.tone, right.tone) == (pytest.approx(0.6), pytest.approx(0.45))


def test_only_unknown_targets_are_recognised_and_the_order_is_preserved(
    monkeypatch: pytest.MonkeyPatch, face: Face, astronaut: Face
) -> None:
    known = TargetExpression(Movement.WINK, Palsy.none())
    recognised = [TargetExpression(m, Palsy.none()) for m in (Movement.GRIN, Movement.REST)]
    recorded: list[np.ndarray] = []

    def recognise(crops: list[np.ndarray], points: list[np.ndarray]) -> list[TargetExpression]:
        recorded.extend(crops)
        return recognised

    monkeypatch.setattr(reading, "read_targets", recognise)
    assert as_targets([astronaut, face, face], [None, known, None]) == [
        recognised[0],
        known,
        recognised[1],
    ]
    crops = [f.aligned(RECOGNISER, 112).image for f in (astronaut, face)]
    assert all(np.array_equal(a, b) for a, b in zip(recorded, crops, strict=True))
