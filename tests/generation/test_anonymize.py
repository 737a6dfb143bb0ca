"""A patient's expressions on another face: candidates, gate, verdict, files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from palsynth.capture.compare import Comparison
from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.encoders.published.dlib import DlibRecogniser
from palsynth.errors import InputError
from palsynth.face.detect import detect_face
from palsynth.face.face import Face
from palsynth.face.framing import PORTRAIT
from palsynth.face.measures import Measures, measure
from palsynth.generation import anonymized_files, verdict
from palsynth.generation.anonymize import (
    RequestSettings,
    anonymize,
    candidates_for,
    single_candidate,
)
from palsynth.generation.anonymized_files import anonymization_sheet, named, write_folder, write_one
from palsynth.generation.measured import requested_and_measured
from palsynth.generation.patient import Patient, PatientPicture
from palsynth.generation.verdict import GATE, Gate, PrivacyCheck, Verdict
from palsynth.methods import ExpressionImage, Request, TargetExpression, get_method
from palsynth.subjects import View, render, sample
from palsynth.subjects.description import read_description

PATIENT, OTHER = 970_301, 970_302
MOVEMENTS = (Movement.REST, Movement.GRIN, Movement.CLOSE_EYES_LIGHTLY)


def _face(seed: int, movement: Movement = Movement.REST, palsy: Palsy | None = None) -> Face:
    return detect_face(render(sample(seed), movement, palsy, view=View(224, PORTRAIT)).image)


@pytest.fixture(scope="module")
def patient() -> Patient:
    palsy = Palsy.peripheral(Side.LEFT, Grade.IV)
    pictures = [PatientPicture(m.value, m, _face(PATIENT, m, palsy)) for m in MOVEMENTS]
    return Patient(tuple(pictures), pictures[0].face)


class Counted:
    """The method ``captured``, recording its identities; ``instead`` replaces every picture."""

    name, synthetic = "captured", True
    takes = frozenset({ExpressionImage, TargetExpression})
    weights_sha256 = None
    settings: dict[str, object] = {}  # noqa: RUF012

    def __init__(self, instead: np.ndarray | None = None) -> None:
        self.identities: list[object] = []
        self._instead, self._method = instead, get_method("captured")

    def __call__(self, requests: Sequence[Request]) -> list[np.ndarray]:
        self.identities += [request.identity for request in requests]
        if self._instead is not None:
            return [self._instead] * len(requests)
        return self._method(requests)


def test_all_pictures_show_one_subject_with_the_patients_expressions(patient: Patient) -> None:
    steps = []
    made = anonymize(
        patient,
        single_candidate(sample(OTHER), 3),
        Counted(),
        RequestSettings(192),
        lambda done, of: steps.append((done, of)),
    )
    assert (made.seed, made.num_rejected, made.resembles, made.faults) == (3, 0, False, ())
    assert [p.picture.name for p in made.pictures] == [m.value for m in MOVEMENTS]
    assert all(p.image.shape == (192, 192, 3) for p in made.pictures)
    assert all(p.verdict.distance > 0.6 for p in made.pictures)
    assert steps == [(1, 3), (2, 3), (3, 3)]
    again = anonymize(patient, single_candidate(sample(OTHER), 3), Counted(), RequestSettings(192))
    for one, two in zip(made.pictures, again.pictures, strict=True):
        assert np.array_equal(one.image, two.image)


def test_candidates_that_resemble_the_patient_are_rejected_and_counted(patient: Patient) -> None:
    own, other = sample(PATIENT), sample(OTHER)
    method = Counted()
    made = anonymize(patient, iter([(1, own), (2, own), (5, other)]), method, RequestSettings(192))
    assert (made.seed, made.subject, made.num_rejected, made.resembles) == (5, other, 2, False)
    assert method.identities[:2] == [own, own]  # each is rejected after one picture
    assert len(method.identities) == 2 + 3 + 1


def test_a_single_candidate_that_resembles_the_patient_is_used_and_reported(
    patient: Patient,
) -> None:
    """The gate reports it, and the verdict, which does not use the gate, finds the patient."""
    made = anonymize(patient, single_candidate(sample(PATIENT), 0), Counted(), RequestSettings(192))
    assert (made.num_rejected, made.resembles) == (0, True)
    assert len(made.pictures) == 3
    assert made.faults == ("patient-recognised",)


def test_no_candidate_passes(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("palsynth.generation.anonymize.MAX_REJECTED", 2)
    candidates = iter([(k, sample(PATIENT)) for k in range(9)])
    with pytest.raises(InputError, match="3 candidates in a row are matched to the patient"):
        anonymize(patient, candidates, Counted(), RequestSettings(192))


def test_candidates_fit_their_description() -> None:
    candidates = candidates_for(read_description("man of about 60"), 4)
    (first, one), (second, two) = next(candidates), next(candidates)
    assert first == second == 4
    assert one.seed < two.seed
    assert {one.gender, two.gender} == {"man"}
    assert {one.age, two.age} == {60}


def test_the_gate_matches_only_the_patient(patient: Patient) -> None:
    gate = Gate([picture.face for picture in patient.pictures])
    assert gate.takes(_face(PATIENT).image)
    assert not gate.takes(_face(OTHER).image)
    assert GATE == 0.25
    assert not gate.takes(np.full((128, 128, 3), 128, np.uint8))


@pytest.mark.parametrize(
    ("seed", "movement", "faults"),
    [
        (OTHER, Movement.GRIN, ("side-differs", "movement-differs")),
        (PATIENT, Movement.REST, ("patient-recognised", "side-differs", "movement-differs")),
        (None, None, ("no-face",)),
    ],
)
def test_the_verdict_lists_the_faults(
    patient: Patient,
    seed: int | None,
    movement: Movement | None,
    faults: tuple[str, ...],
    tmp_path: Path,
) -> None:
    """A method is judged by its picture, whatever was requested."""
    image = np.full((192, 192, 3), 128, np.uint8)
    if seed is not None:
        weak = Palsy.peripheral(Side.RIGHT, Grade.VI)
        image = render(sample(seed), movement, weak, view=View(192, PORTRAIT)).image
    only = Patient(patient.pictures[1:2], None)
    made = anonymize(only, single_candidate(sample(OTHER), 0), Counted(image), RequestSettings(192))
    report = "\n".join(write_one(tmp_path / "made.png", made))
    found = made.pictures[0].verdict
    if movement is Movement.REST:
        found = Verdict(found.distance, found.expression)
        assert found.recognised
        assert f"THE PATIENT IS RECOGNISED (dlib distance {found.distance:.3f})" in report
    assert set(found.faults) <= set(faults)
    assert faults[0] in found.faults
    assert [p.name for p in tmp_path.iterdir()] == [f"made-{'-'.join(found.faults)}.png"]


def test_the_privacy_distance_is_that_to_the_patient(patient: Patient) -> None:
    """It is the smaller one of those to the patient's picture and to the patient's rest."""
    made = anonymize(patient, single_candidate(sample(OTHER), 2), Counted(), RequestSettings(192))
    recogniser = DlibRecogniser()

    def describe(face: Face) -> np.ndarray:
        return recogniser.describe(recogniser.crop(face).image)

    for picture in made.pictures:
        features = describe(detect_face(picture.image))
        known = (picture.picture.face, patient.pictures[0].face)
        nearest = min(float(np.linalg.norm(features - describe(face))) for face in known)
        assert picture.verdict.distance == pytest.approx(nearest, abs=1e-6)
        assert made.rest is not None
        distance = np.linalg.norm(features - describe(made.rest))
        assert distance < 0.5, "the picture shows the subject"


def test_the_check_captures_patient_and_picture_each_with_its_own_rest(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    captured: dict[str, tuple[Face, Face | None]] = {}
    compared: list[tuple[object, object, Movement | None]] = []

    def capture(face: Face, rest: Face | None) -> str:
        captured[f"{len(captured)}"] = (face, rest)
        return f"{len(captured) - 1}"

    def compare(first: str, second: str, movement: Movement | None) -> Comparison:
        compared.append((captured[first], captured[second], movement))
        return Comparison(moves=False)

    monkeypatch.setattr(verdict, "capture", capture)
    monkeypatch.setattr(verdict, "compare", compare)
    grin, rest = patient.pictures[1], patient.rest
    image, subject_rest = _face(OTHER, Movement.GRIN).image, _face(OTHER)
    check = PrivacyCheck(rest)
    found = check.verdict(patient.expression(grin), image, subject_rest, Movement.GRIN)
    (of_patient, of_picture, movement) = compared[0]
    assert of_patient[0] is grin.face
    assert of_patient[1] is rest
    assert np.array_equal(of_picture[0].image, image)
    assert of_picture[1] is subject_rest
    assert (movement, found.expression.moves) == (Movement.GRIN, False)
    check = PrivacyCheck(rest)
    again = check.verdict(patient.expression(grin), image, subject_rest, Movement.REST)
    assert again.expression.moves, "a picture at rest need not move"


@pytest.mark.parametrize(
    ("distance", "comparison", "faults", "preserved"),
    [
        (None, Comparison(), ("no-face",), False),
        (0.59, Comparison(), ("patient-recognised",), True),
        (0.6, Comparison(), (), True),
        (0.7, Comparison(side="left"), ("side-differs",), False),
        (0.7, Comparison(movement=("brow",)), ("movement-differs",), False),
        (0.7, Comparison(moves=False), (), False),
    ],
)
def test_faults_of_a_verdict(
    distance: float | None, comparison: Comparison, faults: tuple[str, ...], preserved: bool
) -> None:
    found = Verdict(distance, comparison)
    assert (found.faults, found.expression_preserved) == (faults, preserved)
    assert found.recognised == (distance == 0.59)


def test_write_folder_writes_pictures_and_reports(patient: Patient, tmp_path: Path) -> None:
    left_out = Patient(patient.pictures, patient.rest, ("a.txt: not a picture",))
    made = anonymize(left_out, single_candidate(sample(OTHER), 2), Counted(), RequestSettings(192))
    lines = write_folder(tmp_path / "out", left_out, made)
    names = sorted(p.name for p in (tmp_path / "out").iterdir())
    assert names == ["close-eyes-lightly.png", "grin.png", "rest.png", "sheet.png"]
    assert lines[0] == f"{tmp_path / 'out'}: 3 pictures"
    assert "left out: a.txt: not a picture" in lines
    assert any(line.startswith("not in the folder: wrinkle-forehead, ") for line in lines)
    assert any("the patient is recognised in 0 of 3 pictures (dlib distance" in x for x in lines)
    assert "expression: side and movement are the patient's in 3 of 3" in lines
    with Image.open(tmp_path / "out" / "grin.png") as image:
        assert "synthetic" in image.text["Description"]
        record = json.loads(image.text["palsynth:provenance"])
    assert (record["seed"], record["expression"]) == (2, "picture")
    assert "words" not in record


def test_the_sheet_measures_patient_and_picture(patient: Patient) -> None:
    made = anonymize(patient, single_candidate(sample(OTHER), 2), Counted(), RequestSettings(256))
    sheet = anonymization_sheet(patient, made, 160)
    assert [row.movement for row in sheet.rows] == list(MOVEMENTS)
    grin = sheet.rows[1]
    assert grin.requested_side is grin.measured_side is Side.LEFT
    assert grin.requested_score < 4
    assert sheet.image.shape[1] < 4 * 256  # tiles are shown at 160 px
    own = requested_and_measured(
        patient.pictures[1].face.image,
        Movement.GRIN,
        Palsy.none(),
        measure(patient.pictures[0].face.landmarks),
    )
    assert (grin.requested_side, grin.requested_score) == (own.measured_side, own.measured_score)
    assert made.rest is not None
    shown = requested_and_measured(
        made.pictures[1].image, Movement.GRIN, Palsy.none(), measure(made.rest.landmarks)
    )
    assert (grin.measured_score, grin.asymmetry) == (shown.measured_score, shown.asymmetry)


def test_the_sheet_compares_the_patients_measures_with_those_of_the_pictures(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The method always generates the same grin, at rest too, so no movement is measured."""
    image = _face(OTHER, Movement.GRIN).image
    made = anonymize(
        patient, single_candidate(sample(OTHER), 2), Counted(image), RequestSettings(224)
    )
    rests: list[Measures | None] = []

    def record_rest(image: np.ndarray, movement: Movement, palsy: Palsy, rest: Measures | None):  # type: ignore[no-untyped-def]
        rests.append(rest)
        return requested_and_measured(image, movement, palsy, rest)

    monkeypatch.setattr(anonymized_files, "requested_and_measured", record_rest)
    grin = anonymization_sheet(patient, made).rows[1]
    assert (grin.requested_side, grin.measured_side) == (Side.LEFT, None)
    assert made.rest is not None
    own, theirs = (measure(f.landmarks) for f in (patient.pictures[0].face, made.rest))
    assert rests == [None, None, own, theirs, own, theirs]  # a picture at rest has no reference
    assert own != theirs


