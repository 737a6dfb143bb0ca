"""What training sees: a face crop with everything that is known of it, and sources of them.

A source is anything with ``source[n]``: the example with number n, a pure function of n.
Numbers run on for ever, so a run that starts again at any number sees what it would have seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypedDict

import numpy as np

from palsynth.clinical import Branch, Grade, Movement, Palsy, Side
from palsynth.face import topology
from palsynth.seeds import Stream, make_rng

MOVEMENTS = tuple(Movement)
"""Class number -> movement, in examples and in every head that classifies movements."""

ITEMS = (0, 2, 4)
"""Class number -> Yanagihara item score."""

GRADES = tuple(Grade)
"""Class number -> House-Brackmann grade."""

UNKNOWN = -1
"""Class number of a label that is not known; unknown numbers are NaN."""


@dataclass(frozen=True)
class Example:
    """One face crop.

    ``image`` (S, S, 3) uint8 RGB; ``points`` (478, 2) pixels or NaN; ``subject`` class number
    within its source; ``movement`` index into MOVEMENTS; ``function`` (2, 5) of each branch on
    the patient's left and right, ``tone`` (2,), both 0 … 1 or NaN; ``item`` and ``grade`` what
    somebody scored, index into ITEMS and GRADES.
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

    def arrays(self) -> dict[str, np.ndarray]:
        """The fields by name, for a batch."""
        return {name: np.asarray(getattr(self, name)) for name in self.__dataclass_fields__}

    def mirrored(self) -> Example:
        """The example as a mirror shows it: left and right change places in every label."""
        points = self.points[topology.MIRROR].copy()
        points[:, 0] = self.image.shape[1] - 1 - points[:, 0]
        return replace(
            self,
            image=np.ascontiguousarray(self.image[:, ::-1]),
            points=points,
            function=self.function[::-1].copy(),
            tone=self.tone[::-1].copy(),
        )


class Source(Protocol):
    """Examples by number, and how many people they are of (None: without end)."""

    @property
    def num_subjects(self) -> int | None:
        """Class numbers run below this."""
        ...

    def __getitem__(self, number: int) -> Any: ...


class Labels(TypedDict, total=False):
    """The fields of an Example that say what the face does."""

    movement: int
    function: np.ndarray
    tone: np.ndarray


def labels(movement: Movement | None, palsy: Palsy | None) -> Labels:
    """Movement, function and tone as an Example holds them; what is not known is left out."""
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
    """Which of ``count`` things the example with a number shows: every round has all of them, in
    an order of its own. Sources of one seed differ by their ``stream``."""
    order = make_rng(seed, number // count, stream)
    return int(order.permutation(count)[number % count])


def stack(examples: Sequence[Any]) -> dict[str, np.ndarray]:
    """A batch: each array of the examples (see :meth:`Example.arrays`), along a new first axis."""
    rows = [example.arrays() for example in examples]
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}
