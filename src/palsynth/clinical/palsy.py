"""The palsy: how well each branch works on each side, resting tone, synkinesis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from palsynth.clinical.movements import Movement, effort
from palsynth.clinical.nerve import SUPPLY, Branch, Muscle, Side


class Grade(StrEnum):
    """House-Brackmann grades (House & Brackmann 1985)."""

    I = "I"  # noqa: E741
    II = "II"
    III = "III"
    IV = "IV"
    V = "V"
    VI = "VI"

    @property
    def number(self) -> int:
        """1 … 6."""
        return list(Grade).index(self) + 1


Link = tuple[Muscle, Muscle]
"""A synkinetic link: moving the first muscle drags the second one along."""

COMMON_LINKS: dict[Link, float] = {
    (Muscle.FRONTALIS, Muscle.ZYGOMATICUS): 0.89,
    (Muscle.ORBICULARIS_OCULI, Muscle.ZYGOMATICUS): 0.85,
    (Muscle.ORBICULARIS_ORIS, Muscle.ORBICULARIS_OCULI): 0.82,
    (Muscle.ZYGOMATICUS, Muscle.ORBICULARIS_OCULI): 0.82,
    (Muscle.ZYGOMATICUS, Muscle.FRONTALIS): 0.17,
    (Muscle.ZYGOMATICUS, Muscle.PLATYSMA): 0.5,
    (Muscle.ORBICULARIS_ORIS, Muscle.MENTALIS): 0.5,
}
"""How often 103 patients showed each link; a preset uses it as the link's relative strength,
which is a convention of this project. The last two are known without a frequency."""


@dataclass(frozen=True)
class SidePalsy:
    """One side of the face.

    ``function`` 0 dead … 1 healthy for each branch; ``tone`` 0 limp … 1 normal at rest;
    ``synkinesis`` strength 0 … 1 of each link.
    """

    function: Mapping[Branch, float] = field(default_factory=lambda: dict.fromkeys(Branch, 1.0))
    tone: float = 1.0
    synkinesis: Mapping[Link, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        missing = [b.value for b in Branch if b not in self.function]
        if missing:
            raise ValueError(f"palsy: no function given for branch {', '.join(missing)}")
        values = [("tone", self.tone)]
        values += [(b.value, f) for b, f in self.function.items()]
        values += [(f"{a.value} -> {b.value}", s) for (a, b), s in self.synkinesis.items()]
        for name, value in values:
            if not 0.0 <= value <= 1.0:
                raise ValueError(f"palsy: {name} is {value:g}, it must lie between 0 and 1")

    def strength(self, muscle: Muscle) -> float:
        """How much of a muscle's force arrives, 0 … 1."""
        return sum(share * self.function[b] for b, share in SUPPLY[muscle].items())


