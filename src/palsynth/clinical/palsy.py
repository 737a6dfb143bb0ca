"""The palsy: function of each branch on each side, resting tone and synkinesis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from palsynth.clinical.grades import GRADE_FUNCTION, GRADE_SYNKINESIS, GRADE_TONE, Grade
from palsynth.clinical.movements import Movement, effort
from palsynth.clinical.nerve import SUPPLY, Branch, Muscle, Side
from palsynth.settings import check_numbers

Link = tuple[Muscle, Muscle]
"""A synkinetic link: moving the first muscle also moves the second one."""

COMMON_LINKS: dict[Link, float] = {
    (Muscle.FRONTALIS, Muscle.ZYGOMATICUS): 0.89,
    (Muscle.ORBICULARIS_OCULI, Muscle.ZYGOMATICUS): 0.85,
    (Muscle.ORBICULARIS_ORIS, Muscle.ORBICULARIS_OCULI): 0.82,
    (Muscle.ZYGOMATICUS, Muscle.ORBICULARIS_OCULI): 0.82,
    (Muscle.ZYGOMATICUS, Muscle.FRONTALIS): 0.17,
    (Muscle.ZYGOMATICUS, Muscle.PLATYSMA): 0.5,
    (Muscle.ORBICULARIS_ORIS, Muscle.MENTALIS): 0.5,
}
"""Frequency of each link in 103 patients. The presets use it as the link's relative strength,
which is a convention of this project. The last two links are known, but not their frequency."""


@dataclass(frozen=True)
class SidePalsy:
    """State of the facial nerve on one side.

    Attributes:
        function: function of each branch, from 0 (complete paralysis) to 1 (healthy).
        tone: resting tone, from 0 (flaccid) to 1 (normal).
        synkinesis: strength of each synkinetic link, 0 … 1.

    Raises:
        ValueError: a branch is missing or a value is not in 0 … 1.
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
            check_numbers(value, f"palsy: {name}")
            if not 0.0 <= value <= 1.0:
                raise ValueError(f"palsy: {name} is {value:.9g}, it must lie between 0 and 1")

    def strength(self, muscle: Muscle) -> float:
        """Remaining strength of a muscle.

        Args:
            muscle: the muscle.

        Returns:
            Share of the healthy force, 0 … 1: the functions of the muscle's branches, weighted by
            :data:`~palsynth.clinical.nerve.SUPPLY`.
        """
        return sum(share * self.function[b] for b, share in SUPPLY[muscle].items())


@dataclass(frozen=True)
class Palsy:
    """State of both facial nerves. Immutable.

    Attributes:
        left: state of the patient's left side.
        right: state of the patient's right side.

    Example:
        >>> palsy = Palsy.peripheral(Side.LEFT, Grade.VI)
        >>> palsy.weak_side
        <Side.LEFT: 'left'>
        >>> palsy.movement_function(Movement.GRIN, Side.LEFT)
        0.0
    """

    left: SidePalsy = field(default_factory=SidePalsy)
    right: SidePalsy = field(default_factory=SidePalsy)

    def of(self, side: Side) -> SidePalsy:
        """State of one side.

        Args:
            side: the patient's side.

        Returns:
            The state of that side.
        """
        return self.left if Side(side) is Side.LEFT else self.right

    @classmethod
    def none(cls) -> Palsy:
        """No palsy: both sides are healthy."""
        return cls()

    @classmethod
    def on(cls, side: Side, state: SidePalsy) -> Palsy:
        """A palsy of one side in a given state; the other side is healthy.

        Args:
            side: the patient's side that has the palsy.
            state: the state of that side.

        Returns:
            A palsy of that side; the other side is healthy.
        """
        return cls(left=state) if Side(side) is Side.LEFT else cls(right=state)

    @classmethod
    def weakness(cls, side: Side, amount: float) -> Palsy:
        """A palsy of one side that affects every branch equally.

        Tone decreases only where the weakness exceeds 0.5: up to there the face is symmetric at
        rest, as in grades I to IV.

        Args:
            side: the patient's side that has the palsy.
            amount: weakness, from 0 (healthy) to 1 (complete paralysis).

        Returns:
            A palsy of that side; the other side is healthy.
        """
        function = dict.fromkeys(Branch, 1.0 - amount)
        return cls.on(side, SidePalsy(function, tone=1.0 - max(0.0, 2.0 * amount - 1.0)))

    @classmethod
    def peripheral(cls, side: Side, grade: Grade, late: bool = False) -> Palsy:
        """A peripheral palsy, the usual kind: the whole nerve of one side.

        Args:
            side: the patient's side that has the palsy.
            grade: its House-Brackmann grade.
            late: adds synkinesis, as strong as the definition of the grade suggests ("noticeable"
                in III, "may be severe" in IV, "usually absent" in V).

        Returns:
            A palsy of that side; the other side is healthy.
        """
        return cls.on(side, _side_of_grade(grade, late))

    @classmethod
    def central(cls, side: Side, grade: Grade) -> Palsy:
        """A central palsy, as after a stroke: spares the forehead and eye closure.

        Args:
            side: the patient's side whose lower face is weak.
            grade: the House-Brackmann grade of the lower face.

        Returns:
            A palsy of that side that spares the forehead and the closure of the eye.
        """
        state = _side_of_grade(grade, late=False)
        spared = dict(state.function)
        spared[Branch.TEMPORAL] = 1.0
        spared[Branch.ZYGOMATIC] = max(0.7, spared[Branch.ZYGOMATIC])
        return cls.on(side, replace(state, function=spared))

    @classmethod
    def bilateral(cls, left: Grade, right: Grade) -> Palsy:
        """A peripheral palsy of both sides, without synkinesis.

        Args:
            left: the House-Brackmann grade of the patient's left side.
            right: that of the right side.

        Returns:
            A palsy of both sides.
        """
        return cls(left=_side_of_grade(left, False), right=_side_of_grade(right, False))

    @property
    def weak_side(self) -> Side | None:
        """The weaker side by function and tone, or None where both are equal."""
        left, right = (sum(self.of(s).function.values()) + self.of(s).tone for s in Side)
        if abs(left - right) < 1e-6:
            return None
        return Side.LEFT if left < right else Side.RIGHT

    def movement_function(self, movement: Movement, side: Side) -> float:
        """Function of one side in a movement.

        Args:
            movement: the movement.
            side: the patient's side.

        Returns:
            Mean strength, 0 … 1, of the muscles with an effort of at least 0.5, weighted by
            effort; the tone for :attr:`Movement.REST`.
        """
        requested = {m: e for m, e in effort(movement, side, wink=side).items() if e >= 0.5}
        if not requested:
            return self.of(side).tone
        return sum(e * self.of(side).strength(m) for m, e in requested.items()) / sum(
            requested.values()
        )

    def to_dict(self) -> dict[str, Any]:
        """The palsy as plain values for YAML, JSON and manifest rows."""
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
        """Reads the output of :meth:`to_dict`.

        Args:
            data: ``left`` and ``right``, each with ``function`` (of each branch, or one number
                for all), ``tone`` and ``synkinesis``. Sides, branches and keys that are left out
                are healthy.

        Returns:
            The palsy, with the numbers as they are written: :meth:`to_dict` rounds to 4 decimals.

        Raises:
            ValueError: a key is unknown or a value is invalid; the message names the first one.
        """
        _check_keys(data, [s.value for s in Side], "palsy")
        return cls(**{name: _side_from_dict(name, value) for name, value in data.items()})


