"""Training examples (a face crop with its labels) and the protocol of their sources.

A source is anything with ``source[n]``: the example with number n, a pure function of n. Numbers
are unbounded, so a training resumed at any number continues with the same examples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, TypedDict

import numpy as np

from palsynth.clinical import Branch, Grade, Movement, Palsy, Side
from palsynth.data.manifest import Row
from palsynth.face import topology
from palsynth.seeds import Stream, make_rng

MOVEMENTS = tuple(Movement)
"""Class number -> movement, in examples and in every classification head."""

ITEMS = (0, 2, 4)
"""Class number -> Yanagihara item score."""

GRADES = tuple(Grade)
"""Class number -> House-Brackmann grade."""

SIDES = (None, *Side)
"""Class number -> weak side; None if both sides are equal."""

UNKNOWN = -1
"""Class number of an unknown label; unknown numbers are NaN."""


@dataclass(frozen=True)
class Example:
    """One face crop with its labels.

    Attributes:
        image: (S, S, 3) uint8 RGB.
        subject: class number of the subject within its source.
        movement: index into MOVEMENTS, or UNKNOWN.
        points: (478, 2) float32 landmarks in pixels, or NaN.
        function: (2, 5) float32 function of each branch on the patient's left and right,
            0 to 1 or NaN.
        tone: (2,) float32 tone of the left and right, 0 to 1 or NaN.
        item: Yanagihara item score given by a rater, index into ITEMS, or UNKNOWN.
        grade: House-Brackmann grade given by a rater, index into GRADES, or UNKNOWN.
        side: the weak side, index into SIDES, or UNKNOWN.
    """

    image: np.ndarray
    subject: int
    movement: int = UNKNOWN
    points: np.ndarray = field(
        default_factory=lambda: np.full((topology.POINTS, 2), np.nan, np.float32)
    )
    function: np.ndarray = field(
        default_factory=lambda: np.full((len(Side), len(Branch)), np.nan, np.float32)
    )
    tone: np.ndarray = field(default_factory=lambda: np.full(len(Side), np.nan, np.float32))
    item: int = UNKNOWN
    grade: int = UNKNOWN
    side: int = UNKNOWN

    def arrays(self) -> dict[str, np.ndarray]:
        """The fields by name, for :func:`stack`."""
        return {name: np.asarray(getattr(self, name)) for name in self.__dataclass_fields__}

    def mirrored(self) -> Example:
        """The mirrored example, left and right exchanged in every label."""
        points = self.points[topology.MIRROR].copy()
        points[:, 0] = self.image.shape[1] - 1 - points[:, 0]
        return replace(
            self,
            image=np.ascontiguousarray(self.image[:, ::-1]),
            points=points,
            function=self.function[::-1].copy(),
            tone=self.tone[::-1].copy(),
            side=-self.side % len(SIDES) if self.side != UNKNOWN else UNKNOWN,
        )


class Source(Protocol):
    """Examples by number."""

    @property
    def num_subjects(self) -> int | None:
        """Number of subjects; class numbers are below it. None if unbounded or not counted."""
        ...

    def __getitem__(self, number: int) -> Any: ...


class RowExamples(Protocol):
    """The examples of a dataset's pictures, one per row of its manifest."""

    @property
    def folder(self) -> Path:
        """The dataset."""
        ...

    @property
    def rows(self) -> Sequence[Row]:
        """The rows that have an example."""
        ...

    def example(self, index: int) -> Any:
        """The example of a row, the same at each call.

        Args:
            index: index into ``rows``.

        Returns:
            The example.
        """
        ...


class Labels(TypedDict, total=False):
    """The fields of an Example that describe the expression."""

    movement: int
    function: np.ndarray
    tone: np.ndarray


def labels(movement: Movement | None, palsy: Palsy | None) -> Labels:
    """Converts a movement and a palsy to the label fields of an Example.

    Args:
        movement: the movement, or None if unknown.
        palsy: the palsy, or None if unknown.

    Returns:
        Keyword arguments for Example; unknown labels are left out.
    """
    out: Labels = {}
    if movement is not None:
        out["movement"] = MOVEMENTS.index(movement)
    if palsy is not None:
        out["function"] = np.array(
            [[palsy.of(s).function[b] for b in Branch] for s in Side], np.float32
        )
        out["tone"] = np.array([palsy.of(s).tone for s in Side], np.float32)
    return out


def shuffled(number: int, count: int, seed: int, stream: Stream) -> int:
    """Maps an example's number to an index, shuffled separately in every epoch.

    Args:
        number: number of the example.
        count: number of items; each occurs once per epoch.
        seed: seed of the source.
        stream: random stream, so that sources with one seed have different orders.

    Returns:
        The index, 0 to ``count`` - 1.
    """
    order = make_rng(seed, number // count, stream)
    return int(order.permutation(count)[number % count])


def stack(examples: Sequence[Any]) -> dict[str, np.ndarray]:
    """Collates examples into a batch.

    Args:
        examples: examples with a method ``arrays``, such as :meth:`Example.arrays`.

    Returns:
        Each of their arrays by name, stacked along a new first axis.
    """
    rows = [example.arrays() for example in examples]
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}
