"""The condition as a class label: a movement and the weak side, or none at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from palsynth.clinical import Branch, Movement, Palsy, Side, SidePalsy
from palsynth.data.examples import MOVEMENTS, SIDES, UNKNOWN
from palsynth.encoders.reading import class_indices, known_movements


class Condition(NamedTuple):
    """What a picture is to show."""

    movement: Movement
    side: Side | None
    """The patient's weak side; None if both are equal."""


@dataclass(frozen=True)
class ConditionLabels:
    """Class labels of a model: one per movement and weak side, and the null label.

    Attributes:
        movements: names of the movements that the model knows, in class order.
    """

    movements: tuple[str, ...]

    @property
    def null(self) -> int:
        """The label of pictures without a condition, which is the last."""
        return len(self.movements) * len(SIDES)

    def encode(self, conditions: Sequence[Condition]) -> list[int]:
        """The labels of conditions.

        Args:
            conditions: N conditions.

        Returns:
            N labels.

        Raises:
            InputError: the model does not know a movement; names it.
        """
        known = known_movements(self.movements)
        classes = class_indices(known, [condition.movement for condition in conditions])
        return [
            number * len(SIDES) + SIDES.index(condition.side)
            for number, condition in zip(classes, conditions, strict=True)
        ]

    def of_example(self, movement: int, side: int) -> int:
        """The label of a training example.

        Args:
            movement: index into MOVEMENTS, or UNKNOWN.
            side: index into SIDES, or UNKNOWN.

        Returns:
            The label; the null label if either is unknown, or the model does not know the movement.
        """
        if UNKNOWN in (movement, side) or MOVEMENTS[movement].value not in self.movements:
            return self.null
        return self.encode([Condition(MOVEMENTS[movement], SIDES[side])])[0]


def weak_side(function: np.ndarray, tone: np.ndarray) -> int:
    """The weaker side of an example, by function and tone as :attr:`Palsy.weak_side`.

    Args:
        function: (2, 5) function of each branch on the patient's left and right, 0 … 1.
        tone: (2,) tone of the left and right, 0 … 1.

    Returns:
        Index into SIDES, or UNKNOWN if a number is NaN.
    """
    if np.isnan(function).any() or np.isnan(tone).any():
        return UNKNOWN
    left, right = (
        SidePalsy(dict(zip(Branch, map(float, row), strict=True)), float(t))
        for row, t in zip(function, tone, strict=True)
    )
    return SIDES.index(Palsy(left, right).weak_side)
