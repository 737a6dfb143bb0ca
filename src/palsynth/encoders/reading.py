"""Reading an expression from a feature: which movement, which side, how weak each branch.

Used where E_Face is tuned and by the judge, which share this head and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from palsynth.clinical import Branch, Movement, Palsy, Side, SidePalsy
from palsynth.data.examples import MOVEMENTS, UNKNOWN
from palsynth.errors import InputError

SIDES = (None, *Side)
"""Class number -> weak side; None where both work alike."""

STATE = len(Branch) + 1
"""Numbers that say how one side works: each branch's function, and the tone."""


MOVEMENTS_OF_0_1 = (
    "rest", "wrinkle-forehead", "close-eyes-lightly", "close-eyes-tightly", "wink",
    "wrinkle-nose", "puff-cheeks", "whistle", "grin", "depress-lip", "blink",
)  # fmt: skip
"""Movements of a network whose config names none, as palsynth 0.1 wrote it."""

MOVEMENTS_NOW = tuple(movement.value for movement in MOVEMENTS)
"""Names that a network gets that is trained now; its config keeps them, like transformers'
``id2label``."""


class PalsyPrediction(NamedTuple):
    """``movement`` (N, M) logits of the movements that the network knows, ``side`` (N, 3) logits;
    ``state`` (N, 2, 6) function of each branch and tone of the patient's left and right;
    ``weakness`` (N, 2) of each side in this movement. State and weakness lie in 0 … 1."""

    movement: Tensor
    side: Tensor
    state: Tensor
    weakness: Tensor


def known_movements(names: Sequence[str]) -> tuple[Movement, ...]:
    """The movements that a network was trained on. Raises InputError for a name without a meaning
    here."""
    unknown = sorted(set(names) - {movement.value for movement in Movement})
    if unknown:
        raise InputError(
            f"the network knows the movement '{unknown[0]}', which this palsynth does not; use the "
            "version that trained it"
        )
    return tuple(Movement(name) for name in names)


def class_numbers(known: Sequence[Movement], requested: Sequence[Movement]) -> list[int]:
    """Class numbers of movements in a network that knows others. Raises InputError naming one that
    it does not know."""
    for movement in requested:
        if movement not in known:
            raise InputError(
                f"the network does not know the movement '{movement.value}'; train it on pictures "
                "that show it"
            )
    return [known.index(movement) for movement in requested]


class ReadingHead(nn.Module):
    """A linear layer from a feature (N, dim) to a :class:`PalsyPrediction` of ``movements``, by name."""

    def __init__(self, dim: int, movements: Sequence[str] = MOVEMENTS_NOW) -> None:
        super().__init__()
        self.movements = known_movements(movements)
        self.sizes = (len(movements), len(SIDES), 2 * STATE, 2)
        self.linear = nn.Linear(dim, sum(self.sizes))

    def forward(self, feature: Tensor) -> PalsyPrediction:
        """What the feature says."""
        movement, side, state, weakness = self.linear(feature).float().split(self.sizes, 1)
        return PalsyPrediction(
            movement, side, state.sigmoid().view(-1, 2, STATE), weakness.sigmoid()
        )


class Truth(NamedTuple):
    """What a batch's labels say, in the shapes of a Reading. NaN and -1 are not known."""

    movement: Tensor
    side: Tensor
    state: Tensor
    weakness: Tensor


def truth(batch: dict[str, Tensor]) -> Truth:
    """The truth of a batch with ``movement``, ``function`` and ``tone``."""
    state = torch.cat([batch["function"], batch["tone"][..., None]], -1).float()
    left, right = state.sum(-1).unbind(1)
    side = torch.where((left - right).abs() < 1e-4, 0, torch.where(left < right, 1, 2))
    side = torch.where(state.isnan().any(-1).any(-1), UNKNOWN, side)
    movement = batch["movement"]
    shares = _shares().to(state.device)[movement.clamp(min=0)]
    weakness = 1 - (state * shares[:, None]).sum(-1)
    weakness = torch.where((movement == UNKNOWN)[:, None], torch.nan, weakness)
    return Truth(movement, side, state, weakness)


@lru_cache(maxsize=1)
def _shares() -> Tensor:
    """(11, 6) share of each branch and of the tone in how well a side does each movement."""
    rows = []
    for movement in MOVEMENTS:
        row = []
        for name in (*Branch, None):
            function = {b: float(b is name) for b in Branch}
            palsy = Palsy.on(Side.LEFT, SidePalsy(function, tone=float(name is None)))
            row.append(palsy.movement_function(movement, Side.LEFT))
        rows.append(row)
    return torch.tensor(rows)


def reading_losses(reading: PalsyPrediction, true: Truth) -> dict[str, Tensor]:
    """Cross-entropy of movement and side, mean squared errors of state and weakness, each over
    what is known (0 where nothing is)."""
    return {
        "movement": _cross_entropy(reading.movement, true.movement),
        "side": _cross_entropy(reading.side, true.side),
        "state": _squared(reading.state, true.state),
        "weakness": _squared(reading.weakness, true.weakness),
    }


def _cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    known = (target != UNKNOWN).sum().clamp(min=1)
    return functional.cross_entropy(logits, target, ignore_index=UNKNOWN, reduction="sum") / known


def _squared(value: Tensor, target: Tensor) -> Tensor:
    known = ~target.isnan()
    return (value - target.nan_to_num())[known].square().sum() / known.sum().clamp(min=1)


def label_code(true: Truth) -> Tensor:
    """What is known of the expression as numbers (N, M + 2 * 6), M all movements, for predicting a
    feature."""
    movement = functional.one_hot(true.movement.clamp(min=0), len(MOVEMENTS))
    known = (true.movement != UNKNOWN)[:, None]
    return torch.cat([movement * known, true.state.nan_to_num(1.0).flatten(1)], 1).float()


def reading_figures(reading: PalsyPrediction, true: Truth) -> dict[str, float]:
    """Share of movements and sides read right, mean error of the weakness."""
    right = {
        "movement": (reading.movement.argmax(1) == true.movement).float(),
        "side": (reading.side.argmax(1) == true.side).float(),
        "weakness": (reading.weakness - true.weakness).abs(),
    }
    return {f"validation/{name}": values.mean().item() for name, values in right.items()}