def test_the_picture_of_an_earlier_run_is_replaced(patient: Patient, tmp_path: Path) -> None:
    """One picture gives one file, whatever faults its name states; other files are preserved."""
    out = tmp_path / "made.png"
    own = tmp_path / "made-side-differs.png"
    Image.new("RGB", (64, 64)).save(own)
    only = Patient(patient.pictures[1:2], patient.rest)
    for seed, names in (
        (PATIENT, ["made-patient-recognised.png", own.name]),
        (OTHER, [own.name, "made.png"]),
        (PATIENT, ["made-patient-recognised.png", own.name]),
    ):
        write_one(
            out,
            anonymize(only, single_candidate(sample(seed), 0), Counted(), RequestSettings(192)),
        )
        assert sorted(p.name for p in tmp_path.iterdir()) == names


def test_a_picture_without_movement_is_reported(patient: Patient, tmp_path: Path) -> None:
    neutral = PatientPicture("grin", Movement.GRIN, patient.pictures[0].face)
    made = anonymize(
        Patient((neutral,), patient.rest),
        single_candidate(sample(OTHER), 0),
        Counted(),
        RequestSettings(192),
    )
    report = write_one(tmp_path / "m.png", made)
    assert "note: there is hardly any movement in the patient's picture" in report
    assert not any(line.startswith("expression: side") for line in report)
    assert made.faults == ()


def test_file_names_state_the_faults() -> None:
    assert named(Path("a/b.png"), ()) == Path("a/b.png")
    faults = ("patient-recognised", "side-differs")
    assert named(Path("a/b.png"), faults) == Path("a/b-patient-recognised-side-differs.png")
