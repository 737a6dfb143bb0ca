"""From a plan to its pictures: which identity shows which expression, for picture number k.

A picture is a pure function of the plan, its number and the attempt at it. Pictures can therefore
be made by any process, in any order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from palsynth.clinical import Branch, Grade, Movement, Palsy, Side
from palsynth.face.framing import FRAMINGS
from palsynth.generation.identities import PlannedIdentity
from palsynth.generation.plan import Palsies, Plan
from palsynth.generation.runner import Planned
from palsynth.methods.base import Request, TargetExpression
from palsynth.seeds import Stream, make_rng
from palsynth.subjects.chance import random_palsy

UNEVEN = 0.15
"""Standard deviation of the function of a branch about that of the grade, in an uneven palsy."""

GOLDEN = (math.sqrt(5) - 1) / 2
"""Its multiples are spread evenly over 0 … 1: movements do not all begin with a healthy face."""


@dataclass(frozen=True)
class Assignment:
    """Which identity shows which movement in picture ``number``.

    ``identity`` and ``movement`` are indices; ``turn`` counts the pictures of the movement before.
    """

    number: int
    identity: int
    movement: int
    turn: int


def assign(number: int, identities: int, movements: int) -> Assignment:
    """Assigns an identity and a movement to a picture.

    Movements take turns, and every identity shows every movement once before any pair returns.

    Args:
        number: number of the picture, from 0.
        identities: how many there are.
        movements: how many there are.

    Returns:
        The assignment.

    Example:
        >>> [(a.identity, a.movement) for a in (assign(k, 2, 2) for k in range(4))]
        [(0, 0), (1, 1), (1, 0), (0, 1)]
    """
    shift = number // math.lcm(identities, movements)
    return Assignment(
        number, (number + shift) % identities, number % movements, number // movements
    )


def numbers_of(identity: int, plan: Plan, identities: int) -> list[int]:
    """The numbers of all pictures of an identity.

    Args:
        identity: index of the identity.
        plan: the plan.
        identities: how many identities there are.

    Returns:
        The numbers, in order.
    """
    numbers = np.arange(plan.num_images())
    shift = numbers // math.lcm(identities, len(plan.expressions.movements))
    return np.flatnonzero((numbers + shift) % identities == identity).tolist()


def requested_palsy(palsies: Palsies, seed: int, movement: int, turn: int) -> Palsy:
    """The palsy of a movement's picture.

    Args:
        palsies: the palsies of the set.
        seed: the plan's seed.
        movement: index of the movement.
        turn: number of the picture among those of the movement.

    Returns:
        The palsy. In a balanced set the healthy ones, and each side with each grade, are spread
        evenly over a movement's pictures.
    """
    rng = make_rng(seed, movement, turn, Stream.PLANNED_PALSY)
    if palsies.mix == "random":
        side = palsies.sides[int(rng.integers(len(palsies.sides)))]
        return random_palsy(rng, side, palsies.healthy)
    before, after = (
        math.floor(t * palsies.healthy + movement * GOLDEN % 1) for t in (turn, turn + 1)
    )
    if after > before:
        return Palsy.none()
    cells = list(product(palsies.sides, palsies.grades))
    round_, place = divmod(turn - before, len(cells))
    order = make_rng(seed, movement, round_, Stream.PLANNED_CELLS).permutation(len(cells))
    side, grade = cells[int(order[place])]
    return _palsy(palsies, side, grade, rng)


def _palsy(palsies: Palsies, side: Side, grade: Grade, rng: np.random.Generator) -> Palsy:
    kind, uneven = rng.random(), rng.random() < palsies.uneven
    if kind < palsies.central:
        return Palsy.central(side, grade)
    palsy = Palsy.peripheral(side, grade, late=kind < palsies.central + palsies.late)
    if not uneven:
        return palsy
    state = palsy.of(side)
    function = {
        branch: float(np.clip(state.function[branch] + rng.normal(0, UNEVEN), 0, 1))
        for branch in Branch
    }
    return Palsy.on(side, replace(state, function=function))


def plan_picture(
    plan: Plan, identities: Sequence[PlannedIdentity], number: int, attempt: int = 0
) -> Planned:
    """Plans one picture of a set whose expressions are requested.

    Args:
        plan: the plan.
        identities: its identities.
        number: number of the picture.
        attempt: how often it has been made before and did not pass the gate.

    Returns:
        The picture's request with its place in the set.
    """
    movements = plan.expressions.movements
    assigned = assign(number, len(identities), len(movements))
    identity = identities[assigned.identity]
    movement = Movement(movements[assigned.movement])
    palsies = plan.expressions.palsies
    turn = (assigned.movement, assigned.turn)
    if palsies.per == "identity":
        turn = (0, assigned.identity)  # as if all identities showed one movement in turn
    palsy = requested_palsy(palsies, plan.seed, *turn)
    request = Request(
        identity.load(),
        TargetExpression(movement, palsy),
        request_seed(plan, number, attempt),
        plan.size,
        FRAMINGS[plan.framing],
    )
    return Planned(
        file_name(identity, number, movement),
        identity.name,
        request,
        split=identity.split,
        attributes=identity.columns(),
    )


def request_seed(plan: Plan, number: int, attempt: int) -> int:
    """The seed of a picture's request.

    Args:
        plan: the plan.
        number: number of the picture.
        attempt: how often it has been made before.

    Returns:
        0 to 2**31 - 1.
    """
    return int(make_rng(plan.seed, number, attempt, Stream.PLANNED_REQUEST).integers(2**31))


def file_name(identity: PlannedIdentity, number: int, movement: Movement | None) -> str:
    """The path of a picture in the set, as ``datasets`` finds its split.

    Args:
        identity: who is shown.
        number: number of the picture.
        movement: what is shown; None if unknown.

    Returns:
        ``train/person-0000003/0000012-grin.png``.
    """
    shown = "" if movement is None else f"-{movement.value}"
    return f"{identity.split}/{identity.name}/{number:07d}{shown}.png"
