"""The pictures of a plan: each in one group, and patients' by identities of their split."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from palsynth.data.faces import FoundFace
from palsynth.data.manifest import Row, write_manifest
from palsynth.errors import InputError
from palsynth.generation import assigning, pictures
from palsynth.generation.identities import PlannedIdentity, planned_identities
from palsynth.generation.pictures import PatientPictures, RequestedPictures, patient_pictures
from palsynth.generation.plan import Expressions, Identities, Plan
from palsynth.generation.runner import BATCH


@pytest.mark.parametrize(("subjects", "images"), [(4, 24), (3, 200), (50, 7), (1, 1)])
def test_every_picture_is_in_one_group_of_its_identity(subjects: int, images: int) -> None:
    plan = Plan(identities=Identities(subjects=subjects), images=images)
    made = RequestedPictures(plan, planned_identities(plan.identities).identities)
    groups = made.groups()
    assert sorted(chain.from_iterable(g.numbers for g in groups)) == list(range(images))
    assert all(1 <= len(group.numbers) <= BATCH for group in groups)
    names = [made.name(group.identity, k) for group in groups for k in group.numbers]
    assert len(set(names)) == images
    planned = made.planned(groups[-1].identity, groups[-1].numbers[-1])
    assert planned.file_name == names[-1]
    assert made.inputs() == {}


CONTENTS: dict[str, str] = {}
"""Checksums of the patients' pictures; of others the name stands for them."""


@pytest.fixture
def clinic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three patients; nobody looks at the pictures, one of which has no face."""
    rows = [
        Row(f"{patient}/{movement}.png", patient, movement, split=split)
        for patient, split in (("a", "test"), ("b", "train"), ("c", "train"))
        for movement in ("rest", "grin")
    ]
    rows.append(Row("a/unknown.png", "a", split="test"))
    write_manifest(tmp_path, rows)
    fault = {"b/grin.png": "no face"}
    monkeypatch.setattr(
        pictures,
        "find_faces",
        lambda _, found: {
            row.file_name: FoundFace(
                CONTENTS.get(row.file_name, row.file_name), (64, 64), {}, fault.get(row.file_name)
            )
            for row in found
        },
    )
    patient = SimpleNamespace(describe=lambda face: np.zeros(2, np.float32))
    monkeypatch.setattr(assigning, "Recogniser", lambda: patient)
    monkeypatch.setattr(assigning, "read_face", lambda path: path)
    monkeypatch.setattr(assigning, "describe", lambda faces: np.ones((1, 2), np.float32))
    monkeypatch.setattr(PlannedIdentity, "load", lambda self: self)
    return tmp_path


def of_patients(clinic: Path, identities: list[PlannedIdentity], **fields: int) -> PatientPictures:
    plan = Plan(method="captured", expressions=Expressions(patients=clinic), **fields)  # type: ignore[arg-type]
    return patient_pictures(plan, identities)


def shown_by(made: PatientPictures) -> dict[str, list[str]]:
    """Subject -> the patients' pictures that it shows, in the order of their numbers."""
    shown: dict[str, list[str]] = {}
    for group in made.groups():
        for number in group.numbers:
            name = made.identities[group.identity].name
            shown.setdefault(name, []).append(made.rows[number % len(made.rows)].file_name)
    return shown


def test_every_patient_has_an_identity_of_the_same_split(clinic: Path) -> None:
    subjects = planned_identities(Identities(subjects=9)).identities
    made = of_patients(clinic, subjects)
    assert [one.name for one in made.identities] == [one.name for one in subjects[:3]]
    assert made.left_out == ["b/grin.png: no face"]
    splits = {one.name: one.split for one in made.identities}
    patients = {name: {Path(p).parts[0] for p in own} for name, own in shown_by(made).items()}
    assert sorted((patients[name].pop(), splits[name]) for name in splits) == [
        ("a", "test"),
        ("b", "train"),
        ("c", "train"),
    ]
    assert not any(patients.values()), "one patient each"
    every = sorted(chain.from_iterable(shown_by(made).values()))
    assert every == ["a/grin.png", "a/rest.png", "a/unknown.png", *every[3:]]
    assert every[3:] == ["b/rest.png", "c/grin.png", "c/rest.png"]
    for patient, rest in enumerate(made.rests):
        (own,) = {Path(made.rows[k].file_name).parts[0] for k in _numbers(made, patient)}
        assert rest == f"{own}/rest.png"
    unknown = next(k for k, row in enumerate(made.rows) if row.movement is None)
    subject = made.identities[made.patients[unknown]].name
    assert made.name(made.patients[unknown], unknown) == f"test/{subject}/{unknown:07d}.png"
    assert set(made.inputs()) == {"patients/metadata.jsonl"} | {
        f"patients/{row.file_name}" for row in made.rows
    }


def _numbers(made: PatientPictures, patient: int) -> list[int]:
    return [k for k, of in enumerate(made.patients) if of == patient]


def test_the_order_of_patients_tells_nothing_of_their_names(
    clinic: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It changes with the seed and with what the pictures hold."""
    subjects = planned_identities(Identities(subjects=9)).identities

    def order(seed: int) -> tuple[str, ...]:
        rows = of_patients(clinic, subjects, seed=seed).rows
        return tuple(row.file_name for row in rows)

    orders = [order(seed) for seed in range(12)]
    assert orders == [order(seed) for seed in range(12)]
    assert {names[0][0] for names in orders} == {"a", "b", "c"}, "any patient may be the first"
    assert len({names[0][0] + names[3] for names in orders}) > 3, "and any of a patient's pictures"
    for name in ("a/grin.png", "a/rest.png", "a/unknown.png"):
        monkeypatch.setitem(CONTENTS, name, f"another {name}")
    assert orders != [order(seed) for seed in range(12)], "contents count, not names"


@pytest.mark.parametrize(
    ("images", "patients", "most"), [(2, 2, 1), (3, 3, 1), (6, 3, 3), (8, 3, 4)]
)
def test_patients_take_turns_in_the_images_that_are_asked_for(
    clinic: Path, images: int, patients: int, most: int
) -> None:
    subjects = planned_identities(Identities(subjects=9)).identities
    made = of_patients(clinic, subjects, images=images)
    shown = shown_by(made)
    assert sum(map(len, shown.values())) == images
    assert len(shown) == len(made.identities) == patients
    assert max(map(len, shown.values())) <= most
    names = [made.name(g.identity, k) for g in made.groups() for k in g.numbers]
    assert len(set(names)) == images
    every = {f"patients/{patient}/rest.png" for patient in "abc"}
    inputs = set(made.inputs()) & every
    assert len(inputs) == patients, "every rest that is needed is an input"


def test_people_in_photographs_keep_their_split(clinic: Path) -> None:
    people = [
        PlannedIdentity(name, split, photograph=clinic / name)
        for name, split in (("x", "train"), ("y", "train"), ("z", "test"))
    ]
    made = of_patients(clinic, people)
    assert [(one.name, one.split) for one in made.identities] == [
        ("z", "test"),
        ("x", "train"),
        ("y", "train"),
    ]
    with pytest.raises(InputError, match=r"has 3 patients, and no identity is left for one"):
        of_patients(clinic, people[:2])
