from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from palsynth.errors import InputError
from palsynth.face.images import write_png
from palsynth.generation import assigning
from palsynth.generation.assigning import PatientPhotos, assign_identities
from palsynth.generation.identities import planned_identities
from palsynth.generation.plan import Identities
from palsynth.subjects import View, render, sample

A, B = np.eye(2, dtype=np.float32)


def test_a_subject_who_resembles_the_patient_is_left_for_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Patients and subjects look like A or B; a patient is shown by a subject of the other look."""
    subjects = planned_identities(Identities(subjects=4)).identities
    looks = dict(zip((one.name for one in subjects), (A, A, B, B), strict=True))
    recogniser = SimpleNamespace(describe=lambda look: look)
    monkeypatch.setattr(assigning, "Recogniser", lambda: recogniser)
    monkeypatch.setattr(assigning, "read_face", lambda path: A if path.name == "a" else B)
    monkeypatch.setattr(assigning, "describe", lambda faces: looks[faces[0].name][None])
    patients = [PatientPhotos(s, [Path(x)]) for s, x in zip(("train", "test"), "ab", strict=True)]
    made = assign_identities(Path("clinic"), patients, subjects)
    assert [(one.name, one.split) for one in made] == [
        (subjects[2].name, "train"),
        (subjects[0].name, "test"),
    ]
    with pytest.raises(InputError, match="clinic: has 3 patients, and no identity is left for one"):
        assign_identities(Path("clinic"), [patients[0]] * 3, subjects)


def test_a_patient_who_is_a_subject_is_not_shown_by_that_subject(tmp_path: Path) -> None:
    subjects = planned_identities(Identities(subjects=2)).identities
    write_png(tmp_path / "a.png", render(sample(0), view=View(256)).image)
    patient = PatientPhotos("train", [tmp_path / "a.png"])
    (made,) = assign_identities(tmp_path, [patient], subjects)
    assert made.name == subjects[1].name
