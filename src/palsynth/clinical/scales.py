"""The clinical scales: items, sums and bands, and this project's conversions to them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

from palsynth.clinical.grades import Grade
from palsynth.clinical.movements import YANAGIHARA, Movement
from palsynth.clinical.nerve import Branch, Side
from palsynth.clinical.palsy import Palsy, SidePalsy

PARTIAL_FROM, NORMAL_FROM = 0.25, 0.75
"""Function from which an item scores 2 and 4. A convention of this project: the scale is defined
by visual assessment, not by a fraction of force."""


def item_score(palsy: Palsy, movement: Movement) -> int:
    """Yanagihara item score of a palsy in a movement.

    Args:
        palsy: the palsy.
        movement: the movement of the item.

    Returns:
        The score of the weaker side: 0, 2 or 4.
    """
    function = min(palsy.movement_function(movement, side) for side in Side)
    return score_of_function(function)


def score_of_function(function: float) -> int:
    """Yanagihara item score of a function (a convention, see :data:`PARTIAL_FROM`).

    Args:
        function: function of a side in a movement, 0 … 1.

    Returns:
        0, 2 or 4.

    Example:
        >>> [score_of_function(f) for f in (0.1, 0.5, 0.9)]
        [0, 2, 4]
    """
    if function >= NORMAL_FROM - 1e-9:
        return 4
    return 2 if function >= PARTIAL_FROM - 1e-9 else 0


def yanagihara_total(palsy: Palsy) -> int:
    """Yanagihara total of a palsy.

    Args:
        palsy: the palsy.

    Returns:
        Sum of the ten item scores, an even number from 0 to 40.

    Example:
        >>> yanagihara_total(Palsy.none())
        40
    """
    return sum(item_score(palsy, m) for m in YANAGIHARA)


def yanagihara_band(total: int, synkinesis: bool = False) -> str:
    """Severity band of a Yanagihara total.

    Args:
        total: an even number from 0 to 40.
        synkinesis: whether there is moderate or stronger synkinesis, which rules out recovery.

    Returns:
        ``recovered`` from 36 up and without synkinesis, ``mild`` from 20 up, ``moderate`` from 10
        to 18, ``severe`` up to 8.

    Raises:
        ValueError: ``total`` is not a total of the scale.

    Example:
        >>> yanagihara_band(38), yanagihara_band(38, synkinesis=True), yanagihara_band(8)
        ('recovered', 'mild', 'severe')
    """
    if not 0 <= total <= 40 or total % 2:
        raise ValueError(f"a Yanagihara total is an even number from 0 to 40, not {total}")
    if total >= 36 and not synkinesis:
        return "recovered"
    if total >= 20:
        return "mild"
    return "moderate" if total >= 10 else "severe"


def palsy_from_yanagihara(total: int, side: Side) -> Palsy:
    """A palsy of one side that has a given Yanagihara total.

    Of the many palsies with this total, the one whose branch functions differ least from one
    another is returned (a convention of this project).

    Args:
        total: an even number from 0 to 40.
        side: the patient's side that has the palsy.

    Returns:
        A palsy whose :func:`yanagihara_total` is ``total``.

    Raises:
        ValueError: ``total`` is not a total of the scale, or no palsy of this model has it.
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
            unevenness = sum((v - mean) ** 2 for v in values) + 0.25 * (tone - mean) ** 2
            # a small second term prefers, among equally even palsies, the one whose mean
            # function agrees with the total
            cost = unevenness + 1e-3 * abs(mean - total / 40)
            if best is None or cost < best[0]:
                best = cost, palsy
    if best is None:
        raise ValueError(f"no palsy of this model has a Yanagihara total of {total}")
    return best[1]


def house_brackmann(palsy: Palsy) -> Grade:
    """The nearest House-Brackmann grade of the weaker side (a convention of this project).

    The grade follows from the mean function over the nine voluntary movements; the bounds lie
    between the means of the presets of :meth:`Palsy.peripheral`.

    Args:
        palsy: the palsy.

    Returns:
        The grade, of the weaker side.

    Example:
        >>> house_brackmann(Palsy.peripheral(Side.RIGHT, Grade.IV)).value
        'IV'
    """
    side = palsy.weak_side
    if side is None:
        side = Side.LEFT
    voluntary = [m for m in YANAGIHARA if m is not Movement.REST]
    function = sum(palsy.movement_function(m, side) for m in voluntary) / len(voluntary)
    bounds = [(0.95, Grade.I), (0.72, Grade.II), (0.47, Grade.III), (0.22, Grade.IV)]
    for lower_bound, grade in bounds:
        if function >= lower_bound:
            return grade
    return Grade.V if function >= 0.04 else Grade.VI


@dataclass(frozen=True)
class Sunnybrook:
    """Scores of the Sunnybrook facial grading system (Ross 1996).

    Attributes:
        eye: resting asymmetry of the eye, 0 or 1.
        cheek: resting asymmetry of the cheek, 0 … 2.
        mouth: resting asymmetry of the mouth, 0 or 1.
        voluntary: voluntary movement of each of :attr:`ITEMS`, 1 … 5.
        synkinesis: synkinesis in each of :attr:`ITEMS`, 0 … 3.

    Raises:
        ValueError: an item has no score or a score is out of range.
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
        """Composite score: 4 × voluntary − 5 × resting − synkinesis.

        Healthy people score 65–100, not always 100.
        """
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
    """Sunnybrook scores of a palsy (a convention of this project).

    Args:
        palsy: the palsy.
        side: the patient's side that is graded.

    Returns:
        The items of that side.
    """
    state = palsy.of(side)
    tone_loss = 1.0 - state.tone
    synkinesis = round(3 * max([0.0, *state.synkinesis.values()]))
    return Sunnybrook(
        eye=int(tone_loss > 0.25),
        cheek=int(tone_loss > 0.25) + int(tone_loss > 0.75),
        mouth=int(tone_loss > 0.25),
        voluntary={
            item: 1 + round(4 * palsy.movement_function(m, side))
            for item, m in _SUNNYBROOK_MOVEMENT.items()
        },
        synkinesis=dict.fromkeys(Sunnybrook.ITEMS, synkinesis),
    )
