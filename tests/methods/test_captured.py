"""The method ``captured``: which expression is applied to which identity."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from palsynth.capture import capture, drive_of
from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.errors import InputError
from palsynth.face.face import Face
from palsynth.face.framing import PORTRAIT
from palsynth.methods import ExpressionImage, Request, TargetExpression, get_method
from palsynth.methods.captured import draft
from palsynth.methods.resolve import REST, as_drive, subject_face
from palsynth.simulator.compose import compose
from palsynth.simulator.drive import Drive, drive
from palsynth.simulator.photo import at_rest
from palsynth.subjects import View, render_drive, sample

WINK = TargetExpression(Movement.WINK, Palsy.peripheral(Side.LEFT, Grade.III), 0.7, Side.RIGHT)


def same_drive(found: Drive, expected: Drive) -> bool:
    """Whether everything that moves the face is the same."""
    return (found.left, found.right, found.drag, found.jaw, found.sealed) == (
        expected.left,
        expected.right,
        expected.drag,
        expected.jaw,
        expected.sealed,
    ) and np.array_equal(found.offset, expected.offset)


@pytest.fixture(scope="module")
def patient() -> ExpressionImage:
    subject, view = sample(970_161), View(192, PORTRAIT)
    grin = TargetExpression(Movement.GRIN, Palsy.peripheral(Side.LEFT, Grade.V))
    return ExpressionImage(*(subject_face(subject, target, view) for target in (grin, REST)))


def test_an_image_is_captured_against_the_same_person_at_rest(
    patient: ExpressionImage, astronaut: Face
) -> None:
    against_rest = drive_of(capture(patient.face, patient.rest))
    assert same_drive(as_drive(patient, astronaut), against_rest)
    without_rest = as_drive(ExpressionImage(patient.face), astronaut)
    assert same_drive(without_rest, drive_of(capture(patient.face)))
    assert not same_drive(without_rest, against_rest)


def test_a_target_drives_the_requested_eye_and_effort() -> None:
    expected = drive(Movement.WINK, WINK.palsy, intensity=0.7, bell=0.2, wink=Side.RIGHT)
    subject = replace(sample(1), bell=0.2)
    assert same_drive(as_drive(WINK, subject), expected)
    assert as_drive(expected, subject) is expected
    for other in (
        drive(Movement.WINK, WINK.palsy, intensity=0.7, bell=0.9, wink=Side.RIGHT),
        drive(Movement.WINK, WINK.palsy, intensity=1.0, bell=0.2, wink=Side.RIGHT),
        drive(Movement.WINK, WINK.palsy, intensity=0.7, bell=0.2, wink=Side.LEFT),
    ):
        assert not same_drive(other, expected)


def test_the_expression_is_the_patients_and_the_rest_of_the_image_the_identitys(
    patient: ExpressionImage, astronaut: Face
) -> None:
    captured = drive_of(capture(patient.face, patient.rest))
    subject, photo, unframed = get_method("captured")(
        [
            Request(sample(970_162), patient, size=96, framing=PORTRAIT),
            Request(astronaut, patient, size=128, framing=PORTRAIT),
            Request(astronaut, patient, framing=None),
        ]
    )
    assert np.array_equal(subject, render_drive(sample(970_162), captured, View(96, PORTRAIT))[0])
    cropped = astronaut.aligned(PORTRAIT, 128)
    assert np.array_equal(photo, compose(at_rest(cropped), captured).image)
    assert np.array_equal(unframed, compose(at_rest(astronaut), captured).image)
    assert np.array_equal(draft(astronaut, patient), unframed)


def test_a_subject_shows_its_own_bells_phenomenon() -> None:
    seeds = range(970_200, 970_240)
    weakest, strongest = (f(seeds, key=lambda s: sample(s).bell) for f in (min, max))
    requested = TargetExpression(Movement.CLOSE_EYES_LIGHTLY, Palsy.peripheral(Side.LEFT, Grade.VI))
    for seed in (weakest, strongest):
        subject = sample(seed)
        expected = drive(requested.movement, requested.palsy, bell=subject.bell)
        # the lid comes down by 0.2 from where it stands, 0.12 wide
        assert expected.left.bell == pytest.approx(0.92 * subject.bell)
        image = get_method("captured")([Request(subject, requested, size=96)])[0]
        assert np.array_equal(image, render_drive(subject, expected, View(96))[0])


def test_the_draft_of_a_face_that_cannot_be_moved_is_its_image(face: Face) -> None:
    out_of_frame = Face(face.image, face.landmarks - np.float32([0.6 * face.image.shape[1], 0, 0]))
    with pytest.raises(InputError):
        at_rest(out_of_frame)
    assert np.array_equal(draft(out_of_frame, WINK), face.image)


def test_weights_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the method captured takes no weights"):
        get_method("captured", tmp_path)