def _side_from_dict(name: str, data: Mapping[str, Any]) -> SidePalsy:
    _check_keys(data, ["function", "tone", "synkinesis"], f"palsy.{name}")
    function = dict.fromkeys(Branch, 1.0)
    given = data.get("function", {})
    if given is None or isinstance(given, (bool, int, float, str)):
        function = dict.fromkeys(Branch, _number(given, f"palsy.{name}.function"))
    else:
        _check_keys(given, [b.value for b in Branch], f"palsy.{name}.function")
        function.update({Branch(b): _number(v, f"palsy.{name}.{b}") for b, v in given.items()})
    links: dict[Link, float] = {}
    rows = data.get("synkinesis", [])
    if not isinstance(rows, (list, tuple)):
        raise ValueError(f"palsy.{name}.synkinesis must be a list of links")
    for row in rows:
        _check_keys(row, ["moving", "drags", "strength"], f"palsy.{name}.synkinesis")
        try:
            link = (Muscle(row["moving"]), Muscle(row["drags"]))
        except (KeyError, ValueError) as error:
            known = ", ".join(m.value for m in Muscle)
            raise ValueError(
                f"palsy.{name}.synkinesis: {error}; a link needs moving, drags and strength, "
                f"muscles are {known}"
            ) from None
        if link in links:
            raise ValueError(f"palsy.{name}.synkinesis has {link[0]} to {link[1]} twice")
        links[link] = _number(row.get("strength", 1.0), f"palsy.{name}.synkinesis.strength")
    return SidePalsy(function, _number(data.get("tone", 1.0), f"palsy.{name}.tone"), links)


def _number(value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        given = repr(value) if isinstance(value, (bool, str, type(None))) else type(value).__name__
        raise ValueError(f"{where} is {given[:60]}, it must be a number between 0 and 1")
    check_numbers(value, where)
    return float(value)


def _check_keys(data: Any, known: list[str], where: str) -> None:
    if not isinstance(data, Mapping):
        raise ValueError(f"{where} must have the keys {', '.join(known)}")
    for key in data:
        if key not in known:
            raise ValueError(f"{where} has no '{key}'; its keys are {', '.join(known)}")


def _side_of_grade(grade: Grade, late: bool) -> SidePalsy:
    temporal, zygomatic, buccal, lower = GRADE_FUNCTION[grade]
    function = {
        Branch.TEMPORAL: temporal,
        Branch.ZYGOMATIC: zygomatic,
        Branch.BUCCAL: buccal,
        Branch.MARGINAL: lower,
        Branch.CERVICAL: lower,
    }
    strength = GRADE_SYNKINESIS.get(grade, 0.0) if late else 0.0
    links = {link: strength * share for link, share in COMMON_LINKS.items()} if strength else {}
    return SidePalsy(function, GRADE_TONE.get(grade, 1.0), links)
