"""The gate of ``palsynth generate`` on photographs: right pictures refused, wrong ones found.

    python benchmarks/gate.py LONDON [--methods simulator captured cfcpalsy controlnet-pf]
        [--half report] [--pictures 4] [--people 20] [--size 112] [--framing recogniser]

LONDON holds neutral/ and smiling/ of the same people, whose neutral photographs are the
identities. Every picture is made as a plan makes it, with its variety and camera, and checked as
one of a method that does not show what was requested by construction. Right pictures show what was
requested; wrong ones the request of another picture: ``another person``, the face at ``rest``,
``another movement``, the palsy ``mirrored`` or ``healthy`` in its place. With ``captured`` the
expressions are half-smiles of other people of the set who do not resemble the identity, composed of
their photographs, without half or all of the smile of a side. What the networks make of a right
request may be wrong: their "right" ones are what the gate refuses at the first attempt.

Thresholds are calibrated on one half of the people (``--half calibrate``, every other person in the
order of skin tone) and reported on the other.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from palsynth.clinical import YANAGIHARA, Grade, Movement, Palsy, Side, house_brackmann
from palsynth.data.half_smiles import half_smile, read_smilers
from palsynth.evaluation.intervals import Figure, share
from palsynth.face.detect import detect_face, read_face
from palsynth.face.face import Face
from palsynth.face.framing import FRAMINGS
from palsynth.face.photographs import reported
from palsynth.generation.gate import PATIENT, QualityGate, describe
from palsynth.generation.identities import PlannedIdentity, planned_identities
from palsynth.generation.plan import GateSettings, Identities, Plan
from palsynth.generation.planning import numbers_of, plan_picture, request_seed
from palsynth.generation.runner import Generated, generate
from palsynth.methods.base import Expression, ExpressionImage, Request, TargetExpression
from palsynth.methods.captured import CapturedMethod
from palsynth.methods.cfcpalsy.method import CFCPalsyMethod
from palsynth.methods.registry import get_method
from palsynth.subjects.monk import monk_tone

CHEEKS_AND_NOSE = (50, 280, 205, 425, 4)
"""Landmarks around which skin tone is measured."""

SMILE = 0.04
"""Least way of either corner of the mouth in a smile that shows on both sides, in outer-eye
distances."""


@dataclass(frozen=True)
class Person:
    """A photographed person: the ``planned`` identity, and groups for the tables."""

    planned: PlannedIdentity
    gender: str
    tone: int


@dataclass(frozen=True)
class Case:
    """A picture to be checked: what was requested, and the request that is made instead."""

    kind: str
    person: Person
    identity: int
    requested: Request
    made: Request
    movement: Movement
    palsy: Palsy | None


@dataclass(frozen=True)
class Outcome:
    """What the gate said of a case."""

    case: Case
    faults: tuple[str, ...]


def tone(face: Face) -> int:
    """The Monk tone of cheeks and nose, as the photograph shows them."""
    half = max(int(0.06 * face.outer_eyes), 1)
    centres = face.landmarks[list(CHEEKS_AND_NOSE), :2].astype(int)
    patches = [face.image[y - half : y + half, x - half : x + half] for x, y in centres]
    return monk_tone(np.concatenate([patch.reshape(-1, 3) for patch in patches]))


def people_of(photographs: Path, half: str) -> list[Person]:
    """Half of the people, or all: every other one in the order of gender and tone."""
    genders = {name: one.gender for name, one in reported(photographs).items()}
    found = [
        Person(one, genders.get(one.name, ""), tone(read_face(one.photograph)))
        for one in planned_identities(Identities(photographs=photographs / "neutral")).identities
        if one.photograph is not None
    ]
    found.sort(key=lambda one: (one.tone, one.gender, one.planned.name))
    return {"calibrate": found[::2], "report": found[1::2], "all": found}[half]


def requested_cases(plan: Plan, people: Sequence[Person]) -> Iterator[Case]:
    """Requested movements and palsies as a plan mixes them, and what may stand in their place."""
    planned = [one.planned for one in people]
    faces = [one.load() for one in planned]
    for k, person in enumerate(people):
        for number in numbers_of(k, plan, len(people)):
            request = plan_picture(plan, planned, number).request
            asked = request.expression
            assert isinstance(asked, TargetExpression)
            movement, palsy = asked.movement, asked.palsy
            other = YANAGIHARA[(YANAGIHARA.index(movement) + 3) % len(YANAGIHARA)]
            wrong: dict[str, Request] = {
                "right": request,
                "another person": replace(request, identity=faces[(k + 1) % len(faces)]),
            }
            if movement is not Movement.REST:
                at_rest = TargetExpression(Movement.REST, palsy)
                wrong["rest"] = replace(request, expression=at_rest)
                if other is not Movement.REST:
                    moved = replace(asked, movement=other)
                    wrong["another movement"] = replace(request, expression=moved)
            if (side := palsy.weak_side) is not None and movement is not Movement.WINK:
                mirrored = Palsy.on(side.other, palsy.of(side))
                wrong["mirrored"] = replace(request, expression=replace(asked, palsy=mirrored))
                healthy = replace(asked, palsy=Palsy.none())
                wrong["healthy"] = replace(request, expression=healthy)
            for kind, made in wrong.items():
                yield Case(kind, person, k, request, made, movement, palsy)


def smile_cases(plan: Plan, people: Sequence[Person], photographs: Path) -> Iterator[Case]:
    """Half-smiles, smiles and rests of other people of the set."""
    smilers = [
        one
        for _, one in read_smilers(photographs, 512)
        if not isinstance(one, str) and min(one.corners.values()) > SMILE
    ]
    faces = [one.planned.load() for one in people]
    per_person = plan.images // len(people)
    alike = describe(faces) @ describe([one.rest for one in smilers]).T
    for k, person in enumerate(people):
        for n in range(per_person):
            number = k * per_person + n
            unlike = [j for j in range(len(smilers)) if alike[k, j] < PATIENT]
            patient = smilers[unlike[number % len(unlike)]]
            side, missing = (Side.LEFT, Side.RIGHT)[n % 2], (1.0, 0.5)[n // 2 % 2]

            def of(expression: np.ndarray | Face, rest: Face = patient.rest) -> Expression:
                face = expression if isinstance(expression, Face) else detect_face(expression)
                return ExpressionImage(face, rest)

            request = Request(
                faces[k],
                of(half_smile(patient, side, missing)),
                request_seed(plan, number, 0),
                plan.size,
                FRAMINGS[plan.framing],
            )
            mirrored = of(half_smile(patient, side.other, missing))
            wrong = {
                "right": request,
                "another person": replace(request, identity=faces[(k + 1) % len(faces)]),
                "rest": replace(request, expression=of(patient.rest)),
                "mirrored": replace(request, expression=mirrored),
                "healthy": replace(request, expression=of(patient.smile)),
            }
            grade = Grade.VI if missing == 1 else Grade.III
            for kind, made in wrong.items():
                yield Case(
                    kind, person, k, request, made, Movement.GRIN, Palsy.peripheral(side, grade)
                )


def outcomes(name: str, plan: Plan, people: Sequence[Person], photographs: Path) -> list[Outcome]:
    """Makes and checks every picture of a method."""
    method = get_method(name)
    cases = (
        smile_cases(plan, people, photographs)
        if isinstance(method, CapturedMethod)
        else requested_cases(plan, people)
    )
    gallery = describe([one.planned.load() for one in people])
    gate = QualityGate(GateSettings(), get_method(CFCPalsyMethod.name), gallery)
    found = []
    for case in cases:
        (picture,) = generate(method, [case.made], variety=plan.variety, camera=plan.camera)
        shown = Generated(picture.image, case.requested, {})
        faults = gate.check(shown, case.identity, case.movement, case.palsy).faults
        found.append(Outcome(case, faults))
    return found


def tables(found: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    """Rows of the table: all, by gender, by tone."""
    rows = {"all": list(found)}
    for gender in sorted({one.case.person.gender for one in found}):
        rows[gender or "unknown"] = [o for o in found if o.case.person.gender == gender]
    for name, tones in {"tone 5": (0, 5), "tone 6": (6, 6), "tone 7 to 9": (7, 10)}.items():
        low, high = tones
        rows[name] = [o for o in found if low <= o.case.person.tone <= high]
    return {name: some for name, some in rows.items() if some}


def refused(found: Sequence[Outcome]) -> Figure:
    """Share of pictures with a fault, with its interval over people."""
    names = np.array([one.case.person.planned.name for one in found])
    return share(np.array([bool(one.faults) for one in found]), names)


def severity(case: Case) -> str:
    """The column of a case: mirrored and healthy ones by the grade that was requested."""
    if case.kind not in ("mirrored", "healthy") or case.palsy is None:
        return case.kind
    grade = house_brackmann(case.palsy).number
    return f"{case.kind}, {'II' if grade <= 2 else 'III' if grade == 3 else 'IV to VI'}"


def print_table(name: str, found: Sequence[Outcome]) -> None:
    """Prints a method's table: per cent refused, and the number of pictures."""
    columns = list(dict.fromkeys(severity(one.case) for one in found))
    order = ["right", "another person", "rest", "another movement"]
    columns.sort(key=lambda c: (order.index(c) if c in order else len(order), c))
    print(f"\n| {name} | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for row, some in tables(found).items():
        people = len({one.case.person.planned.name for one in some})
        by_column: dict[str, list[Outcome]] = defaultdict(list)
        for one in some:
            by_column[severity(one.case)].append(one)
        cells = []
        for column in columns:
            these = by_column[column]
            figure = refused(these).text(1) if column == "right" and these else ""
            hits = f"{sum(bool(one.faults) for one in these)} of {len(these)}"
            cells.append(f"{hits}: {figure} %" if figure else hits)
        print(f"| {row} ({people}) | {' | '.join(cells)} |", flush=True)
    right = [one for one in found if one.case.kind == "right"]
    faults: dict[str, int] = defaultdict(int)
    for one in right:
        for fault in one.faults:
            faults[f"{one.case.movement.value} {fault}"] += 1
    print(f"\nfaults of right pictures: {dict(sorted(faults.items(), key=lambda p: -p[1]))}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photographs", type=Path)
    parser.add_argument("--methods", nargs="+", default=["simulator", "captured"])
    parser.add_argument("--half", choices=("calibrate", "report", "all"), default="report")
    parser.add_argument("--pictures", type=int, default=4, help="right pictures of a person")
    parser.add_argument("--people", type=int, help="spread evenly over skin tones; default: all")
    parser.add_argument("--size", type=int, default=112)
    parser.add_argument("--framing", default="recogniser")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    people = people_of(options.photographs, options.half)
    chosen = np.linspace(0, len(people) - 1, min(options.people or len(people), len(people)))
    people = [people[k] for k in chosen.round().astype(int)]
    for name in options.methods:
        plan = Plan(
            method=name,
            identities=Identities(photographs=options.photographs / "neutral"),
            images=options.pictures * len(people),
            size=options.size,
            framing=options.framing,
            seed=options.seed,
        )
        print_table(name, outcomes(name, plan, people, options.photographs))


if __name__ == "__main__":
    import cv2

    cv2.setNumThreads(1)
    main()
