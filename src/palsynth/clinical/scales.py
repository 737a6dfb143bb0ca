"""The clinical scales: their items, arithmetic and bands, and this project's conversions."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

from palsynth.clinical.movements import YANAGIHARA, Movement
from palsynth.clinical.nerve import Branch, Side
from palsynth.clinical.palsy import Grade, Palsy, SidePalsy

PARTIAL_FROM, NORMAL_FROM = 0.25, 0.75
"""Function at which an item scores 2 and 4. A convention of this project: the scale is
defined by what a physician sees, not by a fraction of force."""


def item_score(palsy: Palsy, movement: Movement) -> int:
    """Yanagihara item score of a palsy, 0, 2 or 4: that of the weaker side."""
    function = min(palsy.movement_function(movement, side) for side in Side)
    return score_of_function(function)


def score_of_function(function: float) -> int:
    """Item score of a function between 0 and 1 (convention, see PARTIAL_FROM)."""
    if function >= NORMAL_FROM - 1e-9:
        return 4
    return 2 if function >= PARTIAL_FROM - 1e-9 else 0


def yanagihara_total(palsy: Palsy) -> int:
    """Sum of the ten item scores, 0 … 40."""
    return sum(item_score(palsy, m) for m in YANAGIHARA)


def yanagihara_band(total: int, synkinesis: bool = False) -> str:
    """Band of a total: recovered, mild, moderate or severe.

    36 and above counts as recovered where there is no moderate ``synkinesis``;
    20 and above is mild, 10 to 18 moderate, 8 and below severe.
    """
    if not 0 <= total <= 40 or total % 2:
        raise ValueError(f"a Yanagihara total is an even number from 0 to 40, not {total}")
    if total >= 36 and not synkinesis:
        return "recovered"
    if total >= 20:
        return "mild"
    return "moderate" if total >= 10 else "severe"


def palsy_from_yanagihara(total: int, side: Side) -> Palsy:
    """A palsy of one side whose ten items sum to ``total``.

    Many do; this is the most even one: the branch functions that differ least from
    one another (convention). Raises ValueError for a total the scale does not have.
    """
    yanagihara_band(total)
    steps = (0.0, 0.125, 0.375, 0.5, 0.625, 0.875, 1.0)
    best: tuple[float, Palsy] | None = None
    for temporal, zygomatic, buccal, lower in itertools.product(steps, repeat=4):
        values = (temporal, zygomatic, buccal, lower)
        function = dict(zip(Branch, (*values, lower), strict=True))
        for tone in (0.0, 0.5, 1.0):
            palsy = Palsy.on(side, SidePalsy(function, tone))
            if yanagihara_total(palsy) != total:
                continue
            mean = sum(values) / 4
            uneven = sum((v - mean) ** 2 for v in values) + 0.25 * (tone - mean) ** 2
            # among equally even ones the tone that a grade would have, better kept than lost
            cost = uneven + 1e-3 * abs(mean - total / 40)
            if best is None or cost < best[0]:
                best = cost, palsy
    if best is None:
        raise ValueError(f"no palsy of this model has a Yanagihara total of {total}")
    return best[1]


def house_brackmann(palsy: Palsy) -> Grade:
    """The nearest House-Brackmann grade of the weaker side (convention).

    The mean function of the movements decides; the bounds lie between the presets' means.
    """
    side = palsy.weak_side
    if side is None:
        side = Side.LEFT
    voluntary = [m for m in YANAGIHARA if m is not Movement.REST]
    function = sum(palsy.movement_function(m, side) for m in voluntary) / len(voluntary)
    bounds = [(0.95, Grade.I), (0.72, Grade.II), (0.47, Grade.III), (0.22, Grade.IV)]
    for least, grade in bounds:
        if function >= least:
            return grade
    return Grade.V if function >= 0.04 else Grade.VI


@dataclass(frozen=True)
class Sunnybrook:
    """The Sunnybrook facial grading system (Ross 1996).

    ``eye`` 0–1, ``cheek`` 0–2, ``mouth`` 0–1 at rest; ``voluntary`` 1–5 and ``synkinesis``
    0–3 for brow, gentle closure, open smile, snarl and pucker.
    """

    eye: int
    cheek: int
    mouth: int
    voluntary: Mapping[str, int]
    synkinesis: Mapping[str, int]

    ITEMS = ("brow", "gentle closure", "open smile", "snarl", "pucker")

    def __post_init__(self) -> None:
        ranges = [("eye", self.eye, 0, 1), ("cheek", self.cheek, 0, 2), ("mouth", self.mouth, 0, 1)]
        for item in self.ITEMS:
            if item not in self.voluntary or item not in self.synkinesis:
                raise ValueError(f"Sunnybrook: no score for '{item}'")
            ranges.append((f"voluntary {item}", self.voluntary[item], 1, 5))
            ranges.append((f"synkinesis {item}", self.synkinesis[item], 0, 3))
        for name, value, low, high in ranges:
            if not low <= value <= high:
                raise ValueError(f"Sunnybrook: {name} is {value}, it runs from {low} to {high}")

    @property
    def composite(self) -> int:
        """Voluntary − resting − synkinesis. Healthy people score 65–100, not always 100."""
        resting = 5 * (self.eye + self.cheek + self.mouth)
        return 4 * sum(self.voluntary.values()) - resting - sum(self.synkinesis.values())


_SUNNYBROOK_MOVEMENT = {
    "brow": Movement.WRINKLE_FOREHEAD,
    "gentle closure": Movement.CLOSE_EYES_LIGHTLY,
    "open smile": Movement.GRIN,
    "snarl": Movement.WRINKLE_NOSE,
    "pucker": Movement.WHISTLE,
}


def sunnybrook(palsy: Palsy, side: Side) -> Sunnybrook:
    """Sunnybrook scores that a palsy would get on one side (convention)."""
    state = palsy.of(side)
    limp = 1.0 - state.tone
    links = [0.0, *state.synkinesis.values()]
    dragged = round(3 * max(links))
    return Sunnybrook(
        eye=int(limp > 0.25),
        cheek=int(limp > 0.25) + int(limp > 0.75),
        mouth=int(limp > 0.25),
        voluntary={
            item: 1 + round(4 * palsy.movement_function(m, side))
            for item, m in _SUNNYBROOK_MOVEMENT.items()
        },
        synkinesis=dict.fromkeys(Sunnybrook.ITEMS, dragged),
    )
