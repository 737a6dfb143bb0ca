"""Predicting an expression from a feature: the movement, the weak side, each branch's function.

The expression encoder, the reader and the judge use the same head, each with its own weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from palsynth.clinical import Branch, Movement, Palsy, Side, SidePalsy
from palsynth.data.examples import MOVEMENTS, SIDES, UNKNOWN
from palsynth.errors import InputError

STATE = len(Branch) + 1
"""Numbers that describe one side: each branch's function, and the tone."""

MOVEMENTS_OF_0_1 = (
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
    "blink",
)
"""Movements of a network whose config lists none, as written by palsynth 0.1."""

MOVEMENTS_NOW = tuple(movement.value for movement in MOVEMENTS)
"""Movement names of a network trained by this version; its config lists them, like transformers'
``id2label``."""


class PalsyPrediction(NamedTuple):
    """Predictions for N images."""

    movement: Tensor
    """(N, M) logits of the movements that the network was trained on."""
    side: Tensor
    """(N, 3) logits of the weak side, in the order of SIDES."""
    state: Tensor
    """(N, 2, 6) function of each branch, and tone, of the patient's left and right; 0 … 1."""
    weakness: Tensor
    """(N, 2) weakness of the patient's left and right in this movement; 0 … 1."""


def known_movements(names: Sequence[str]) -> tuple[Movement, ...]:
    """Converts the movement names of a network's config.

    Args:
        names: names in class order.

    Returns:
        The movements in class order.

    Raises:
        InputError: this version does not define a movement of that name.
    """
    unknown = sorted(set(names) - {movement.value for movement in Movement})
    if unknown:
        raise InputError(
            f"the network knows the movement '{unknown[0]}', which this palsynth does not; use the "
            "version that trained it"
        )
    return tuple(Movement(name) for name in names)


def class_indices(known: Sequence[Movement], requested: Sequence[Movement]) -> list[int]:
    """Looks up class numbers of movements in a network.

    Args:
        known: the network's movements, in class order.
        requested: the movements to look up.

    Returns:
        Class number of each requested movement.

    Raises:
        InputError: the network was not trained on a movement; names it.
    """
    for movement in requested:
        if movement not in known:
            raise InputError(
                f"the network does not know the movement '{movement.value}'; train it on pictures "
                "that show it"
            )
    return [known.index(movement) for movement in requested]


class ReadingHead(nn.Module):
    """A linear layer from features (N, dim) to a :class:`PalsyPrediction`.

    Args:
        dim: dimension of the features.
        movements: names of the movements to predict, in class order.
    """

    def __init__(self, dim: int, movements: Sequence[str] = MOVEMENTS_NOW) -> None:
        super().__init__()
        self.movements = known_movements(movements)
        self.sizes = (len(movements), len(SIDES), 2 * STATE, 2)
        self.linear = nn.Linear(dim, sum(self.sizes))

    def forward(self, feature: Tensor) -> PalsyPrediction:
        """Features (N, dim) to predictions."""
        movement, side, state, weakness = self.linear(feature).float().split(self.sizes, 1)
        return PalsyPrediction(
            movement, side, state.sigmoid().view(-1, 2, STATE), weakness.sigmoid()
        )


class Truth(NamedTuple):
    """Targets of N images; -1 and NaN mean unknown."""

    movement: Tensor
    """(N,) class numbers of movements."""
    side: Tensor
    """(N,) class numbers of the weak side, in the order of SIDES."""
    state: Tensor
    """(N, 2, 6) function of each branch, and tone, of the patient's left and right; 0 … 1."""
    weakness: Tensor
    """(N, 2) weakness of the patient's left and right in this movement; 0 … 1."""


def truth(batch: dict[str, Tensor]) -> Truth:
    """Converts the labels of a batch to targets.

    Args:
        batch: ``movement`` (N,), ``function`` (N, 2, 5) and ``tone`` (N, 2).

    Returns:
        The targets.
    """
    state = torch.cat([batch["function"], batch["tone"][..., None]], -1).float()
    left, right = state.sum(-1).unbind(1)
    side = torch.where((left - right).abs() < 1e-4, 0, torch.where(left < right, 1, 2))
    side = torch.where(state.isnan().any(-1).any(-1), UNKNOWN, side)
    movement = batch["movement"]
    weights = _branch_weights().to(state.device)[movement.clamp(min=0)]
    weakness = 1 - (state * weights[:, None]).sum(-1)
    weakness = torch.where((movement == UNKNOWN)[:, None], torch.nan, weakness)
    return Truth(movement, side, state, weakness)


@lru_cache(maxsize=1)
def _branch_weights() -> Tensor:
    """Weight of each branch and of the tone in each movement, (11, 6); each row sums to 1."""
    rows = []
    for movement in MOVEMENTS:
        row = []
        for only in (*Branch, None):
            function = {branch: float(branch is only) for branch in Branch}
            palsy = Palsy.on(Side.LEFT, SidePalsy(function, tone=float(only is None)))
            row.append(palsy.movement_function(movement, Side.LEFT))
        rows.append(row)
    return torch.tensor(rows)


def palsy_losses(predictions: PalsyPrediction, targets: Truth) -> dict[str, Tensor]:
    """Computes cross-entropies of movement and side, mean squared errors of state and weakness.

    Args:
        predictions: of N images.
        targets: of the same images.

    Returns:
        Name -> loss (), each averaged over the known targets; 0 if none is known.
    """
    return {
        "movement": _cross_entropy(predictions.movement, targets.movement),
        "side": _cross_entropy(predictions.side, targets.side),
        "state": _mean_squared(predictions.state, targets.state),
        "weakness": _mean_squared(predictions.weakness, targets.weakness),
    }


def _cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    known = (target != UNKNOWN).sum().clamp(min=1)
    return functional.cross_entropy(logits, target, ignore_index=UNKNOWN, reduction="sum") / known


def _mean_squared(value: Tensor, target: Tensor) -> Tensor:
    known = ~target.isnan()
    return (value - target.nan_to_num())[known].square().sum() / known.sum().clamp(min=1)


def encode_targets(targets: Truth) -> Tensor:
    """Encodes the known labels as numbers, from which a feature is predicted.

    Args:
        targets: of N images.

    Returns:
        (N, M + 2 * 6) float: one-hot movement (zeros if unknown), then the state of the left and of
        the right (1 if unknown); M is the number of all movements.
    """
    movement = functional.one_hot(targets.movement.clamp(min=0), len(MOVEMENTS))
    known = (targets.movement != UNKNOWN)[:, None]
    return torch.cat([movement * known, targets.state.nan_to_num(1.0).flatten(1)], 1).float()


def palsy_metrics(predictions: PalsyPrediction, targets: Truth) -> dict[str, float]:
    """Computes the accuracy of movement and side, and the mean absolute error of the weakness.

    Args:
        predictions: of N images.
        targets: of the same images, all known.

    Returns:
        ``validation/movement``, ``validation/side`` and ``validation/weakness``, each in 0 … 1.
    """
    figures = {
        "movement": (predictions.movement.argmax(1) == targets.movement).float(),
        "side": (predictions.side.argmax(1) == targets.side).float(),
        "weakness": (predictions.weakness - targets.weakness).abs(),
    }
    return {f"validation/{name}": values.mean().item() for name, values in figures.items()}
