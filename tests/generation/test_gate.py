"""The gate finds what is wrong with a picture, and nothing in one that shows what was requested."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.generation.gate import QualityGate, describe
from palsynth.generation.plan import GateSettings
from palsynth.generation.runner import Generated
from palsynth.methods.base import Expression, ExpressionImage, Method, Request, TargetExpression
from palsynth.methods.resolve import subject_face
from palsynth.methods.simulator import SimulatorMethod
from palsynth.methods.subjects import SubjectsMethod
from palsynth.subjects import Subject, View, sample
from tests.test_killed_pictures import Flat

SUBJECTS = [sample(seed) for seed in range(3)]
GRIN = Movement.GRIN
WEAK = {side: Palsy.peripheral(side, Grade.V) for side in Side}
REQUEST = Request(SUBJECTS[0], TargetExpression(GRIN, WEAK[Side.LEFT]), 1, 160)


@lru_cache
def gallery() -> np.ndarray:
    return describe(SUBJECTS)


def shown(subject: Subject, expression: Expression) -> np.ndarray:
    (image,) = SimulatorMethod()([Request(subject, expression, 1, 160)])
    return image


def faults(
    image: np.ndarray,
    settings: GateSettings | None = None,
    request: Request = REQUEST,
    method: Method | None = None,
    identity: int = 0,
) -> tuple[str, ...]:
    gate = QualityGate(settings or GateSettings(), method or Flat(), gallery())
    picture = Generated(image, request, {})
    return gate.check(picture, identity, GRIN, WEAK[Side.LEFT]).faults


def test_what_was_requested_passes() -> None:
    assert faults(shown(SUBJECTS[0], REQUEST.expression)) == ()


CASES = {
    "side": (0, TargetExpression(GRIN, WEAK[Side.RIGHT])),
    "movement": (0, TargetExpression(Movement.REST, Palsy.none())),
    "identity": (1, REQUEST.expression),
}


@pytest.mark.parametrize("fault", CASES)
def test_each_fault_is_found_unless_it_is_not_looked_for(fault: str) -> None:
    subject, expression = CASES[fault]
    image = shown(SUBJECTS[subject], expression)
    assert fault in faults(image)
    assert fault not in faults(image, replace(GateSettings(), **{fault: False}))


def test_a_picture_without_a_face() -> None:
    grey = np.full((160, 160, 3), 128, np.uint8)
    assert faults(grey) == ("no-face",)
    assert faults(grey, GateSettings(face=False)) == ()


def test_two_faces_are_not_one() -> None:
    one = shown(SUBJECTS[0], REQUEST.expression)
    assert faults(np.hstack([one, one])) == ("no-face",)


@pytest.mark.parametrize("method", [SimulatorMethod(), SubjectsMethod()])
def test_methods_that_move_the_face_themselves_are_not_compared(method: Method) -> None:
    image = shown(SUBJECTS[0], CASES["movement"][1])
    assert faults(image, method=method) == ()


def test_what_is_measured() -> None:
    gate = QualityGate(GateSettings(), SimulatorMethod(), gallery())
    picture = Generated(shown(SUBJECTS[0], REQUEST.expression), REQUEST, {})
    measured = gate.check(picture, 0, GRIN, WEAK[Side.LEFT]).measured
    assert measured["weak_side"] == "left"
    assert measured["asymmetry"] > 1
    assert measured["similarity"] > 0.5
    unlabelled = gate.check(picture, 0, None, None).measured
    assert unlabelled == {"similarity": measured["similarity"]}


def test_the_patient_must_not_be_recognised() -> None:
    """The picture shows the patient whose expression it was to show on somebody else."""
    patient = sample(50)
    faces = [
        subject_face(patient, TargetExpression(m, WEAK[Side.LEFT]), View(160))
        for m in (GRIN, Movement.REST)
    ]
    request = replace(REQUEST, expression=ExpressionImage(*faces))
    assert "patient" in faults(faces[0].image, request=request)
    assert "patient" not in faults(faces[0].image, GateSettings(identity=False), request)
    other = shown(SUBJECTS[0], REQUEST.expression)
    assert faults(other, request=request) == ()


def test_an_identity_beyond_the_gallery_is_compared_with_all_in_it() -> None:
    stranger = sample(60)
    request = replace(REQUEST, identity=stranger)
    image = shown(stranger, REQUEST.expression)
    assert faults(image, request=request, identity=7) == ()
    wrong = shown(SUBJECTS[2], REQUEST.expression)
    assert "identity" in faults(wrong, request=request, identity=7)
