"""The method ``captured``: whose expression goes onto whom."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from palsynth.capture import capture, drive_of
from palsynth.clinical import Grade, Movement, Palsy, Side
from palsynth.errors import InputError
from palsynth.face.face import Face
from palsynth.face.framing import PORTRAIT
from palsynth.methods import ExpressionImage, Request, TargetExpression, get_method
from palsynth.methods.captured import draft, drive_for
from palsynth.methods.resolve import subject_face
from palsynth.simulator.compose import compose
from palsynth.simulator.drive import Drive, drive
from palsynth.simulator.photo import at_rest
from palsynth.subjects import View, render_drive, sample

WINK = TargetExpression(Movement.WINK, Palsy.peripheral(Side.LEFT, Grade.III), 0.7, Side.RIGHT)


def alike(found: Drive, expected: Drive) -> bool:
    """Whether all that a face does is the same."""
    return (found.left, found.right, found.drag, found.jaw, found.sealed) == (
        expected.left, expected.right, expected.drag, expected.jaw, expected.sealed
    ) and np.array_equal(found.offset, expected.offset)  # fmt: skip


@pytest.fixture(scope="module")
def patient() -> ExpressionImage:
    who, view = sample(970_161), View(192, PORTRAIT)
    grin = TargetExpression(Movement.GRIN, Palsy.peripheral(Side.LEFT, Grade.V))
    return ExpressionImage(
        *(subject_face(who, a, view) for a in (grin, TargetExpression(Movement.REST, Palsy.none())))
    )


def test_a_picture_is_captured_against_its_own_rest(patient: ExpressionImage) -> None:
    against_rest = drive_of(capture(patient.face, patient.rest))
    assert alike(drive_for(patient), against_rest)
    alone = drive_for(ExpressionImage(patient.face))
    assert alike(alone, drive_of(capture(patient.face)))
    assert not alike(alone, against_rest)


def test_words_drive_the_asked_eye_and_effort() -> None:
    expected = drive(Movement.WINK, WINK.palsy, intensity=0.7, bell=0.2, wink=Side.RIGHT)
    assert alike(drive_for(WINK, 0.2), expected)
    for other in (
        drive(Movement.WINK, WINK.palsy, intensity=0.7, bell=0.9, wink=Side.RIGHT),
        drive(Movement.WINK, WINK.palsy, intensity=1.0, bell=0.2, wink=Side.RIGHT),
        drive(Movement.WINK, WINK.palsy, intensity=0.7, bell=0.2, wink=Side.LEFT),
    ):
        assert not alike(other, expected)


def test_the_identity_is_drawn_or_moved_and_the_patient_only_gives_the_expression(
    patient: ExpressionImage, astronaut: Face
) -> None:
    what = drive_of(capture(patient.face, patient.rest))
    subject, photo, as_it_lies = get_method("captured")([
        Request(sample(970_162), patient, size=96, framing=PORTRAIT),
        Request(astronaut, patient, size=128, framing=PORTRAIT),
        Request(astronaut, patient, framing=None),
    ])  # fmt: skip
    assert np.array_equal(subject, render_drive(sample(970_162), what, View(96, PORTRAIT))[0])
    cut = astronaut.aligned(PORTRAIT, 128)
    assert np.array_equal(photo, compose(at_rest(cut), what).image)
    assert np.array_equal(as_it_lies, compose(at_rest(astronaut), what).image)
    assert np.array_equal(draft(astronaut, patient), as_it_lies)


def test_a_person_shows_bells_phenomenon_as_they_have_it() -> None:
    seeds = range(970_200, 970_240)
    least, most = (f(seeds, key=lambda s: sample(s).bell) for f in (min, max))
    requested = TargetExpression(Movement.CLOSE_EYES_LIGHTLY, Palsy.peripheral(Side.LEFT, Grade.VI))
    for seed in (least, most):
        subject = sample(seed)
        what = drive(requested.movement, requested.palsy, bell=subject.bell)
        # the lid comes down by 0.2 from where it stands, 0.12 wide
        assert what.left.bell == pytest.approx(0.92 * subject.bell)
        made = get_method("captured")([Request(subject, requested, size=96)])[0]
        assert np.array_equal(made, render_drive(subject, what, View(96))[0])


def test_a_face_that_cannot_be_moved_is_its_own_draft(face: Face) -> None:
    beyond = Face(face.image, face.landmarks - np.float32([0.6 * face.image.shape[1], 0, 0]))
    with pytest.raises(InputError):
        at_rest(beyond)
    assert np.array_equal(draft(beyond, WINK), face.image)


def test_weights_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the method captured takes no weights"):
        get_method("captured", tmp_path)
