"""The pictures of a plan: each in one group, and patients' by identities of their split."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from palsynth.clinical import Movement
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
            row.file_name: FoundFace("", (64, 64), {}, fault.get(row.file_name)) for row in found
        },
    )
    patient = SimpleNamespace(describe=lambda face: np.zeros(2, np.float32))
    monkeypatch.setattr(assigning, "Recogniser", lambda: patient)
    monkeypatch.setattr(assigning, "read_face", lambda path: path)
    monkeypatch.setattr(assigning, "describe", lambda faces: np.ones((1, 2), np.float32))
    monkeypatch.setattr(PlannedIdentity, "load", lambda self: self)
    return tmp_path


def of_patients(clinic: Path, identities: list[PlannedIdentity]) -> PatientPictures:
    plan = Plan(method="captured", expressions=Expressions(patients=clinic))
    return patient_pictures(plan, identities)


def test_every_patient_has_an_identity_of_the_same_split(clinic: Path) -> None:
    subjects = planned_identities(Identities(subjects=9)).identities
    made = of_patients(clinic, subjects)
    assert [one.name for one in made.identities] == [one.name for one in subjects[:3]]
    assert [one.split for one in made.identities] == ["test", "train", "train"]
    assert made.left_out == ["b/grin.png: no face"]
    numbers = {group.identity: group.numbers for group in made.groups()}
    shown = {k: [made.rows[n].file_name for n in own] for k, own in numbers.items()}
    assert shown == {
        0: ["a/grin.png", "a/rest.png", "a/unknown.png"],
        1: ["b/rest.png"],
        2: ["c/grin.png", "c/rest.png"],
    }
    assert list(made.rests) == ["a/rest.png", "b/rest.png", "c/rest.png"]
    assert made.name(0, 0) == f"test/{subjects[0].name}/0000000-{Movement.GRIN.value}.png"
    assert made.name(0, 2) == f"test/{subjects[0].name}/0000002.png"
    assert set(made.inputs()) == {"patients/metadata.jsonl"} | {
        f"patients/{row.file_name}" for row in made.rows
    }


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
