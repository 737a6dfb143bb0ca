"""Targets from labels, and losses and metrics of predictions, in numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from palsynth.clinical import Branch, Grade, Movement, Palsy, Side, SidePalsy
from palsynth.data.examples import Example, labels, stack
from palsynth.encoders import expression, judge, reader, reading
from palsynth.encoders.base import Features
from palsynth.encoders.expression import ExpressionEncoder, ExpressionObjective
from palsynth.encoders.judge import JudgeObjective
from palsynth.encoders.reader import ReaderObjective
from palsynth.encoders.reading import (
    PalsyPrediction,
    ReadingHead,
    Truth,
    encode_targets,
    palsy_losses,
    palsy_metrics,
    truth,
)

NAN = math.nan


def targets_of(*rows: tuple[Movement | None, Palsy | None]) -> Truth:
    examples = [Example(np.zeros((1, 1, 3), np.uint8), 0, **labels(*row)) for row in rows]
    return truth({n: torch.from_numpy(a) for n, a in stack(examples).items()})


def test_the_weak_side_is_the_patients() -> None:
    targets = targets_of(
        (Movement.GRIN, Palsy.weakness(Side.LEFT, 0.5)),
        (Movement.GRIN, Palsy.weakness(Side.RIGHT, 0.5)),
        (Movement.GRIN, Palsy.none()),
        (Movement.GRIN, Palsy.bilateral(Grade.VI, Grade.IV)),
        (Movement.GRIN, Palsy.bilateral(Grade.IV, Grade.VI)),
        (Movement.GRIN, Palsy.bilateral(Grade.IV, Grade.IV)),
        (Movement.GRIN, None),
    )
    assert reading.SIDES == (None, Side.LEFT, Side.RIGHT)
    assert targets.side.tolist() == [1, 2, 0, 1, 2, 0, -1]


def test_weakness_is_weighted_by_the_branches_of_the_movement() -> None:
    """Grinning uses the muscle of the mouth's corner (zygomatic and buccal) and, weighted 0.9, that
    of the lower lip (marginal); closing an eye is 0.8 zygomatic, 0.2 temporal; rest is tone."""
    assert reading._branch_weights()[8].tolist() == pytest.approx(
        [0, 0.5 / 1.9, 0.5 / 1.9, 0.9 / 1.9, 0, 0]
    )
    assert reading._branch_weights()[4].tolist() == pytest.approx([0.2, 0.8, 0, 0, 0, 0])
    assert reading._branch_weights()[0].tolist() == [0, 0, 0, 0, 0, 1]
    left = SidePalsy(dict(zip(Branch, (0.1, 0.2, 0.3, 0.4, 0.5), strict=True)), tone=0.6)
    palsy = Palsy(left, SidePalsy(dict.fromkeys(Branch, 0.9), tone=0.8))
    targets = targets_of(
        (Movement.WINK, palsy), (Movement.REST, palsy), (Movement.GRIN, palsy), (None, palsy)
    )
    assert targets.movement.tolist() == [4, 0, 8, -1]
    grin = 1 - (0.5 * 0.2 + 0.5 * 0.3 + 0.9 * 0.4) / 1.9
    expected = [[1 - 0.18, 0.1], [0.4, 0.2], [grin, 0.1]]
    assert torch.allclose(targets.weakness[:3], torch.tensor(expected), atol=1e-6)
    assert targets.weakness[3].isnan().all()
    assert targets.state[0].tolist()[0] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    assert targets.state[0].tolist()[1] == pytest.approx([0.9, 0.9, 0.9, 0.9, 0.9, 0.8])


def test_a_head_lists_movement_side_state_and_weakness() -> None:
    head = ReadingHead(4)
    with torch.no_grad():
        head.linear.weight.zero_()
        head.linear.bias.copy_(torch.arange(28.0) / 10)
    found = head(torch.zeros(2, 4))
    assert found.movement[1].tolist() == pytest.approx([k / 10 for k in range(11)])
    assert found.side[1].tolist() == pytest.approx([1.1, 1.2, 1.3])
    left, right = found.state.logit()[1].tolist()
    assert left == pytest.approx([1.4, 1.5, 1.6, 1.7, 1.8, 1.9], abs=1e-5)
    assert right == pytest.approx([2.0, 2.1, 2.2, 2.3, 2.4, 2.5], abs=1e-5)
    assert found.weakness.logit()[1].tolist() == pytest.approx([2.6, 2.7], abs=1e-5)


def known() -> tuple[PalsyPrediction, Truth]:
    """Two pictures; few labels of the second are known."""
    predictions = PalsyPrediction(
        torch.zeros(2, 11),
        torch.tensor([[0.0, math.log(2), 0.0], [9.0, 0.0, 0.0]]),
        torch.full((2, 2, 6), 0.5),
        torch.tensor([[0.2, 0.4], [0.6, 0.8]]),
    )
    state = torch.full((2, 2, 6), NAN)
    state[0] = torch.tensor([[1.0] * 6, [0.5] * 6])
    targets = Truth(
        torch.tensor([8, -1]),
        torch.tensor([1, -1]),
        state,
        torch.tensor([[0.5, 0.4], [NAN, 0.0]]),
    )
    return predictions, targets


def test_losses_are_means_over_what_is_known() -> None:
    losses = palsy_losses(*known())
    assert losses["movement"].item() == pytest.approx(math.log(11))
    assert losses["side"].item() == pytest.approx(
        math.log(2)
    )  # twice as probable as each other class
    assert losses["state"].item() == pytest.approx(0.125)
    assert losses["weakness"].item() == pytest.approx((0.09 + 0 + 0.64) / 3)
    predictions, _ = known()
    unknown = torch.tensor([-1, -1])
    targets = Truth(unknown, unknown, torch.full((2, 2, 6), NAN), torch.full((2, 2), NAN))
    assert {float(v) for v in palsy_losses(predictions, targets).values()} == {0.0}


def test_figures_are_accuracies_and_the_mean_error() -> None:
    movement = torch.eye(11)[[8, 3, 0, 4]]
    side = torch.eye(3)[[1, 2, 0, 1]]
    weakness = torch.tensor([[0.2, 0.4]] * 4)
    targets = Truth(
        torch.tensor([8, 3, 0, 5]),
        torch.tensor([1, 1, 0, 2]),
        torch.zeros(4, 2, 6),
        torch.tensor([[0.3, 0.1]] * 4),
    )
    predictions = PalsyPrediction(movement, side, torch.zeros(4, 2, 6), weakness)
    assert palsy_metrics(predictions, targets) == {
        "validation/movement": 0.75,
        "validation/side": 0.5,
        "validation/weakness": pytest.approx(0.2),
    }


def test_a_code_holds_the_movement_then_the_left_and_the_right() -> None:
    left = SidePalsy(dict(zip(Branch, (0.1, 0.2, 0.3, 0.4, 0.5), strict=True)), tone=0.6)
    code = encode_targets(targets_of((Movement.WINK, Palsy(left)), (None, None)))
    assert code[0].tolist() == pytest.approx(
        [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 1, 1, 1, 1, 1, 1]
    )
    assert code[1].tolist() == [0] * 11 + [1] * 12


class Constant(nn.Module):
    """Outputs the same vector and map for every picture; the pictures must be in 0 … 1."""

    features = 2

    def __init__(self, vector: list[float] | list[list[float]], level: float = 0.0) -> None:
        super().__init__()
        self.vector = nn.Parameter(torch.tensor(vector))
        self.level = level

    def forward(self, images: Tensor) -> Features:
        assert images.max() == 1
        vector = self.vector.expand(len(images), -1)
        return Features(vector, torch.full((len(images), 1, 7, 7), self.level))


def test_the_expression_is_the_face_minus_the_identity() -> None:
    encoder = ExpressionEncoder(Constant([5.0, 1.0], 7.0), Constant([2.0, 4.0], 3.0))
    found = encoder(torch.ones(2, 3, 8, 8))
    assert found.vector.tolist() == [[3.0, -3.0]] * 2
    assert found.map.unique().tolist() == [4.0]


@pytest.fixture
def fixed_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Losses of 1, 2, 3 and 4 for any prediction."""
    parts = dict(zip(("movement", "side", "state", "weakness"), torch.arange(1.0, 5), strict=True))
    for module in (expression, judge, reader):
        monkeypatch.setattr(module, "palsy_losses", lambda predictions, targets: dict(parts))


