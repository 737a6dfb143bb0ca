"""That a plan gives the mix that it says, whatever its numbers of identities and movements."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np
import pytest

from palsynth.clinical import Grade, Movement, Side, house_brackmann
from palsynth.data.split import split_of
from palsynth.errors import InputError
from palsynth.generation.identities import planned_identities, usable
from palsynth.generation.plan import Expressions, Identities, Palsies, Plan
from palsynth.generation.planning import assign, numbers_of, plan_picture, requested_palsy
from palsynth.methods.base import TargetExpression


@pytest.mark.parametrize(("identities", "movements"), [(4, 10), (10, 10), (7, 3), (1, 10), (30, 1)])
def test_every_identity_shows_every_movement_before_any_pair_returns(
    identities: int, movements: int
) -> None:
    pairs = identities * movements
    for start in (0, pairs):
        block = [assign(k, identities, movements) for k in range(start, start + pairs)]
        assert len({(a.identity, a.movement) for a in block}) == pairs
    counts = Counter(assign(k, identities, movements).identity for k in range(23))
    assert max(counts.values()) - min(counts[i] for i in range(identities)) <= 1


def test_the_numbers_of_all_identities_are_all_numbers() -> None:
    plan = Plan(images=137)
    found = [numbers_of(i, plan, 7) for i in range(7)]
    assert sorted(chain.from_iterable(found)) == list(range(137))
    for identity, numbers in enumerate(found):
        assert all(assign(k, 7, 10).identity == identity for k in numbers)


def _grades(palsies: Palsies, turns: int, movement: int = 0) -> Counter:
    found = (requested_palsy(palsies, 9, movement, turn) for turn in range(turns))
    return Counter((p.weak_side, house_brackmann(p)) for p in found)


def test_a_balanced_set_shows_sides_and_grades_equally_often() -> None:
    found = _grades(Palsies(healthy=0.2, central=0, late=0), 250)
    assert found.pop((None, Grade.I)) == 50
    assert len(found) == 10
    assert set(found.values()) == {20}


@pytest.mark.parametrize("movement", range(10))
def test_healthy_pictures_are_spread_evenly(movement: int) -> None:
    palsies = Palsies(healthy=0.15)
    healthy = [requested_palsy(palsies, 9, movement, t).weak_side is None for t in range(400)]
    running = np.cumsum(healthy) - 0.15 * np.arange(1, 401)
    assert np.abs(running).max() <= 1


def test_a_clinics_mix_follows_the_grades_that_are_named() -> None:
    grades = (Grade.II, Grade.VI, Grade.VI, Grade.VI)
    found = _grades(Palsies(grades=grades, sides=(Side.LEFT,), healthy=0, central=0, late=0), 40)
    assert found == {(Side.LEFT, Grade.II): 10, (Side.LEFT, Grade.VI): 30}


def test_central_and_late_palsies_have_their_shares() -> None:
    palsies = Palsies(healthy=0, central=0.2, late=0.3, grades=(Grade.IV,))
    found = [requested_palsy(palsies, 1, 0, turn) for turn in range(2000)]
    late = [any(p.of(side).synkinesis for side in Side) for p in found]
    central = [
        (weak := p.weak_side) is not None
        and p.movement_function(Movement.WRINKLE_FOREHEAD, weak) == pytest.approx(1)
        for p in found
    ]
    assert np.mean(late) == pytest.approx(0.3, abs=0.03)
    assert np.mean(central) == pytest.approx(0.2, abs=0.03)


def test_uneven_palsies_vary_about_their_grade() -> None:
    palsies = Palsies(healthy=0, central=0, late=0, uneven=1, grades=(Grade.IV,))
    found = [requested_palsy(palsies, 1, 0, turn) for turn in range(300)]
    functions = np.array([list(p.of(p.weak_side).function.values()) for p in found])
    assert 0.08 < functions.std(0).mean() < 0.2


def test_a_picture_is_a_pure_function_of_plan_number_and_attempt() -> None:
    plan = Plan(identities=Identities(subjects=4, seed=3), images=24, seed=9)
    identities = planned_identities(plan.identities).identities
    one, same, again = (plan_picture(plan, identities, 13, a) for a in (0, 0, 1))
    assert one.request.seed == same.request.seed != again.request.seed
    assert isinstance(again.request.expression, TargetExpression)
    assert (one.file_name, one.request.expression) == (again.file_name, again.request.expression)
    split, subject, name = one.file_name.split("/")
    assert split == split_of(subject) == one.split
    assert name == f"0000013-{one.request.expression.movement.value}.png"
    assert subject.startswith("person-003000")


def test_subjects_have_the_attributes_that_are_given() -> None:
    settings = Identities(subjects=5, gender="woman", ages=(60, 70))
    columns = [one.columns() for one in planned_identities(settings).identities]
    assert {c["gender"] for c in columns} == {"woman"}
    assert all(60 <= c["age"] <= 70 for c in columns)
    assert len({c["age"] for c in columns}) == 5


def test_people_of_a_folder(photo: Path, tmp_path: Path) -> None:
    folder = tmp_path / "people"
    for name in ("anna.png", "ben/rest.png", "ben/grin.png", "ben/notes.txt"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(photo.read_bytes())
    found = planned_identities(Identities(photographs=folder))
    assert [one.name for one in found.identities] == ["anna", "ben"]
    assert found.identities[1].photograph == folder / "ben/rest.png"
    assert sorted(line.rsplit("/", 1)[1].split(":")[0] for line in found.left_out) == [
        "grin.png",
        "notes.txt",
    ]
    (folder / "carl.png").write_bytes((folder / "anna.png").read_bytes()[:999])
    checked = usable(planned_identities(Identities(photographs=folder)).identities)
    assert [one.name for one in checked.identities] == ["anna", "ben"]
    assert "carl.png: the picture is damaged" in checked.left_out[0]


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Identities(subjects=0), "subjects 0: must lie between 1 and 10,000"),
        (lambda: Identities(ages=(70, 60)), "give two, which must rise and lie between 16 and 80"),
        (lambda: Identities(photographs=Path("a"), dataset=Path("b")), "give one of the two"),
        (lambda: Palsies(healthy=1.5), "healthy 1.5: must lie between 0 and 1"),
        (lambda: Palsies(central=0.6, late=0.6), "must not exceed 1 together"),
        (lambda: Palsies(grades=(Grade.I,)), "I is healthy"),
        (lambda: Expressions(movements=()), "movements: name at least one"),
        (lambda: Plan(images=0), "images 0: must lie between 1 and 10,000,000"),
        (lambda: Plan(framing="wide"), "framing 'wide': choose one of"),
        (lambda: Plan(identities=Identities(seed=100)), "are for evaluation"),
        (
            lambda: Plan(identities=Identities(photographs=Path("a"))),
            "moves synthetic subjects only",
        ),
    ],
)
def test_bad_plans_are_named(make: object, text: str) -> None:
    with pytest.raises(InputError, match=text):
        make()  # type: ignore[operator]


def test_subjects_for_evaluation_are_used_on_purpose_only() -> None:
    plan = Plan(identities=Identities(seed=100), evaluation=True)
    assert plan.identities.subject_seeds()[0] == 1_000_000
    assert replace(plan, images=5).evaluation


def test_an_identity_keeps_its_palsy_as_patients_do() -> None:
    palsies = Palsies(per="identity", healthy=0.2, uneven=1.0)
    plan = Plan(
        identities=Identities(subjects=50), expressions=Expressions(palsies=palsies), images=1000
    )
    people = planned_identities(plan.identities).identities
    of: dict[str, set[str]] = {}
    for number in range(1000):
        planned = plan_picture(plan, people, number)
        assert isinstance(planned.request.expression, TargetExpression)
        palsy = planned.request.expression.palsy
        of.setdefault(planned.subject_id, set()).add(str(palsy.to_dict()))
    assert len(of) == 50
    assert all(len(palsy) == 1 for palsy in of.values())
    found = Counter()
    for turn in range(50):
        palsy = requested_palsy(replace(palsies, uneven=0.0, central=0, late=0), plan.seed, 0, turn)
        found[palsy.weak_side, house_brackmann(palsy)] += 1
    assert found.pop((None, Grade.I)) == 10
    assert set(found.values()) == {4}, "two sides with five grades"