@dataclass(frozen=True)
class Palsy:
    """A state of both facial nerves. Immutable; build one with the class methods."""

    left: SidePalsy = field(default_factory=SidePalsy)
    right: SidePalsy = field(default_factory=SidePalsy)

    def of(self, side: Side) -> SidePalsy:
        """The state of one side."""
        return self.left if side is Side.LEFT else self.right

    @classmethod
    def none(cls) -> Palsy:
        """Two healthy sides."""
        return cls()

    @classmethod
    def on(cls, side: Side, state: SidePalsy) -> Palsy:
        """One side in the given state, the other healthy."""
        return cls(left=state) if side is Side.LEFT else cls(right=state)

    @classmethod
    def weakness(cls, side: Side, amount: float) -> Palsy:
        """Every branch of one side equally weak: 0 healthy … 1 dead. Tone follows from 0.5 up.

        Below half weakness the face is symmetric at rest, as in grades I to IV.
        """
        function = dict.fromkeys(Branch, 1.0 - amount)
        return cls.on(side, SidePalsy(function, tone=1.0 - max(0.0, 2.0 * amount - 1.0)))

    @classmethod
    def peripheral(cls, side: Side, grade: Grade, late: bool = False) -> Palsy:
        """The usual palsy: the whole nerve of one side, at a House-Brackmann grade.

        ``late`` adds synkinesis, most where the grades speak of it ("noticeable" in III, "may
        be severe" in IV, "usually absent" in V).
        """
        return cls.on(side, _side_of_grade(grade, late))

    @classmethod
    def central(cls, side: Side, grade: Grade) -> Palsy:
        """A stroke's palsy: the lower face of one side weak, forehead and eye closure spared."""
        state = _side_of_grade(grade, late=False)
        spared = dict(state.function)
        spared[Branch.TEMPORAL] = 1.0
        spared[Branch.ZYGOMATIC] = max(0.7, spared[Branch.ZYGOMATIC])
        return cls.on(side, replace(state, function=spared))

    @classmethod
    def bilateral(cls, left: Grade, right: Grade) -> Palsy:
        """Both sides weak, each at its own grade."""
        return cls(left=_side_of_grade(left, False), right=_side_of_grade(right, False))

    @property
    def weak_side(self) -> Side | None:
        """The side that works less, or None where both work alike."""
        left, right = (sum(self.of(s).function.values()) + self.of(s).tone for s in Side)
        if abs(left - right) < 1e-6:
            return None
        return Side.LEFT if left < right else Side.RIGHT

    def movement_function(self, movement: Movement, side: Side) -> float:
        """How well one side does a movement, 0 … 1; for REST the tone."""
        requested = {m: e for m, e in effort(movement, side, wink=side).items() if e >= 0.5}
        if not requested:
            return self.of(side).tone
        return sum(e * self.of(side).strength(m) for m, e in requested.items()) / sum(
            requested.values()
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for YAML, JSON and manifest rows."""
        return {
            side.value: {
                "function": {b.value: round(self.of(side).function[b], 4) for b in Branch},
                "tone": round(self.of(side).tone, 4),
                "synkinesis": [
                    {"moving": a.value, "drags": b.value, "strength": round(s, 4)}
                    for (a, b), s in self.of(side).synkinesis.items()
                ],
            }
            for side in Side
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Palsy:
        """The reverse of :meth:`to_dict`. Sides and branches left out are healthy.

        Raises ValueError naming the first key or value that has no meaning.
        """
        _only(data, [s.value for s in Side], "palsy")
        return cls(**{name: _side_from_dict(name, value) for name, value in data.items()})


def _side_from_dict(name: str, data: Mapping[str, Any]) -> SidePalsy:
    _only(data, ["function", "tone", "synkinesis"], f"palsy.{name}")
    function = dict.fromkeys(Branch, 1.0)
    given = data.get("function", {})
    if isinstance(given, (bool, int, float)):
        function = dict.fromkeys(Branch, _number(given, f"palsy.{name}.function"))
    else:
        _only(given, [b.value for b in Branch], f"palsy.{name}.function")
        function.update({Branch(b): _number(v, f"palsy.{name}.{b}") for b, v in given.items()})
    links: dict[Link, float] = {}
    rows = data.get("synkinesis", [])
    if not isinstance(rows, (list, tuple)):
        raise ValueError(f"palsy.{name}.synkinesis must be a list of links")
    for row in rows:
        _only(row, ["moving", "drags", "strength"], f"palsy.{name}.synkinesis")
        try:
            link = (Muscle(row["moving"]), Muscle(row["drags"]))
        except (KeyError, ValueError) as error:
            known = ", ".join(m.value for m in Muscle)
            raise ValueError(
                f"palsy.{name}.synkinesis: {error}; a link needs moving, drags and strength, "
                f"muscles are {known}"
            ) from None
        links[link] = _number(row.get("strength", 1.0), f"palsy.{name}.synkinesis.strength")
    return SidePalsy(function, _number(data.get("tone", 1.0), f"palsy.{name}.tone"), links)


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"{where} is {value!r}, it must be a number between 0 and 1")
    return float(value)


def _only(data: Any, known: list[str], where: str) -> None:
    if not isinstance(data, Mapping):
        raise ValueError(f"{where} must have the keys {', '.join(known)}")
    for key in data:
        if key not in known:
            raise ValueError(f"{where} has no '{key}'; its keys are {', '.join(known)}")


_GRADE_FUNCTION: dict[Grade, tuple[float, float, float, float]] = {
    # temporal, zygomatic, buccal, marginal and cervical
    Grade.I: (1.0, 1.0, 1.0, 1.0),
    Grade.II: (0.8, 0.9, 0.8, 0.8),
    Grade.III: (0.45, 0.75, 0.55, 0.55),
    Grade.IV: (0.0, 0.5, 0.35, 0.35),
    Grade.V: (0.0, 0.2, 0.12, 0.12),
    Grade.VI: (0.0, 0.0, 0.0, 0.0),
}
"""The grades in words (forehead "none" from IV, closure incomplete from IV, mouth "slight
movement" in V) put into numbers. The numbers are a convention of this project."""

_GRADE_TONE = {Grade.V: 0.5, Grade.VI: 0.0}
"""At rest only V and VI differ from a healthy face."""

_GRADE_SYNKINESIS = {Grade.II: 0.15, Grade.III: 0.5, Grade.IV: 0.8, Grade.V: 0.2}


def _side_of_grade(grade: Grade, late: bool) -> SidePalsy:
    temporal, zygomatic, buccal, lower = _GRADE_FUNCTION[grade]
    function = {
        Branch.TEMPORAL: temporal,
        Branch.ZYGOMATIC: zygomatic,
        Branch.BUCCAL: buccal,
        Branch.MARGINAL: lower,
        Branch.CERVICAL: lower,
    }
    strength = _GRADE_SYNKINESIS.get(grade, 0.0) if late else 0.0
    links = {link: strength * share for link, share in COMMON_LINKS.items()} if strength else {}
    return SidePalsy(function, _GRADE_TONE.get(grade, 1.0), links)