BATCH: dict[str, Tensor] = {
    "image": torch.full((2, 4, 4, 3), 255, dtype=torch.uint8),
    "movement": torch.tensor([8, 0]),
    "function": torch.ones(2, 2, 5),
    "tone": torch.ones(2, 2),
    "vector": torch.zeros(2, 512),
    "points": torch.zeros(2, 478, 2),
}


@pytest.mark.usefixtures("fixed_parts")
def test_state_and_weakness_are_weighted_fivefold() -> None:
    rng = torch.Generator()

    def network(*_: Any) -> None:
        return None

    for objective in (JudgeObjective, ReaderObjective):
        losses = objective(network)(BATCH, rng)  # type: ignore[arg-type]
        assert losses.total.item() == 1 + 2 + 5 * (3 + 4)
        assert [v.item() for v in losses.parts.values()] == [1, 2, 3, 4]


@pytest.mark.usefixtures("fixed_parts")
def test_the_unexplained_feature_is_penalised() -> None:
    """Features (3, 0) and (1, 0) without explanation: sum of squares 10, about their mean 2."""
    face, identity = Constant([[4.0, 0.0], [2.0, 0.0]]), Constant([1.0, 0.0])
    objective = ExpressionObjective(face, identity, invariance=6.0)  # type: ignore[arg-type]
    for parameter in objective.explain.parameters():
        nn.init.zeros_(parameter)
    losses = objective(BATCH, torch.Generator())
    assert losses.parts["unexplained"].item() == pytest.approx(10 / 12)
    assert losses.total.item() == pytest.approx(38 + 6 * 10 / 12)
    losses.total.backward()
    assert face.vector.grad is not None
    assert identity.vector.grad is None
    assert objective.frozen == ("identity",)
